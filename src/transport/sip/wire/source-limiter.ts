/** What one source may ask for. */
export interface SourceLimit {
  /** New requests a second, in the long run. */
  readonly perSecond: number
  /** New requests at once. */
  readonly burst: number
}

/** Sources that are remembered; the one not heard for longest is forgotten first. */
const MAX_SOURCES = 10_000

interface Bucket {
  tokens: number
  atMs: number
}

/** A token bucket for each source address: scanners run dry, phones never notice. */
export class SourceLimiter {
  readonly stats = { refused: 0 }
  readonly #limit: SourceLimit
  readonly #buckets = new Map<string, Bucket>()

  constructor(limit: SourceLimit) {
    this.#limit = limit
  }

  /** Whether `host` may have one more request at `nowMs`. */
  allows(host: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(host) ?? { tokens: this.#limit.burst, atMs: nowMs }
    // Put last again: a Map keeps the order of insertion.
    this.#buckets.delete(host)
    this.#buckets.set(host, bucket)
    if (this.#buckets.size > MAX_SOURCES) this.#forgetOldest()
    const earned = ((nowMs - bucket.atMs) * this.#limit.perSecond) / 1_000
    bucket.tokens = Math.min(this.#limit.burst, bucket.tokens + earned)
    bucket.atMs = nowMs
    if (bucket.tokens < 1) {
      this.stats.refused += 1
      return false
    }
    bucket.tokens -= 1
    return true
  }

  #forgetOldest(): void {
    for (const host of this.#buckets.keys()) {
      this.#buckets.delete(host)
      return
    }
  }
}
