import type { Journal } from '#call/journal.ts'
import type { CallEventRecord, CallRecord, RecordingRecord } from '#protocol/call-record.ts'

/** Keeps everything in memory and acknowledges in order, in the next microtask or by hand. */
export class FakeJournal implements Journal {
  readonly records = new Map<string, CallRecord>()
  readonly rows: CallEventRecord[] = []
  readonly #waiting: (() => void)[] = []
  #isHeld = false

  begin(record: CallRecord): void {
    this.records.set(record.recordId, record)
  }

  append(event: CallEventRecord, onStored?: () => void): void {
    this.rows.push(event)
    if (onStored === undefined) return
    this.#waiting.push(onStored)
    if (!this.#isHeld) queueMicrotask(() => this.#acknowledge())
  }

  finish(record: CallRecord): void {
    this.records.set(record.recordId, { ...this.records.get(record.recordId), ...record })
  }

  setRecording(recordId: string, recording: RecordingRecord): void {
    const record = this.records.get(recordId)
    if (record !== undefined) this.records.set(recordId, { ...record, recording })
  }

  /** From now on nothing is acknowledged until `release`. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#acknowledge()
  }

  #acknowledge(): void {
    while (!this.#isHeld && this.#waiting.length > 0) this.#waiting.shift()?.()
  }
}
