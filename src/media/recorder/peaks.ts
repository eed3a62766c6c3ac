/** The loudest sample of each stretch of a recording, for a picture of it. */
export interface PeakTable {
  /** Length of a stretch, in milliseconds. */
  readonly intervalMs: number
  /** Peak of each stretch, 0 to 255 (full scale): the caller's side, */
  readonly left: number[]
  /** and ours. */
  readonly right: number[]
}

const MAX_POINTS = 1000
const FIRST_INTERVAL_MS = 10
/** Absolute values of 16 bits to 8. */
const SHIFT = 7

/**
 * Gathers the peaks of two channels while they are recorded, in a fixed number of points however
 * long it lasts: when they are used up, neighbours are joined and a point stands for twice as long.
 */
export class Peaks {
  readonly #firstSamples: number
  readonly #left = new Uint8Array(MAX_POINTS)
  readonly #right = new Uint8Array(MAX_POINTS)
  #joins = 0
  /** Samples that a point stands for, and how many of the last one are there. */
  #pointSamples: number
  #filled = 0
  #points = 0

  constructor(sampleRate: number) {
    this.#firstSamples = (sampleRate * FIRST_INTERVAL_MS) / 1000
    this.#pointSamples = this.#firstSamples
  }

  /** Takes the next samples of both channels, of the same number. */
  push(left: Int16Array, right: Int16Array): void {
    for (let from = 0; from < left.length; ) {
      if (this.#filled === 0) this.#openPoint()
      const count = Math.min(this.#pointSamples - this.#filled, left.length - from)
      const point = this.#points - 1
      const to = from + count
      this.#left[point] = Math.max(this.#left[point]!, peakOf(left, from, to))
      this.#right[point] = Math.max(this.#right[point]!, peakOf(right, from, to))
      this.#filled = (this.#filled + count) % this.#pointSamples
      from = to
    }
  }

  toTable(): PeakTable {
    return {
      intervalMs: FIRST_INTERVAL_MS * 2 ** this.#joins,
      left: [...this.#left.subarray(0, this.#points)],
      right: [...this.#right.subarray(0, this.#points)],
    }
  }

  #openPoint(): void {
    if (this.#points === MAX_POINTS) {
      join(this.#left)
      join(this.#right)
      this.#points = MAX_POINTS / 2
      this.#joins += 1
      this.#pointSamples = this.#firstSamples * 2 ** this.#joins
    }
    this.#left[this.#points] = 0
    this.#right[this.#points] = 0
    this.#points += 1
  }
}

function peakOf(samples: Int16Array, from: number, to: number): number {
  let peak = 0
  for (let i = from; i < to; i += 1) peak = Math.max(peak, Math.abs(samples[i]!))
  return Math.min(255, peak >> SHIFT)
}

function join(points: Uint8Array): void {
  for (let i = 0; i < points.length / 2; i += 1) {
    points[i] = Math.max(points[2 * i]!, points[2 * i + 1]!)
  }
}
