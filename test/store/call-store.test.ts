import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { CallStore } from '#store/call-store.ts'
import { decodeCursor, encodeCursor } from '#store/cursor.ts'
import { StoreError } from '#store/store-error.ts'
import { callEvent, callRecord } from '../support/call-record.ts'
import { rejection } from '../support/rejection.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-store-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const open = (faults: string[] = []) =>
  CallStore.open({ directory, onFault: (fault) => void faults.push(fault) })
const append = (store: CallStore, ...args: Parameters<typeof callEvent>) =>
  new Promise<void>((resolve) => store.append(callEvent(...args), resolve))

describe('CallStore', () => {
  test('keeps a call and its events, and finds them by session id and record id', async () => {
    const store = await open()
    const record = callRecord({ id: 'session', caller: 'x', option: { codec: 'pcm' } })
    store.begin(record)
    await append(store, record, 0, { data: { event: 'answer', sdp: '' } })
    const ended = { ...record, state: 'ended' as const, endedAt: 5, stats: { frames: 7 } }
    store.finish(ended)
    expect(await store.get('session')).toEqual(ended)
    expect(await store.get(record.recordId)).toEqual(ended)
    expect(await store.get('nobody')).toBeUndefined()
    const [event] = await store.events(record.recordId)
    expect(event).toEqual(callEvent(record, 0, { data: { event: 'answer', sdp: '' } }))
    await store.close()
  })

  test('gives the latest call of an id that came more than once', async () => {
    const store = await open()
    store.begin(callRecord({ startedAt: 1, caller: 'old' }))
    store.begin(callRecord({ startedAt: 2, caller: 'new' }))
    expect((await store.get('a'))?.caller).toBe('new')
    await store.close()
  })

  test('acknowledges in order, never before append has returned', async () => {
    const store = await open()
    const record = callRecord()
    store.begin(record)
    const order: number[] = []
    const done = Promise.withResolvers<void>()
    for (let i = 0; i < 3_000; i += 1) {
      store.append(callEvent(record, i), () => {
        order.push(i)
        if (i === 2_999) done.resolve()
      })
    }
    expect(order).toEqual([])
    await done.promise
    expect(order).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
    expect(store.stats.written).toBe(3_001)
    expect(store.queued).toBe(0)
    await store.close()
  })

  test('what is acknowledged survives a kill, and the call is closed as interrupted', async () => {
    const script = `
      import { CallStore } from '#store/call-store.ts'
      import { callEvent, callRecord } from './test/support/call-record.ts'
      const store = await CallStore.open({ directory: process.env.DIRECTORY })
      const record = callRecord({ id: 'killed' })
      store.begin(record)
      for (let i = 0; i < 50; i += 1) {
        store.append(callEvent(record, i), () => { if (i === 49) process.kill(process.pid, 'SIGKILL') })
      }
      await new Promise(() => {})`
    spawnSync(process.execPath, ['-e', script], {
      cwd: join(import.meta.dir, '../..'),
      env: { ...process.env, DIRECTORY: directory },
    })
    const store = await open()
    const record = await store.get('killed')
    expect(record).toMatchObject({ state: 'interrupted', endedAt: 1_700_000_000_000 + 4_900 })
    expect(await store.events(record!.recordId)).toHaveLength(50)
    await store.close()
  })

  test('close writes what waits', async () => {
    const first = await open()
    const record = callRecord()
    first.begin(record)
    for (let i = 0; i < 5_000; i += 1) first.append(callEvent(record, i))
    await first.close()
    await first.close()
    const second = await open()
    expect(await second.events(record.recordId, { after: 4_997 })).toHaveLength(2)
    await second.close()
  })

  test('reads a page of events, after a sequence', async () => {
    const store = await open()
    const record = callRecord()
    for (let i = 0; i < 10; i += 1) store.append(callEvent(record, i))
    const page = await store.events(record.recordId, { after: 3, limit: 2 })
    expect(page.map(({ sequence }) => sequence)).toEqual([4, 5])
    await store.close()
  })

  test('pages through history without gaps or repeats, for every filter', async () => {
    const store = await open()
    for (let i = 0; i < 50; i += 1) {
      store.begin(
        callRecord({
          // Many calls in the same millisecond.
          startedAt: 1_000 + Math.floor(i / 7),
          caller: i % 2 === 0 ? 'even' : 'odd',
          type: i % 3 === 0 ? 'sip' : 'websocket',
          state: i % 5 === 0 ? 'ended' : 'active',
          ...(i % 4 === 0 && { reason: 'killed', callee: 'c' }),
        }),
      )
    }
    const all = async (filter: object) => {
      const ids: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.list({ limit: 7, ...filter, ...(cursor && { cursor }) })
        expect(page.calls.length).toBeLessThanOrEqual(7)
        ids.push(...page.calls.map(({ recordId }) => recordId))
        cursor = page.next
      } while (cursor !== undefined)
      expect(new Set(ids).size).toBe(ids.length)
      return ids.length
    }
    expect(await all({})).toBe(50)
    expect(await all({ caller: 'odd' })).toBe(25)
    expect(await all({ callee: 'c' })).toBe(13)
    expect(await all({ type: 'sip' })).toBe(17)
    expect(await all({ state: 'ended' })).toBe(10)
    expect(await all({ reason: 'killed', type: 'sip' })).toBe(5)
    expect(await all({ from: 1_001, to: 1_003 })).toBe(14)
    await store.close()
  })

  test('a cursor that is none is refused', async () => {
    const store = await open()
    expect(await rejection(store.list({ limit: 5, cursor: 'junk' }))).toMatchObject({
      name: 'StoreError',
      code: 'bad_cursor',
    })
    await store.close()
  })
})

