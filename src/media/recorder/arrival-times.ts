/** More than the frames, of 10 ms at least, of the second that a processor may hold back. */
const SLOTS = 128

/** Remembers when the last frames of a stream came, until each is asked for, in their order. */
export class ArrivalTimes {
  readonly #positions = new Float64Array(SLOTS)
  readonly #timesMs = new Float64Array(SLOTS)
  #noted = 0
  #taken = 0

  note(position: number, atMs: number): void {
    this.#positions[this.#noted % SLOTS] = position
    this.#timesMs[this.#noted % SLOTS] = atMs
    this.#noted += 1
    this.#taken = Math.max(this.#taken, this.#noted - SLOTS)
  }

  /** When the frame at `position` came; forgets those before it. Undefined when nobody knows. */
  take(position: number): number | undefined {
    while (this.#taken < this.#noted) {
      const slot = this.#taken % SLOTS
      // That of a later frame, which will be asked for.
      if (this.#positions[slot]! > position) return undefined
      this.#taken += 1
      if (this.#positions[slot] === position) return this.#timesMs[slot]
    }
    return undefined
  }
}
