/** How fast the gain comes back after a peak: slow enough to be no tremolo, and 6 dB in 0.3 s. */
const RELEASE_DB_PER_SECOND = 20
/** How long the gain takes to fall, where the audio before the peak leaves it the time. */
const MAX_ATTACK_MS = 5

/**
 * Makes 16 bits of a sum of streams that may be louder, by turning all of it down for a moment.
 *
 * What fits is given back bit for bit, so that a stream alone, or beside quiet ones, is not touched.
 * A bent curve would need no state, but its knee has to lie where ordinary speech peaks. Bent from
 * -3 dBFS on by a tanh, a sine at full level has 2.8 % of distortion (THD+N), one 6 dB above it
 * 22 %; clipping makes 23 % of that. A gain makes none while it stands still (below 0.002 %). The
 * frame itself is the look-ahead, so that there is no delay.
 */
export class SoftLimiter {
  readonly #releasePerSample: number
  readonly #maxAttackSamples: number
  /** Where the last sample was left: 1 unless there was a peak lately. */
  #gain = 1

  /** For one mix at `sampleRate`. */
  constructor(sampleRate: number) {
    this.#releasePerSample = 10 ** (RELEASE_DB_PER_SECOND / 20 / sampleRate)
    this.#maxAttackSamples = Math.ceil((sampleRate * MAX_ATTACK_MS) / 1000)
  }

  /** There was a peak lately: what fits is turned down too, for now. */
  get isLimiting(): boolean {
    return this.#gain < 1
  }

  /** What comes next has nothing to do with what was before. */
  reset(): void {
    this.#gain = 1
  }

  /**
   * Limits the next frame: any sums, shape (n), into `out`, shape (n) or more. Give all frames of a
   * mix in their order.
   */
  limit(mix: Int32Array, out: Int16Array): void {
    const peak = findPeak(mix)
    const from = this.#gain
    if (from === 1 && peak <= 32_767) {
      for (let i = 0; i < mix.length; i += 1) out[i] = mix[i]!
      return
    }
    const to = Math.min(1, from * this.#releasePerSample ** mix.length, 32_767 / peak)
    const ramp = to < from ? this.#attackSamples(mix, from) : mix.length
    const step = (to - from) / ramp
    // Both ends of a ramp are low enough for the samples between them, so that nothing wraps.
    for (let i = 0; i < ramp; i += 1) out[i] = Math.round(mix[i]! * (from + step * (i + 1)))
    for (let i = ramp; i < mix.length; i += 1) out[i] = Math.round(mix[i]! * to)
    this.#gain = to
  }

  /** The gain has to be down at the first sample for which it is too high now: 1 or more. */
  #attackSamples(mix: Int32Array, gain: number): number {
    const tooLoud = 32_767 / gain
    const end = Math.min(this.#maxAttackSamples, mix.length)
    for (let i = 0; i < end; i += 1) {
      if (magnitude(mix[i]!) > tooLoud) return i + 1
    }
    return end
  }
}

function findPeak(mix: Int32Array): number {
  let peak = 0
  for (let i = 0; i < mix.length; i += 1) {
    const value = magnitude(mix[i]!)
    if (value > peak) peak = value
  }
  return peak
}

/** Counts -32,768 as no louder than 32,767, for both just fit. */
function magnitude(value: number): number {
  return value ^ (value >> 31)
}
