import { WINDOW_SAMPLES } from './silero-network.ts'

const INITIAL_WINDOWS = 4

/**
 * Audio of one stream cut into windows of 512 samples that wait to be judged. It grows up to a
 * bound; then the oldest window goes for every new one.
 */
export class WindowQueue {
  readonly #maxWindows: number
  /** A ring; its capacity in windows is the length of `#wholeAtMs`. */
  #samples = new Int16Array(INITIAL_WINDOWS * WINDOW_SAMPLES)
  /** When the last sample of a window was received. */
  #wholeAtMs = new Float64Array(INITIAL_WINDOWS)
  /** Windows since the stream began: the oldest one here, and the one that is being filled. */
  #oldest = 0
  #filling = 0
  /** Samples of the window that is being filled. */
  #filled = 0

  constructor(maxWindows: number) {
    this.#maxWindows = maxWindows
  }

  /** How many whole windows wait. */
  get length(): number {
    return this.#filling - this.#oldest
  }

  /** Which window of the stream the oldest one is, counted from 0 and with those dropped. */
  get oldestIndex(): number {
    return this.#oldest
  }

  /** When the oldest window became whole, as `push` was told. */
  get oldestWholeAtMs(): number {
    return this.#wholeAtMs[this.#oldest % this.#wholeAtMs.length]!
  }

  /** Copies 16 kHz samples, shape (n); returns how many windows it had to drop. */
  push(samples: Int16Array, receivedAtMs: number): number {
    let dropped = 0
    for (let from = 0; from < samples.length; ) {
      const count = Math.min(WINDOW_SAMPLES - this.#filled, samples.length - from)
      const slot = this.#filling % this.#wholeAtMs.length
      this.#samples.set(samples.subarray(from, from + count), slot * WINDOW_SAMPLES + this.#filled)
      this.#filled += count
      from += count
      if (this.#filled === WINDOW_SAMPLES) {
        this.#wholeAtMs[slot] = receivedAtMs
        dropped += this.#startWindow()
      }
    }
    return dropped
  }

  /** Moves the oldest window into `target`, shape (512). */
  shift(target: Int16Array): void {
    const first = (this.#oldest % this.#wholeAtMs.length) * WINDOW_SAMPLES
    target.set(this.#samples.subarray(first, first + WINDOW_SAMPLES))
    this.#oldest += 1
  }

  /** Makes room for the next window, by growing or by dropping; returns how many were dropped. */
  #startWindow(): number {
    this.#filling += 1
    this.#filled = 0
    const capacity = this.#wholeAtMs.length
    if (this.length > this.#maxWindows) {
      this.#oldest += 1
      return 1
    }
    if (this.length === capacity) this.#grow(capacity)
    return 0
  }

  /** Doubles a ring that is full of whole windows, keeping each where its index belongs. */
  #grow(capacity: number): void {
    const samples = new Int16Array(2 * capacity * WINDOW_SAMPLES)
    const wholeAtMs = new Float64Array(2 * capacity)
    for (let index = this.#oldest; index < this.#filling; index += 1) {
      const from = (index % capacity) * WINDOW_SAMPLES
      const to = index % wholeAtMs.length
      samples.set(this.#samples.subarray(from, from + WINDOW_SAMPLES), to * WINDOW_SAMPLES)
      wholeAtMs[to] = this.#wholeAtMs[index % capacity]!
    }
    this.#samples = samples
    this.#wholeAtMs = wholeAtMs
  }
}
