/** Chunks of samples of any size in, frames out: audio that has been made and not yet been read. */
export class SampleQueue {
  #chunks: Int16Array[] = []
  /** How much of the first chunk has been read. */
  #offset = 0
  #length = 0

  /** Samples that wait. */
  get length(): number {
    return this.#length
  }

  /** Appends `samples`, which belong to the queue from here on. */
  push(samples: Int16Array): void {
    if (samples.length === 0) return
    this.#chunks.push(samples)
    this.#length += samples.length
  }

  /** Moves as many samples as there are, and as fit, to the start of `frame`; gives their number. */
  read(frame: Int16Array): number {
    let count = 0
    while (count < frame.length) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) break
      const part = chunk.subarray(this.#offset, this.#offset + frame.length - count)
      frame.set(part, count)
      count += part.length
      this.#offset += part.length
      if (this.#offset < chunk.length) break
      this.#chunks.shift()
      this.#offset = 0
    }
    this.#length -= count
    return count
  }

  clear(): void {
    this.#chunks = []
    this.#offset = 0
    this.#length = 0
  }
}
