import type { CallEventRecord, CallRecord, RecordingRecord } from '#protocol/call-record.ts'

/**
 * Where calls are remembered. Nothing here waits: the journal queues what it is given, keeps the
 * order, and writes beside the live path.
 */
export interface Journal {
  /** The call exists: its row is inserted. */
  begin(record: CallRecord): void
  /**
   * One command or event. `onStored` is called, in the order of the calls to `append`, once the row
   * is in the database; or, when the database fails or stalls, once the journal has given up
   * waiting for it, so that a full disk never mutes a call. Never before `append` has returned.
   */
  append(event: CallEventRecord, onStored?: () => void): void
  /** The call is over: its row is completed. */
  finish(record: CallRecord): void
  /** What is known of the call's recording now; may come after `finish`. */
  setRecording(recordId: string, recording: RecordingRecord): void
}
