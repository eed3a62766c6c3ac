import type { Playback } from '../playback.ts'

/** What a file playback tells the Worker that decodes it. */
export interface FileFeed {
  /** So many samples have been read since the last time. */
  played(samples: number): void
  /** Nothing more is wanted. */
  close(): void
}

/** How much is read before the Worker is told, as a share of a second. */
const REPORT_SECONDS = 0.25

/** A file on its way to being heard: the audio that has been decoded and not yet read. */
export class FilePlayback implements Playback {
  readonly #feed: FileFeed
  readonly #reportSamples: number
  readonly #chunks: Int16Array[] = []
  #chunkOffset = 0
  #unreported = 0
  #hasEnded = false

  constructor(sampleRate: number, feed: FileFeed) {
    this.#feed = feed
    this.#reportSamples = sampleRate * REPORT_SECONDS
  }

  get isFinished(): boolean {
    return this.#hasEnded && this.#chunks.length === 0
  }

  /** More decoded audio, which belongs to the playback from here on. */
  push(samples: Int16Array): void {
    if (!this.#hasEnded) this.#chunks.push(samples)
  }

  /** No more audio will come. */
  end(): void {
    this.#hasEnded = true
  }

  read(frame: Int16Array): number {
    let count = 0
    while (count < frame.length) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) break
      const part = chunk.subarray(this.#chunkOffset, this.#chunkOffset + frame.length - count)
      frame.set(part, count)
      count += part.length
      this.#chunkOffset += part.length
      if (this.#chunkOffset < chunk.length) break
      this.#chunks.shift()
      this.#chunkOffset = 0
    }
    this.#report(count)
    return count
  }

  close(): void {
    this.#chunks.length = 0
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#feed.close()
  }

  #report(count: number): void {
    this.#unreported += count
    if (this.#hasEnded || this.#unreported < this.#reportSamples) return
    this.#feed.played(this.#unreported)
    this.#unreported = 0
  }
}