describe('a database that fails', () => {
  /** Another connection that holds the write lock until told otherwise. */
  const lock = () => {
    const other = new Database(join(directory, 'bunpbx.db'))
    other.exec('BEGIN IMMEDIATE')
    return () => {
      other.exec('COMMIT')
      other.close()
    }
  }

  test('costs no event: it is sent, kept, and written when the database is back', async () => {
    const faults: string[] = []
    const store = await open(faults)
    const record = callRecord()
    store.begin(record)
    await append(store, record, 0)
    const unlock = lock()
    const order: number[] = []
    await Promise.all([1, 2, 3].map((i) => append(store, record, i).then(() => order.push(i))))
    expect(order).toEqual([1, 2, 3])
    expect(store.isHealthy).toBe(false)
    await append(store, record, 4)
    unlock()
    await append(store, record, 5)
    while (!store.isHealthy) await Bun.sleep(20)
    expect(await store.events(record.recordId)).toHaveLength(6)
    expect(faults).toEqual([
      expect.stringContaining('calls go on without'),
      'the database is written again',
    ])
    await store.close()
  }, 15_000)

  const isRoot = process.getuid?.() === 0
  test.skipIf(isRoot && Bun.which('mount') === null)(
    'a read-only directory is refused (as root needs mount)',
    async () => {
      const locked = join(directory, 'locked')
      await mkdir(locked)
      if (isRoot) spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', locked])
      else await chmod(locked, 0o500)
      try {
        const { message } = await rejection(CallStore.open({ directory: locked }))
        expect(message).toStartWith('DATA_DIR: cannot write to')
      } finally {
        if (isRoot) spawnSync('umount', [locked])
      }
    },
  )

  test('a path that cannot be made is refused', async () => {
    const { message } = await rejection(CallStore.open({ directory: '/proc/nowhere/data' }))
    expect(message).toStartWith('DATA_DIR: cannot write to /proc/nowhere/data (ENOENT)')
  })

  test('a directory that another process uses is refused, and free again after it', async () => {
    const first = await open()
    expect(await rejection(open())).toMatchObject({ code: 'in_use' })
    await first.close()
    await (await open()).close()
  })

  test('a file that is no database is refused', async () => {
    await Bun.write(join(directory, 'bunpbx.db'), 'not a database, only text. '.repeat(100))
    expect((await rejection(open())).message).toContain('file is not a database')
  })

  test('a database of a newer version is refused', async () => {
    await (await open()).close()
    const db = new Database(join(directory, 'bunpbx.db'))
    db.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9999999999999)")
    db.close()
    expect(await rejection(open())).toMatchObject({ code: 'newer_schema' })
  })

  test.skipIf(process.getuid?.() !== 0 || Bun.which('mount') === null)(
    'a full disk costs rows, not events (needs root and mount)',
    async () => {
      const small = join(directory, 'small')
      await mkdir(small)
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', small])
      if (mounted.status !== 0) return
      try {
        const faults: string[] = []
        const store = await CallStore.open({
          directory: small,
          onFault: (fault) => void faults.push(fault),
        })
        const record = callRecord()
        store.begin(record)
        const data = { text: 'x'.repeat(2_000) }
        for (let i = 0; i < 200; i += 1) await append(store, record, i, { data })
        expect(store.isHealthy).toBe(false)
        expect(faults[0]).toContain('full')
        expect((await store.get(record.recordId))?.id).toBe('a')
        await store.close()
      } finally {
        spawnSync('umount', [small])
      }
    },
    20_000,
  )
})

describe('cursors', () => {
  test('come back as they went, and nothing else is taken for one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uuid(), (startedAt, recordId) => {
        expect(decodeCursor(encodeCursor({ startedAt, recordId }))).toEqual({ startedAt, recordId })
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeCursor(text)
        } catch (error) {
          return error instanceof StoreError && error.code === 'bad_cursor'
        }
        return true
      }),
    )
  })
})
