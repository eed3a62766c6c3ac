import type { Sink } from '#core/sink.ts'

/** Frames are short; 64 KiB hold about 200 of them at 8 kHz, 10 ms of 400 telephone calls. */
const BATCH_BYTES = 65_536
/** Length so far, in a word of its own, then the records. */
const HEAD_BYTES = 8
/** Five numbers of 8 bytes; the samples follow. */
const RECORD_HEAD_BYTES = 40

/** A piece of one stream. Without samples it says that the stream has ended. */
export interface AudioRecord {
  readonly streamId: number
  readonly sampleRate: number
  /** Time of the first sample since the stream began, in milliseconds of audio. */
  readonly positionMs: number
  /** When the gateway received it, by its `performance.now()`; only ever echoed. */
  readonly receivedAtMs: number
  /** Borrowed: shape (n). */
  readonly samples: Int16Array
}

/**
 * Audio of many streams in one buffer that can be transferred between threads:
 *
 *   ┌────────┬───────────┬──────┬───────┬────────────┬──────────────┬─────────┬───
 *   │ length │ stream id │ rate │ count │ positionMs │ receivedAtMs │ samples │ …
 *   └────────┴───────────┴──────┴───────┴────────────┴──────────────┴─────────┴───
 *     f64      f64         f64    f64     f64          f64            s16 × count, padded to 8 bytes
 */
export class AudioBatch {
  readonly buffer: ArrayBuffer
  readonly #numbers: Float64Array
  readonly #samples: Int16Array

  /** Wraps a buffer that held a batch before, or a new one. */
  constructor(buffer: ArrayBuffer = new ArrayBuffer(BATCH_BYTES)) {
    this.buffer = buffer
    this.#numbers = new Float64Array(buffer)
    this.#samples = new Int16Array(buffer)
  }

  get #length(): number {
    return this.#numbers[0]!
  }

  clear(): void {
    this.#numbers[0] = HEAD_BYTES
  }

  /** Whether a record of so many samples fits in whole. */
  hasRoom(samples: number): boolean {
    return this.#length + recordBytes(samples) <= this.buffer.byteLength
  }

  /** Copies what fits of `record.samples`, from index `from` on; says how many samples that is. */
  add(record: AudioRecord, from: number): number {
    const room = (this.buffer.byteLength - this.#length - RECORD_HEAD_BYTES) >> 1
    const count = Math.min(record.samples.length - from, room)
    if (count <= 0) return 0
    const positionMs = record.positionMs + (from * 1000) / record.sampleRate
    const at = this.#addHead(record.streamId, record.sampleRate, count, positionMs)
    this.#numbers[(at >> 3) + 4] = record.receivedAtMs
    const whole = from === 0 && count === record.samples.length
    const samples = whole ? record.samples : record.samples.subarray(from, from + count)
    this.#samples.set(samples, (at + RECORD_HEAD_BYTES) >> 1)
    return count
  }

  /** Copies a frame whole, without its times; false when there is no room. */
  addWhole(streamId: number, sampleRate: number, samples: Int16Array): boolean {
    if (!this.hasRoom(samples.length)) return false
    const at = this.#addHead(streamId, sampleRate, samples.length, 0)
    this.#numbers[(at >> 3) + 4] = 0
    this.#samples.set(samples, (at + RECORD_HEAD_BYTES) >> 1)
    return true
  }

  /** Notes that a stream has ended; false when there is no room. */
  addEnd(streamId: number): boolean {
    if (this.#length + RECORD_HEAD_BYTES > this.buffer.byteLength) return false
    this.#addHead(streamId, 0, 0, 0)
    return true
  }

  /** Hands out the records in their order. */
  read(onRecord: Sink<AudioRecord>): void {
    const numbers = this.#numbers
    for (let at = HEAD_BYTES; at < this.#length; ) {
      const word = at >> 3
      const count = numbers[word + 2]!
      const first = (at + RECORD_HEAD_BYTES) >> 1
      onRecord({
        streamId: numbers[word]!,
        sampleRate: numbers[word + 1]!,
        positionMs: numbers[word + 3]!,
        receivedAtMs: numbers[word + 4]!,
        samples: this.#samples.subarray(first, first + count),
      })
      at += recordBytes(count)
    }
  }

  /** Appends the head of a record and the room for its samples; says where it stands, in bytes. */
  #addHead(streamId: number, sampleRate: number, count: number, positionMs: number): number {
    const at = this.#length
    const word = at >> 3
    this.#numbers[word] = streamId
    this.#numbers[word + 1] = sampleRate
    this.#numbers[word + 2] = count
    this.#numbers[word + 3] = positionMs
    this.#numbers[0] = at + recordBytes(count)
    return at
  }
}

function recordBytes(count: number): number {
  return RECORD_HEAD_BYTES + ((count * 2 + 7) & ~7)
}
