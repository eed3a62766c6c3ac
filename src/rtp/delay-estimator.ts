/** The fastest packet of so long is the measure of all others; a drifting clock moves it. */
const BASE_WINDOW_MS = 2000
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
  /** Smallest transit time of this window and of the one before. */
  #minMs = Infinity
  #previousMinMs = Infinity
  #windowEndsMs = -Infinity

  constructor(bounds: DelayBounds) {
    this.#bounds = bounds
    this.targetMs = bounds.startMs
    this.#peakMs = bounds.startMs
  }

  /** Transit time of the fastest packet lately; Infinity before the first. */
  get baseMs(): number {
    return Math.min(this.#minMs, this.#previousMinMs)
  }

  /**
   * Takes a packet that arrived at `arrivalMs` after `transitMs`: arrival less its timestamp, with
   * an arbitrary but constant offset. A packet that others have overtaken (`isOvertaken`) counts,
   * but does not raise the target by itself: the others are not late.
   */
  observe(arrivalMs: number, transitMs: number, isOvertaken: boolean): void {
    this.#updateBase(arrivalMs, transitMs)
    const delayMs = transitMs - this.baseMs
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
    this.#minMs = Infinity
    this.#previousMinMs = Infinity
    this.#windowEndsMs = -Infinity
  }

  #updateBase(arrivalMs: number, transitMs: number): void {
    if (arrivalMs >= this.#windowEndsMs) {
      this.#previousMinMs = this.#minMs
      this.#minMs = transitMs
      this.#windowEndsMs = arrivalMs + BASE_WINDOW_MS
    }
    this.#minMs = Math.min(this.#minMs, transitMs)
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
