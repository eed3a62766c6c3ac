/** The least value of a queue of numbers, at any time, without looking through it. */
export class MinWindow {
  /** Those that are the least of everything behind them, ascending, each with its place. */
  readonly #candidates: { readonly place: number; value: number }[] = []
  #pushed = 0
  #shifted = 0

  /** The least of what has been pushed and not shifted; undefined when there is none. */
  get least(): number | undefined {
    return this.#candidates[0]?.value
  }

  push(value: number): void {
    while ((this.#candidates.at(-1)?.value ?? -Infinity) >= value) this.#candidates.pop()
    this.#candidates.push({ place: this.#pushed, value })
    this.#pushed += 1
  }

  /** Makes those that are less than `value` as great as it. */
  raiseTo(value: number): void {
    for (const candidate of this.#candidates) candidate.value = Math.max(candidate.value, value)
  }

  /** Forgets the value that was pushed first. */
  shift(): void {
    if (this.#candidates[0]?.place === this.#shifted) this.#candidates.shift()
    this.#shifted += 1
  }
}
