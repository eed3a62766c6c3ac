import type { AudioRecord } from '../audio-batch.ts'
import { Peaks } from './peaks.ts'
import type { RecordingTotals } from './recorder-message.ts'
import type { RecordingFile } from './recording-file.ts'
import { TrackTimeline } from './track-timeline.ts'

/**
 * How far behind real time the file is written: a WebSocket client may send in bursts of a second,
 * and only at the end of a burst it is known where its beginning belongs.
 */
const BEHIND_MS = 2000
/** So much is written at once: a crash loses no more than this and what is above. */
const CHUNK_MS = 500

/** The recording of one call: two tracks, joined in time, into one file. */
export class Recording {
  readonly #file: RecordingFile
  readonly #sampleRate: number
  /** Our own clock sends our side: it may be early by less than a frame, and does not drift. */
  readonly #tracks: readonly [caller: TrackTimeline, ours: TrackTimeline]
  readonly #peaks: Peaks
  readonly #left: Int16Array
  readonly #right: Int16Array
  readonly #startMs: number

  /** `startMs`: when it began, on the clock of the records. Owns `file`. */
  constructor(file: RecordingFile, sampleRate: number, startMs: number) {
    this.#file = file
    this.#sampleRate = sampleRate
    this.#startMs = startMs
    this.#tracks = [
      new TrackTimeline(sampleRate, { jumpMs: 100, lagMs: 5 }),
      new TrackTimeline(sampleRate, { jumpMs: 5, lagMs: 25 }),
    ]
    this.#peaks = new Peaks(sampleRate)
    const chunk = (sampleRate * CHUNK_MS) / 1000
    this.#left = new Int16Array(chunk)
    this.#right = new Int16Array(chunk)
  }

  /** Takes a piece of a track: what was heard ended when it came, what was sent began then. */
  push(record: AudioRecord, isOurs: boolean): void {
    const { samples, sampleRate, positionMs, receivedAtMs } = record
    const lastedMs = isOurs ? 0 : (samples.length * 1000) / sampleRate
    this.#tracks[isOurs ? 1 : 0].push({
      samples: samples.slice(),
      sampleRate,
      position: Math.round((positionMs * sampleRate) / 1000),
      startMs: receivedAtMs - lastedMs - this.#startMs,
    })
  }

  /** Writes what is old enough. Throws what the file throws. */
  advance(nowMs: number): void {
    const untilMs = nowMs - this.#startMs - BEHIND_MS
    while (this.#writtenMs + CHUNK_MS <= untilMs) this.#write(this.#left.length)
  }

  /** Writes everything up to `nowMs`, and what is there beyond it. Throws what the file throws. */
  finish(nowMs: number): void {
    const [caller, ours] = this.#tracks
    const endMs = Math.max(nowMs - this.#startMs, caller.endMs, ours.endMs)
    const end = Math.round((endMs * this.#sampleRate) / 1000)
    while (this.#file.samples < end) {
      this.#write(Math.min(this.#left.length, end - this.#file.samples))
    }
  }

  /** Closes the file and says what it has become. Harmless when writing has failed. */
  close(): RecordingTotals {
    this.#file.close()
    return {
      bytes: this.#file.bytes,
      durationMs: Math.round(this.#writtenMs),
      peaks: this.#peaks.toTable(),
    }
  }

  get #writtenMs(): number {
    return (this.#file.samples * 1000) / this.#sampleRate
  }

  #write(count: number): void {
    const left = this.#left.subarray(0, count)
    const right = this.#right.subarray(0, count)
    this.#tracks[0].read(left)
    this.#tracks[1].read(right)
    this.#file.write(left, right)
    this.#peaks.push(left, right)
  }
}
