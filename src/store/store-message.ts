import type {
  CallEventRecord,
  CallPage,
  CallQuery,
  CallRecord,
  RecordingRecord,
} from '#protocol/call-record.ts'
import type { StoreErrorCode } from './store-error.ts'

/** One thing to write; a mark writes nothing and only tells that what came before it is written. */
export type StoreWrite =
  | { readonly op: 'begin' | 'finish'; readonly record: CallRecord }
  | { readonly op: 'append'; readonly event: CallEventRecord }
  | {
      readonly op: 'recording'
      readonly recordId: string
      readonly recording: CallRecord['recording']
    }
  | { readonly op: 'mark' }

/** One thing to read, and what comes back. */
export interface StoreReads {
  list: { readonly query: CallQuery; readonly result: CallPage }
  get: { readonly query: { readonly id: string }; readonly result: CallRecord | null }
  events: { readonly query: EventsQuery; readonly result: CallEventRecord[] }
  recordings: { readonly query: RecordingsQuery; readonly result: KeptRecording[] }
}

/** Recordings of calls that are over. */
export interface RecordingsQuery {
  /** Those whose end was never written, of calls begun before; or those of calls ended before. */
  readonly which: { readonly incompleteBefore: number } | { readonly endedBefore: number }
  /** Only those of calls with a greater record id. */
  readonly after: string
  readonly limit: number
}

export interface KeptRecording {
  readonly recordId: string
  readonly recording: RecordingRecord
}

export interface EventsQuery {
  readonly recordId: string
  /** Only rows with a higher sequence. */
  readonly after: number
  readonly limit: number
}

export type StoreRead = {
  readonly [Kind in keyof StoreReads]: {
    readonly kind: Kind
    readonly query: StoreReads[Kind]['query']
  }
}[keyof StoreReads]

/** What goes to the Worker, as JSON. */
export type StoreRequest =
  | {
      readonly type: 'open'
      readonly path: string
      readonly migrations: string
      /** A Worker before this one had it open: the calls that are active in it are alive. */
      readonly isReopened: boolean
    }
  | { readonly type: 'write'; readonly writes: readonly StoreWrite[] }
  | { readonly type: 'read'; readonly id: number; readonly read: StoreRead }
  | { readonly type: 'close' }

interface Failure {
  readonly code: StoreErrorCode
  readonly message: string
}

/** What comes back, as JSON. Writes are answered in their order. */
export type StoreReply =
  | { readonly type: 'opened'; readonly failure?: Failure }
  /** `refused` rows can never be written and were left out. */
  | { readonly type: 'written'; readonly refused: number; readonly failure?: Failure }
  | { readonly type: 'read'; readonly id: number; readonly result: unknown }
  | { readonly type: 'read'; readonly id: number; readonly failure: Failure }
  | { readonly type: 'closed' }
