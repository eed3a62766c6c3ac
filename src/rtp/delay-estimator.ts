/** The fastest packet of the last windows is the measure of all others; a slow clock moves it. */
const WINDOW_MS = 500
const WINDOWS = 4
/** Delays that stay beyond all bounds for so long are another route, or timestamps that stood. */
const MAX_BEYOND_MS = 200
/** No clock is so slow that the fastest packet falls back by this much from window to window. */
const MIN_STEP_MS = 20
const BIN_MS = 5
const BINS = 200
/** So many of all packets are to be there in time. */
const QUANTILE = 0.97
/** What a packet counts after the next one: half after 140 packets, 3 s at 20 ms. */
const MEMORY = 0.995
/** Weights grow instead of old counts shrinking, until they are this large. */
const MAX_WEIGHT = 1e9
/** A late packet raises the target at once; this is how fast it is forgotten. */
const PEAK_RELEASE_MS = 5000

export interface DelayBounds {
  readonly minMs: number
  readonly startMs: number
  readonly maxMs: number
}

/**
 * Learns from the times of arrival how long audio must wait so that nearly all packets are there
 * when they are due. The delay of a packet is taken against the fastest one of the last seconds.
 * The target is what 97 % of the packets of the last seconds did not exceed, or the latest single
 * packet, forgotten exponentially: whichever is more.
 */
export class DelayEstimator {
  /** How long audio should wait, counted from the arrival of the fastest packet. */
  targetMs: number
  readonly #bounds: DelayBounds
  /** Weight of the packets by delay, in bins of `BIN_MS`. */
  readonly #bins = new Float64Array(BINS)
  #total = 0
  #weight = 1
  #quantileMs = 0
  #peakMs: number
  #lastArrivalMs: number | undefined
  /** Transit time of the fastest packet lately; Infinity before the first. */
  #baseMs = Infinity
  /** The same of each window, and which one is the present. */
  readonly #fastestMs = new Float64Array(WINDOWS).fill(Infinity)
  #window = 0
  /** Since when all packets have been later than allowed. */
  #beyondSinceMs: number | undefined

  constructor(bounds: DelayBounds) {
    this.#bounds = bounds
    this.targetMs = bounds.startMs
    this.#peakMs = bounds.startMs
  }

  /** Transit time of the fastest packet lately; Infinity before the first. */
  get baseMs(): number {
    return this.#baseMs
  }

  /**
   * Takes a packet that arrived at `arrivalMs` after `transitMs`: arrival less its timestamp, with
   * an arbitrary but constant offset. A packet that others have overtaken (`isOvertaken`) counts,
   * but does not raise the target by itself: the others are not late.
   */
  observe(arrivalMs: number, transitMs: number, isOvertaken: boolean): void {
    this.#updateBase(arrivalMs, transitMs)
    const delayMs = transitMs - this.#baseMs
    const elapsedMs = Math.max(0, arrivalMs - (this.#lastArrivalMs ?? arrivalMs))
    this.#lastArrivalMs = arrivalMs
    this.#peakMs *= Math.exp(-elapsedMs / PEAK_RELEASE_MS)
    // What no allowed delay could have saved is no reason for one.
    if (delayMs <= this.#bounds.maxMs) {
      this.#count(delayMs)
      if (!isOvertaken) this.#peakMs = Math.max(this.#peakMs, delayMs)
    }
    const { minMs, maxMs } = this.#bounds
    this.targetMs = Math.max(minMs, Math.min(maxMs, Math.max(this.#quantileMs, this.#peakMs)))
  }

  /** Forgets the fastest packet, not the jitter: another stream over the same network. */
  restart(): void {
    this.#fastestMs.fill(Infinity)
    this.#baseMs = Infinity
    this.#beyondSinceMs = undefined
  }

  #updateBase(arrivalMs: number, transitMs: number): void {
    if (this.#isBeyond(arrivalMs, transitMs)) this.restart()
    const before = this.#baseMs
    const fastestMs = this.#fastestMs
    const window = Math.floor(arrivalMs / WINDOW_MS)
    const passed = Math.min(WINDOWS, window - this.#window)
    for (let i = 0; i < passed; i += 1) fastestMs[(window - i) & (WINDOWS - 1)] = Infinity
    this.#window = window
    const at = window & (WINDOWS - 1)
    fastestMs[at] = Math.min(fastestMs[at]!, transitMs)
    this.#baseMs = transitMs
    for (let i = 0; i < WINDOWS; i += 1) this.#baseMs = Math.min(this.#baseMs, fastestMs[i]!)
    // After a pause of the stream there is no telling; the network is still the same.
    const riseMs = this.#baseMs - before
    if (passed < WINDOWS && riseMs > MIN_STEP_MS) this.#lower(riseMs)
  }

  /** Whether packets have been so late for so long that this is no jitter. */
  #isBeyond(arrivalMs: number, transitMs: number): boolean {
    if (transitMs - this.#baseMs <= this.#bounds.maxMs || this.#baseMs === Infinity) {
      this.#beyondSinceMs = undefined
      return false
    }
    this.#beyondSinceMs ??= arrivalMs
    return arrivalMs - this.#beyondSinceMs > MAX_BEYOND_MS
  }

  /** The route has become longer: compared with what is fastest now, all delays were less. */
  #lower(riseMs: number): void {
    const bins = this.#bins
    const shift = Math.min(BINS - 1, Math.round(riseMs / BIN_MS))
    this.#peakMs = Math.max(0, this.#peakMs - riseMs)
    if (shift === 0) return
    for (let i = 1; i <= shift; i += 1) bins[0] = bins[0]! + bins[i]!
    bins.copyWithin(1, shift + 1)
    bins.fill(0, BINS - shift)
  }

  #count(delayMs: number): void {
    const bins = this.#bins
    const bin = Math.min(BINS - 1, Math.floor(delayMs / BIN_MS))
    this.#weight /= MEMORY
    bins[bin] = bins[bin]! + this.#weight
    this.#total += this.#weight
    if (this.#weight > MAX_WEIGHT) this.#rescale()
    const above = this.#total * (1 - QUANTILE)
    let sum = 0
    let at = BINS - 1
    while (at > 0 && sum + bins[at]! <= above) {
      sum += bins[at]!
      at -= 1
    }
    this.#quantileMs = at === 0 ? 0 : (at + 1) * BIN_MS
  }

  #rescale(): void {
    const bins = this.#bins
    for (let i = 0; i < BINS; i += 1) bins[i] = bins[i]! / this.#weight
    this.#total /= this.#weight
    this.#weight = 1
  }
}
