import { describe, expect, test } from 'bun:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { CallQuery, type CallRecord } from '#protocol/call-record.ts'
import { CallDatabase } from '#store/call-database.ts'
import type { StoreWrite } from '#store/store-message.ts'
import { callEvent, callRecord, MIGRATIONS, temporaryDirectory } from './store-fixtures.ts'

const inMemory = () => new CallDatabase(':memory:', MIGRATIONS)
const begin = (record: CallRecord): StoreWrite => ({ op: 'begin', record })
const finish = (record: CallRecord): StoreWrite => ({ op: 'finish', record })
const append = (n: number, sequence: number): StoreWrite => ({
  op: 'append',
  event: callEvent(n, sequence),
})

const HISTORY = Array.from({ length: 60 }, (_, n) =>
  callRecord(n, {
    // Three calls to each start, so that pages also cut between equal times.
    startedAt: 1_000 + Math.floor(n / 3),
    type: (['websocket', 'webrtc', 'sip'] as const)[n % 3] ?? 'sip',
    state: n % 4 === 0 ? 'interrupted' : 'ended',
    caller: `caller-${n % 5}`,
    ...(n % 2 === 0 ? { callee: 'desk', reason: 'autohangup' } : {}),
  }),
)

function pages(database: CallDatabase, query: Record<string, unknown>): CallRecord[] {
  const calls: CallRecord[] = []
  let cursor: string | undefined
  do {
    const page = database.list(CallQuery.parse({ ...query, cursor }))
    calls.push(...page.calls)
    cursor = page.next
  } while (cursor !== undefined)
  return calls
}

