import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { CallStore } from '#store/call-store.ts'
import { callEvent, callRecord } from '../support/call-record.ts'

const page = await Bun.file(`${import.meta.dir}/../../docs/querying.md`).text()
const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql as string)

/** A conversation: the caller asks, the agent answers after 400 ms and is interrupted. */
const STORY: readonly [direction: 'received' | 'sent', name: string, data: object][] = [
  ['sent', 'trackStart', { trackId: 'demo' }],
  ['sent', 'silence', { startTime: 1_700_000_000_000, duration: 300 }],
  ['sent', 'asrFinal', { text: 'what time is it' }],
  ['received', 'tts', { text: 'It is ', playId: 'p', streaming: true }],
  ['sent', 'trackStart', { trackId: 'server-side-track', playId: 'p' }],
  ['received', 'tts', { text: 'noon.', playId: 'p', streaming: true, endOfStream: true }],
  ['sent', 'interruption', { position: 300, playId: 'p', text: 'It is ', remaining: 'noon.' }],
  ['sent', 'trackStart', { trackId: 'server-side-track', playId: 'q' }],
  ['sent', 'dtmf', { digit: '1' }],
  ['sent', 'dtmf', { digit: '#' }],
  ['sent', 'error', { sender: 'play', code: 404, error: 'no such file' }],
  ['received', 'tts', { text: 'Bye.' }],
  ['sent', 'addHistory', { speaker: 'note', text: 'was friendly' }],
]

let directory: string
let db: Database.Database
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-querying-'))
  const store = await CallStore.open({ directory })
  const record = callRecord({
    id: 'demo',
    state: 'ended',
    endedAt: 1_700_000_060_000,
    reason: 'hangup',
  })
  store.begin(record)
  for (const [i, [direction, name, data]] of STORY.entries()) {
    store.append(callEvent(record, i, { direction, name, data: data as Record<string, unknown> }))
  }
  await store.close()
  db = new Database(join(directory, 'bunpbx.db'))
})
afterAll(async () => {
  db.close()
  await rm(directory, { recursive: true })
})

describe('docs/querying.md', () => {
  test.each(queries.map((sql) => [sql.split('\n')[0] as string, sql]))('%s runs', (_line, sql) => {
    db.exec('BEGIN')
    try {
      // What changes something may be several statements.
      if (sql.startsWith('DELETE')) db.exec(sql)
      else expect(Array.isArray(db.prepare(sql).all())).toBe(true)
    } finally {
      db.exec('ROLLBACK')
    }
  })
})

describe('the views', () => {
  test('transcript joins the pieces of a streamed text', () => {
    expect(db.prepare('SELECT speaker, text FROM transcript ORDER BY sequence').all()).toEqual([
      { speaker: 'caller', text: 'what time is it' },
      { speaker: 'agent', text: 'It is noon.' },
      { speaker: 'agent', text: 'Bye.' },
      { speaker: 'note', text: 'was friendly' },
    ])
  })

  test('reply_latency counts from the end of speech to the first playback after it, once', () => {
    expect(db.prepare('SELECT sequence, latency_ms FROM reply_latency').all()).toEqual([
      { sequence: 4, latency_ms: 400 },
    ])
  })

  test.each([
    [
      'SELECT play_id, position_ms, heard, not_heard FROM interruptions',
      [{ play_id: 'p', position_ms: 300, heard: 'It is ', not_heard: 'noon.' }],
    ],
    ['SELECT digit FROM dtmf ORDER BY sequence', [{ digit: '1' }, { digit: '#' }]],
    [
      'SELECT sender, code, error FROM errors',
      [{ sender: 'play', code: 404, error: 'no such file' }],
    ],
    [
      'SELECT hour, type, ended_by, calls, average_seconds FROM calls_per_hour',
      [
        {
          hour: '2023-11-14 22:00',
          type: 'websocket',
          ended_by: 'hangup',
          calls: 1,
          average_seconds: 60,
        },
      ],
    ],
  ])('%s', (sql, rows) => {
    expect(db.prepare(sql).all() as unknown).toEqual(rows)
  })
})
