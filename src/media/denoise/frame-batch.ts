import type { Sink } from '#core/sink.ts'

/** 64 KiB hold about 190 frames of 20 ms at 8 kHz, 33 at 48 kHz. */
const BATCH_BYTES = 65_536
/** Length so far, in a word of its own, then the records. */
const HEAD_BYTES = 8
/** Three numbers of 8 bytes; the samples follow. */
const RECORD_HEAD_BYTES = 24

/** One frame of one stream. Without samples it says that the stream has ended. */
export interface FrameRecord {
  readonly streamId: number
  readonly sampleRate: number
  /** Borrowed: shape (n). */
  readonly samples: Int16Array
}

/**
 * Frames of many streams in one buffer that can be transferred between threads:
 *
 *   ┌────────┬───────────┬──────┬───────┬─────────┬───────────┬───
 *   │ length │ stream id │ rate │ count │ samples │ stream id │ …
 *   └────────┴───────────┴──────┴───────┴─────────┴───────────┴───
 *     f64      f64         f64    f64     s16 × count, padded to 8 bytes
 */
export class FrameBatch {
  readonly buffer: ArrayBuffer
  readonly #numbers: Float64Array
  readonly #samples: Int16Array

  /** Wraps a buffer that holds a batch, or a new one. */
  constructor(buffer: ArrayBuffer = new ArrayBuffer(BATCH_BYTES)) {
    this.buffer = buffer
    this.#numbers = new Float64Array(buffer)
    this.#samples = new Int16Array(buffer)
  }

  /** Makes it an empty batch; a new one needs that too. */
  clear(): void {
    this.#numbers[0] = HEAD_BYTES
  }

  /** Copies a whole record; false when there is no room. */
  add(streamId: number, sampleRate: number, samples: Int16Array): boolean {
    const at = this.#numbers[0]!
    const end = at + recordBytes(samples.length)
    if (end > this.buffer.byteLength) return false
    const word = at >> 3
    this.#numbers[word] = streamId
    this.#numbers[word + 1] = sampleRate
    this.#numbers[word + 2] = samples.length
    this.#samples.set(samples, (at + RECORD_HEAD_BYTES) >> 1)
    this.#numbers[0] = end
    return true
  }

  /** Hands out the records in their order. */
  read(onRecord: Sink<FrameRecord>): void {
    const numbers = this.#numbers
    const end = numbers[0]!
    for (let at = HEAD_BYTES; at < end; ) {
      const word = at >> 3
      const count = numbers[word + 2]!
      const first = (at + RECORD_HEAD_BYTES) >> 1
      onRecord({
        streamId: numbers[word]!,
        sampleRate: numbers[word + 1]!,
        samples: this.#samples.subarray(first, first + count),
      })
      at += recordBytes(count)
    }
  }
}

function recordBytes(count: number): number {
  return RECORD_HEAD_BYTES + ((count * 2 + 7) & ~7)
}
