import type { Playback } from '../playback.ts'
import { SampleQueue } from '../sample-queue.ts'

/** What a file playback tells the Worker that decodes it. */
export interface FileFeed {
  /** So many samples have been read since the last time. */
  played(samples: number): void
  /** Nothing more is wanted. Not called when everything has come. */
  close(): void
}

/** How much is read before the Worker is told, as a share of a second. */
const REPORT_SECONDS = 0.25
/** How much must be there to begin, and to go on after a gap: one long gap for many short ones. */
const START_SECONDS = 0.1

/** A file on its way to being heard: the audio that has been decoded and not yet read. */
export class FilePlayback implements Playback {
  /** How often audio was due and not there, after it had begun. */
  gaps = 0
  readonly #feed: FileFeed
  readonly #reportSamples: number
  readonly #startSamples: number
  readonly #queue = new SampleQueue()
  #unreported = 0
  #isFlowing = false
  #hasEnded = false

  constructor(sampleRate: number, feed: FileFeed) {
    this.#feed = feed
    this.#reportSamples = sampleRate * REPORT_SECONDS
    this.#startSamples = sampleRate * START_SECONDS
  }

  get isFinished(): boolean {
    return this.#hasEnded && this.#queue.length === 0
  }

  /** More decoded audio, which belongs to the playback from here on. */
  push(samples: Int16Array): void {
    if (!this.#hasEnded) this.#queue.push(samples)
  }

  /** No more audio will come. */
  end(): void {
    this.#hasEnded = true
  }

  read(frame: Int16Array): number {
    if (!this.#hasEnded && !this.#isReady(frame.length)) return 0
    const count = this.#queue.read(frame)
    this.#report(count)
    return count
  }

  close(): void {
    this.#queue.clear()
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#feed.close()
  }

  /** Whether a whole frame can be given, or, after a gap, enough to go on for a while. */
  #isReady(frameSamples: number): boolean {
    const wanted = this.#isFlowing ? frameSamples : Math.max(frameSamples, this.#startSamples)
    const isReady = this.#queue.length >= wanted
    if (this.#isFlowing && !isReady) this.gaps += 1
    this.#isFlowing = isReady
    return isReady
  }

  #report(count: number): void {
    this.#unreported += count
    if (this.#hasEnded || this.#unreported < this.#reportSamples) return
    this.#feed.played(this.#unreported)
    this.#unreported = 0
  }
}
