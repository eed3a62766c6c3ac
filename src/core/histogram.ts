/**
 * Counts values in fixed buckets, cheap enough for the live path: no allocation, one scan.
 * The shape is that of a Prometheus histogram: cumulative counts per upper bound, a sum, a total.
 */
export class Histogram {
  /** Upper bounds, ascending; a last bucket without bound is implied. */
  readonly bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sum += value
    this.#count += 1
  }

  /** How many values were at most each bound, then all of them; shape (bounds + 1). */
  cumulative(): number[] {
    let total = 0
    return Array.from(this.#counts, (count) => {
      total += count
      return total
    })
  }
}
