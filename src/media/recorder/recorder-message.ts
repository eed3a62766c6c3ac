import type { PeakTable } from './peaks.ts'
import type { RecorderError, RecorderErrorCode } from './recorder-error.ts'

export type RecordingFormat = 'wav' | 'ogg'

/** Samples per second that a recording may have: those that Opus has too. */
export type RecordingRate = 8000 | 16_000 | 24_000 | 48_000

/** What a recording has become. */
export interface RecordingTotals {
  readonly bytes: number
  readonly durationMs: number
  /** Absent when the end of the recording was put together after a crash. */
  readonly peaks?: PeakTable
}

/** Which file, below which directory, and what goes into it. */
export interface RecordingPlan {
  readonly name: string
  readonly format: RecordingFormat
  readonly sampleRate: RecordingRate
}

/** What a recorder reports. Nothing comes before `open` has returned. */
export interface RecorderHandlers {
  /** The file is there; the path is below the directory. */
  onOpened(file: string): void
  /** The recording is over before its call is. At most once. */
  onError(error: RecorderError): void
  /** The file is complete: once after `onOpened`, also after `onError`, unless nothing is left. */
  onEnd(totals: RecordingTotals): void
}

/** What goes to the Worker. Times are `performance.now()` of the sender. */
export type RecorderRequest =
  | {
      readonly type: 'open'
      readonly id: number
      readonly directory: string
      readonly plan: RecordingPlan
      readonly startMs: number
    }
  /** A batch of audio; the id of a stream is twice that of the recording, one more for our side. */
  | { readonly type: 'audio'; readonly buffer: ArrayBuffer; readonly nowMs: number }
  | { readonly type: 'close'; readonly id: number; readonly endMs: number }

/** What comes back. */
export type RecorderReply =
  /** The file is there; its name may have got a number. */
  | { readonly type: 'opened'; readonly id: number; readonly file: string }
  /** A batch has been taken in; its buffer comes back to be used again. */
  | { readonly type: 'taken'; readonly buffer: ArrayBuffer }
  | { readonly type: 'closed'; readonly id: number; readonly totals: RecordingTotals }
  | {
      readonly type: 'failed'
      readonly id: number
      readonly code: RecorderErrorCode
      readonly message: string
      /** What there is of the recording, if it had begun. */
      readonly totals?: RecordingTotals
    }