describe('CallDatabase', () => {
  test('keeps what is said of a recording through the end of the call, the picture apart', () => {
    const database = inMemory()
    const record = callRecord(1)
    const recording = { file: 'a.wav', format: 'wav', sampleRate: 8000 } as const
    const peaks = { intervalMs: 10, left: [1, 2], right: [0, 255] }
    const totals = { ...recording, bytes: 44, durationMs: 20, peaks }
    const set = (value: CallRecord['recording']): StoreWrite => ({
      op: 'recording',
      recordId: record.recordId,
      recording: value,
    })
    database.write([begin(record), set(recording)])
    expect(database.get(record.id)).toEqual({ ...record, recording })
    const ended = { ...record, state: 'ended', endedAt: record.startedAt + 20 } as const
    database.write([finish(ended)])
    expect(database.get(record.id)).toEqual({ ...ended, recording })
    database.write([set(totals)])
    expect(database.get(record.id)?.recording).toEqual(totals)
    const { peaks: _, ...listed } = totals
    expect(database.list(CallQuery.parse({})).calls).toEqual([{ ...ended, recording: listed }])
    database.write([set(undefined)])
    expect(database.get(record.id)).toEqual(ended)
  })

  test('gives back a call as it was written, absent fields absent', () => {
    const database = inMemory()
    const bare = callRecord(1)
    const full = callRecord(2, {
      state: 'ended',
      caller: '1234567890',
      callee: '0987654321',
      codec: 'g722',
      hasEvents: false,
      option: { codec: 'g722', asr: { provider: 'tencent', secretKey: '[redacted]' } },
      answeredAt: 1_700_000_002_500,
      endedAt: 1_700_000_009_000,
      reason: "it's über",
      initiator: 'user',
      fault: 'none',
      stats: { framesSent: 12, late: 0 },
    })
    database.write([begin(bare), begin(full)])
    expect(database.get(bare.recordId)).toEqual(bare)
    expect(database.get(full.recordId)).toEqual(full)
    database.close()
  })

  test('completes the row of a call when it is over', () => {
    const database = inMemory()
    const ended = callRecord(1, { state: 'ended', endedAt: 5, reason: 'autohangup' })
    database.write([begin(callRecord(1)), append(1, 0), finish(ended)])
    expect(database.get('session-1')).toEqual(ended)
    expect(pages(database, {})).toHaveLength(1)
    database.close()
  })

  test('finds the latest call of a session id, and each by its record id', () => {
    const database = inMemory()
    const first = callRecord(1, { id: 'again' })
    const second = callRecord(2, { id: 'again' })
    database.write([begin(second), begin(first)])
    expect(database.get('again')).toEqual(second)
    expect(database.get(first.recordId)).toEqual(first)
    expect(database.get('nobody')).toBeUndefined()
    database.close()
  })

  test('changes nothing when the same batch is written again', () => {
    const database = inMemory()
    const ended = callRecord(1, { state: 'ended', endedAt: 5 })
    const batch = [begin(callRecord(1)), append(1, 0), append(1, 1), finish(ended)]
    database.write(batch)
    database.write(batch)
    expect(database.get(ended.recordId)).toEqual(ended)
    const events = database.events({ recordId: ended.recordId, after: -1, limit: 10 })
    expect(events).toEqual([callEvent(1, 0), callEvent(1, 1)])
    database.close()
  })

  test('leaves out a row that can never be written, and writes the rows behind it', () => {
    const database = inMemory()
    const broken = callRecord(2, { caller: { a: 1 } as never })
    expect(database.write([begin(callRecord(1)), begin(broken), append(1, 0)])).toBe(1)
    expect(database.get('session-1')).toEqual(callRecord(1))
    expect(database.get('session-2')).toBeUndefined()
    expect(database.events({ recordId: 'record-0001', after: -1, limit: 10 })).toHaveLength(1)
    database.close()
  })

  test('keeps calls without events', () => {
    const database = inMemory()
    database.write([begin(callRecord(1, { hasEvents: false }))])
    expect(database.get('session-1')?.hasEvents).toBe(false)
    expect(database.events({ recordId: 'record-0001', after: -1, limit: 10 })).toEqual([])
    database.close()
  })

  test('gives events in the order of their sequence, whatever the order of writing', () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 30 }, (_, i) => i),
      { minLength: 30 },
    )
    fc.assert(
      fc.property(order, (sequences) => {
        const database = inMemory()
        database.write([begin(callRecord(1)), ...sequences.map((it) => append(1, it))])
        const events = database.events({ recordId: 'record-0001', after: -1, limit: 100 })
        expect(events.map(({ sequence }) => sequence)).toEqual(sequences.toSorted((a, b) => a - b))
        database.close()
      }),
      { numRuns: 20 },
    )
  })

  test('pages through events by the sequence of the last', () => {
    const database = inMemory()
    const rows = Array.from({ length: 7 }, (_, i) => append(1, i))
    database.write([begin(callRecord(1)), begin(callRecord(2)), ...rows, append(2, 0)])
    const page = (after: number) =>
      database.events({ recordId: 'record-0001', after, limit: 3 }).map(({ sequence }) => sequence)
    expect([page(-1), page(2), page(5), page(6)]).toEqual([[0, 1, 2], [3, 4, 5], [6], []])
    database.close()
  })

  test('pages through the history newest first, without gap or repeat, at any page size', () => {
    const database = inMemory()
    database.write(HISTORY.map(begin))
    const newestFirst = HISTORY.toReversed().map(({ recordId }) => recordId)
    for (const limit of [1, 2, 7, 59, 60, 500]) {
      expect(pages(database, { limit }).map(({ recordId }) => recordId)).toEqual(newestFirst)
    }
    database.close()
  })

  test('keeps its place while calls begin between two pages', () => {
    const database = inMemory()
    database.write(HISTORY.map(begin))
    const first = database.list(CallQuery.parse({ limit: 10 }))
    database.write([begin(callRecord(999))])
    const second = database.list(CallQuery.parse({ limit: 10, cursor: first.next }))
    const ids = [...first.calls, ...second.calls].map(({ recordId }) => recordId)
    expect(ids).toEqual(
      HISTORY.slice(-20)
        .toReversed()
        .map(({ recordId }) => recordId),
    )
    database.close()
  })

  test.each([
    ['type', { type: 'sip' }, (it: CallRecord) => it.type === 'sip'],
    ['state', { state: 'interrupted' }, (it: CallRecord) => it.state === 'interrupted'],
    ['caller', { caller: 'caller-3' }, (it: CallRecord) => it.caller === 'caller-3'],
    ['callee', { callee: 'desk' }, (it: CallRecord) => it.callee === 'desk'],
    ['reason', { reason: 'autohangup' }, (it: CallRecord) => it.reason === 'autohangup'],
    ['from', { from: 1_010 }, (it: CallRecord) => it.startedAt >= 1_010],
    ['to', { to: 1_010 }, (it: CallRecord) => it.startedAt < 1_010],
    [
      'several',
      { type: 'webrtc', caller: 'caller-1', from: 1_003, to: 1_015 },
      (it: CallRecord) =>
        it.type === 'webrtc' &&
        it.caller === 'caller-1' &&
        it.startedAt >= 1_003 &&
        it.startedAt < 1_015,
    ],
  ] as const)('filters the history by %s', (_name, query, matches) => {
    const database = inMemory()
    database.write(HISTORY.map(begin))
    const wanted = HISTORY.filter(matches).toReversed()
    expect(wanted).not.toBeEmpty()
    expect(pages(database, { ...query, limit: 2 })).toEqual(wanted)
    database.close()
  })

  test('closes calls that a process before it left open, at the time of their last event', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/bunpbx.db`
    const died = new CallDatabase(path, MIGRATIONS)
    const ended = callRecord(3, { state: 'ended', endedAt: 9 })
    died.write([begin(callRecord(1)), append(1, 0), append(1, 41), begin(callRecord(2))])
    died.write([begin(ended)])
    died.close()

    const database = new CallDatabase(path, MIGRATIONS)
    database.closeInterrupted()
    const state = (id: string) => {
      const call = database.get(id)
      return [call?.state, call?.endedAt]
    }
    expect(state('session-1')).toEqual(['interrupted', callEvent(1, 41).at])
    expect(state('session-2')).toEqual(['interrupted', callRecord(2).startedAt])
    expect(state('session-3')).toEqual(['ended', 9])
    database.close()
  })

  test('refuses a database that a newer version has migrated, and leaves it alone', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/bunpbx.db`
    new CallDatabase(path, MIGRATIONS).close()
    const sqlite = new Database(path)
    sqlite.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e15)")
    sqlite.close()
    expect(() => new CallDatabase(path, MIGRATIONS)).toThrow(
      expect.objectContaining({ name: 'StoreError', code: 'newer_schema' }),
    )
  })

  test('refuses a file that is no database', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/bunpbx.db`
    await Bun.write(path, 'this is a letter to the editor, and no database. '.repeat(50))
    expect(() => new CallDatabase(path, MIGRATIONS)).toThrow(
      expect.objectContaining({ name: 'StoreError', code: 'cannot_open' }),
    )
  })

  test('closes twice without harm', () => {
    const database = inMemory()
    database.close()
    database.close()
  })
})
