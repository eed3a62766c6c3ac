import type { Playback } from '../playback.ts'
import { SampleQueue } from '../sample-queue.ts'

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
  readonly #audio = new SampleQueue()
  #unreported = 0
  #hasEnded = false

  constructor(sampleRate: number, feed: FileFeed) {
    this.#feed = feed
    this.#reportSamples = sampleRate * REPORT_SECONDS
  }

  get isFinished(): boolean {
    return this.#hasEnded && this.#audio.length === 0
  }

  /** More decoded audio, which belongs to the playback from here on. */
  push(samples: Int16Array): void {
    if (!this.#hasEnded) this.#audio.push(samples)
  }

  /** No more audio will come. */
  end(): void {
    this.#hasEnded = true
  }

  read(frame: Int16Array): number {
    const count = this.#audio.read(frame)
    this.#report(count)
    return count
  }

  close(): void {
    this.#audio.clear()
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
