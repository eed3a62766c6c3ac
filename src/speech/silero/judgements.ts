/** What the network said of one window. */
export interface Judgement {
  readonly streamId: number
  /** Where the window starts, in milliseconds of the stream's audio. */
  readonly startMs: number
  /** How likely it is voice, 0 to 1. */
  readonly probability: number
  /** When the last sample of the window was received, as the batch said. */
  readonly receivedAtMs: number
}

const NUMBERS = 4

/** A list of judgements in one buffer that can be transferred between threads. */
export class Judgements {
  readonly #numbers: Float64Array
  #length: number

  /** An empty list for at most `capacity` judgements. */
  static withCapacity(capacity: number): Judgements {
    return new Judgements(new Float64Array(capacity * NUMBERS), 0)
  }

  /** The list that `toBuffer` packed. */
  static fromBuffer(buffer: ArrayBuffer): Judgements {
    const numbers = new Float64Array(buffer)
    return new Judgements(numbers, numbers.length / NUMBERS)
  }

  private constructor(numbers: Float64Array, length: number) {
    this.#numbers = numbers
    this.#length = length
  }

  get length(): number {
    return this.#length
  }

  get isFull(): boolean {
    return (this.#length + 1) * NUMBERS > this.#numbers.length
  }

  add(judgement: Judgement): void {
    this.#numbers.set(
      [judgement.streamId, judgement.startMs, judgement.probability, judgement.receivedAtMs],
      this.#length * NUMBERS,
    )
    this.#length += 1
  }

  at(index: number): Judgement {
    const first = index * NUMBERS
    return {
      streamId: this.#numbers[first]!,
      startMs: this.#numbers[first + 1]!,
      probability: this.#numbers[first + 2]!,
      receivedAtMs: this.#numbers[first + 3]!,
    }
  }

  /** A copy of exactly the judgements added. */
  toBuffer(): ArrayBuffer {
    return this.#numbers.slice(0, this.#length * NUMBERS).buffer
  }

  clear(): void {
    this.#length = 0
  }
}
