/** Too short to be noticed as a fade, long enough not to be heard as a click. */
export const FADE_MS = 5

/** A factor that moves to its next value in a straight line, so that no change of loudness clicks. */
export class GainRamp {
  readonly #sampleRate: number
  #gain: number
  #target: number
  #step = 0
  /** Samples until `#target` is reached. */
  #left = 0

  constructor(sampleRate: number, gain: number) {
    this.#sampleRate = sampleRate
    this.#gain = gain
    this.#target = gain
  }

  /** Where the ramp is now. */
  get gain(): number {
    return this.#gain
  }

  /** The samples would not be changed at all. */
  get isUnity(): boolean {
    return this.#left === 0 && this.#gain === 1
  }

  /** From here on `gain`, at once. */
  jumpTo(gain: number): void {
    this.#gain = gain
    this.#target = gain
    this.#left = 0
  }

  /** Moves to `target` within `durationMs`. */
  moveTo(target: number, durationMs = FADE_MS): void {
    if (target === this.#target) return
    this.#target = target
    this.#left = Math.max(1, Math.round((durationMs * this.#sampleRate) / 1000))
    this.#step = (target - this.#gain) / this.#left
  }

  /** Adds `samples`, shape (n), times the gain to the first n of `mix`. */
  addTo(mix: Int32Array, samples: Int16Array): void {
    const ramp = Math.min(this.#left, samples.length)
    for (let i = 0; i < ramp; i += 1) {
      this.#gain += this.#step
      mix[i] = mix[i]! + samples[i]! * this.#gain
    }
    if (ramp > 0) {
      this.#left -= ramp
      if (this.#left === 0) this.#gain = this.#target
    }
    if (this.#gain === 0 && this.#left === 0) return
    const gain = this.#gain
    for (let i = ramp; i < samples.length; i += 1) mix[i] = mix[i]! + samples[i]! * gain
  }
}
