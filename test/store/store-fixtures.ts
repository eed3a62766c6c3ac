import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallEventRecord, CallRecord } from '#protocol/call-record.ts'
import type { CallStore } from '#store/call-store.ts'

export const MIGRATIONS = new URL('../../migrations', import.meta.url).pathname

/** A fresh directory, removed by `await using`. */
export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'bunpbx-store-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** A call that runs; `n` makes its ids and its start. */
export function callRecord(n: number, changes: Partial<CallRecord> = {}): CallRecord {
  return {
    recordId: `record-${String(n).padStart(4, '0')}`,
    id: `session-${n}`,
    type: 'websocket',
    direction: 'inbound',
    state: 'active',
    hasEvents: true,
    startedAt: 1_700_000_000_000 + n * 1_000,
    ...changes,
  }
}

/** An event of the call `callRecord(n)`. */
export function callEvent(
  n: number,
  sequence: number,
  changes: Partial<CallEventRecord> = {},
): CallEventRecord {
  const { recordId, startedAt } = callRecord(n)
  const at = startedAt + sequence
  const data = { event: 'metrics', timestamp: at, key: 'call.test', duration: 1, data: {} }
  return { recordId, sequence, at, direction: 'sent', name: 'metrics', data, ...changes }
}

/** Appends and resolves when the journal says that the row is stored. */
export async function stored(store: CallStore, event: CallEventRecord): Promise<void> {
  await new Promise<void>((resolve) => store.append(event, resolve))
}

/** Polls until `condition` holds; the test's own timeout is the bound. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5)
}
