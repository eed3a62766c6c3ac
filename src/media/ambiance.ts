import { GainRamp } from './gain-ramp.ts'

/** How fast a loop comes in, and gives way to speech. */
const FADE_IN_MS = 500
const DUCK_MS = 200

export interface AmbianceLevels {
  /** Loudness while nothing else is heard; 1 is as it is. */
  readonly level: number
  /** Loudness under a playback. */
  readonly duckLevel: number
}

/** A sound that is heard all through a call, softer while something is played. */
export class Ambiance {
  readonly #loop: Int16Array
  readonly #levels: AmbianceLevels
  readonly #gain: GainRamp
  #position = 0

  /** `loop` (mono, shape (n), n at least 1) may be shared between calls; it is only read. */
  constructor(loop: Int16Array, sampleRate: number, levels: AmbianceLevels) {
    this.#loop = loop
    this.#levels = levels
    this.#gain = new GainRamp(sampleRate, 0)
  }

  /** Adds the next samples of the loop to `mix`, shape (n). */
  addTo(mix: Int32Array, isDucked: boolean): void {
    const { level, duckLevel } = this.#levels
    const isComingIn = this.#gain.gain === 0
    this.#gain.moveTo(isDucked ? duckLevel : level, isComingIn ? FADE_IN_MS : DUCK_MS)
    for (let at = 0; at < mix.length; ) {
      const part = this.#loop.subarray(this.#position, this.#position + mix.length - at)
      this.#gain.addTo(at === 0 ? mix : mix.subarray(at), part)
      at += part.length
      this.#position = (this.#position + part.length) % this.#loop.length
    }
  }
}
