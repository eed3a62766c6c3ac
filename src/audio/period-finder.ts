/** Rate of the coarse search: enough to tell periods of 2.5 ms apart. */
const COARSE_RATE = 4000

/**
 * Finds after how many samples a sound repeats itself best: its pitch period if it is voiced. A
 * coarse search on a thinned copy, then a fine one at the full rate around the best few samples.
 * One stream's own scratch; the result is in the two fields.
 */
export class PeriodFinder {
  /** The period that was found last, in samples. */
  period = 0
  /** How well the sound repeats after `period`: normalised correlation, 1 is exactly. */
  likeness = 0
  readonly #thinning: number
  readonly #fine: Float64Array
  readonly #coarse: Float64Array

  /** `maxSamples` is the most that `find` is ever given. */
  constructor(sampleRate: number, maxSamples: number) {
    this.#thinning = Math.max(1, Math.round(sampleRate / COARSE_RATE))
    this.#fine = new Float64Array(maxSamples)
    this.#coarse = new Float64Array(Math.ceil(maxSamples / this.#thinning))
  }

  /**
   * Compares the last `window` of the first `length` samples with those `min` to `max` samples
   * before; `length` must be `window + max` or more. Silence has a likeness of 0.
   */
  find(samples: Int16Array, length: number, span: PeriodSpan): void {
    const thinning = this.#thinning
    const fine = this.#fine
    const coarse = this.#coarse
    for (let i = 0; i < length; i += 1) fine[i] = samples[i]!
    const coarseLength = thin(fine, length, coarse, thinning)
    const coarseMin = Math.max(1, Math.floor(span.min / thinning))
    const coarseMax = Math.floor(span.max / thinning)
    this.#search(coarse, coarseLength, Math.floor(span.window / thinning), coarseMin, coarseMax)
    const near = this.period * thinning
    const min = Math.max(span.min, near - thinning)
    const max = Math.min(span.max, near + thinning)
    this.#search(fine, length, span.window, min, max)
  }

  #search(values: Float64Array, length: number, window: number, min: number, max: number): void {
    const start = length - window
    let own = 0
    let shifted = 0
    for (let i = start; i < length; i += 1) {
      own += values[i]! * values[i]!
      shifted += values[i - min]! * values[i - min]!
    }
    let best = 0
    let period = min
    for (let lag = min; lag <= max; lag += 1) {
      let product = 0
      for (let i = start; i < length; i += 1) product += values[i]! * values[i - lag]!
      const likeness = product / Math.sqrt(own * shifted + 1)
      if (likeness > best) {
        best = likeness
        period = lag
      }
      // The window one sample further back: one more in front, one less behind.
      const first = start - lag - 1 >= 0 ? values[start - lag - 1]! : 0
      const last = values[length - lag - 1]!
      shifted = Math.max(0, shifted + first * first - last * last)
    }
    this.period = period
    this.likeness = best
  }
}

/** Sums of so many neighbours each, aligned with the end, into `to`. Returns how many. */
function thin(from: Float64Array, length: number, to: Float64Array, thinning: number): number {
  const count = Math.floor(length / thinning)
  let at = length - count * thinning
  for (let i = 0; i < count; i += 1) {
    let sum = 0
    for (const end = at + thinning; at < end; at += 1) sum += from[at]!
    to[i] = sum
  }
  return count
}

export interface PeriodSpan {
  /** How many samples are compared. */
  readonly window: number
  /** Shortest and longest period, in samples. */
  readonly min: number
  readonly max: number
}
