import { PeriodFinder } from './period-finder.ts'

const MIN_PERIOD_MS = 2.5
const MAX_PERIOD_MS = 10
/** A sound that repeats itself less well than this would be heard to stumble. */
const MIN_LIKENESS = 0.9
/** RMS below which anything may be overlapped with anything: about -52 dBFS. */
const QUIET_RMS = 80

/**
 * Makes a frame one period of its sound shorter or longer, by overlapping two neighbouring periods
 * over their whole length, so that neither pitch changes nor anything clicks. Begins and ends as
 * the frame did.
 *
 *   shorter   ··· a ╲╱ b ···        longer   ··· a │ b ╲╱ a │ b ···
 */
export class TimeStretcher {
  readonly #finder: PeriodFinder
  readonly #minPeriod: number
  readonly #maxPeriod: number
  readonly #overlap: Int16Array

  /** `maxSamples` is the longest frame. */
  constructor(sampleRate: number, maxSamples: number) {
    this.#minPeriod = Math.round((MIN_PERIOD_MS * sampleRate) / 1000)
    this.#maxPeriod = Math.round((MAX_PERIOD_MS * sampleRate) / 1000)
    this.#finder = new PeriodFinder(sampleRate, maxSamples)
    this.#overlap = new Int16Array(this.#maxPeriod)
  }

  /**
   * Takes one period out of the first `count` of `samples`, in place, and returns how many are
   * left: `count` if the sound has no clear period, unless `isForced`, or is shorter than 5 ms.
   */
  shrink(samples: Int16Array, count: number, isForced = false): number {
    const period = this.#findPeriod(samples, count, isForced)
    if (period === 0) return count
    const middle = count >> 1
    this.#fade(samples, middle - period, middle, period)
    for (let i = 0; i < period; i += 1) samples[middle - period + i] = this.#overlap[i]!
    samples.copyWithin(middle, middle + period, count)
    return count - period
  }

  /**
   * Puts one period more into the first `count` of `samples`, in place, and returns how many there
   * are now: `count` if the sound has no clear period, unless `isForced`. `samples` must have room
   * for 10 ms more.
   */
  grow(samples: Int16Array, count: number, isForced = false): number {
    const period = this.#findPeriod(samples, count, isForced)
    if (period === 0) return count
    const middle = count >> 1
    this.#fade(samples, middle, middle - period, period)
    samples.copyWithin(middle + period, middle, count)
    for (let i = 0; i < period; i += 1) samples[middle + i] = this.#overlap[i]!
    return count + period
  }

  /** 0 when the frame should be left as it is. */
  #findPeriod(samples: Int16Array, count: number, isForced: boolean): number {
    const window = count >> 1
    const max = Math.min(this.#maxPeriod, window)
    if (max < this.#minPeriod) return 0
    this.#finder.find(samples, 2 * window, { window, min: this.#minPeriod, max })
    if (isForced || this.#finder.likeness >= MIN_LIKENESS) return this.#finder.period
    return isQuiet(samples, count) ? this.#finder.period : 0
  }

  /** Fades from the period at `from` into that at `to`. */
  #fade(samples: Int16Array, from: number, to: number, period: number): void {
    for (let i = 0; i < period; i += 1) {
      const share = (i + 1) / (period + 1)
      this.#overlap[i] = Math.round(samples[from + i]! * (1 - share) + samples[to + i]! * share)
    }
  }
}

function isQuiet(samples: Int16Array, count: number): boolean {
  let square = 0
  for (let i = 0; i < count; i += 1) square += samples[i]! * samples[i]!
  return square < count * QUIET_RMS ** 2
}
