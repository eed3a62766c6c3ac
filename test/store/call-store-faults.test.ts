import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdir, rename, rmdir } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { CallStore } from '#store/call-store.ts'
import { callEvent, callRecord, eventually, stored, temporaryDirectory } from './store-fixtures.ts'

// The Worker waits two seconds for a lock, and the store a second between attempts.
setDefaultTimeout(20_000)

const RealWorker = globalThis.Worker

/** Every Worker that is made from now on, so that a test can end one. */
function watchWorkers(): Worker[] {
  const workers: Worker[] = []
  globalThis.Worker = class extends RealWorker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      workers.push(this)
    }
  }
  return workers
}

afterEach(() => {
  globalThis.Worker = RealWorker
})

/** A store with one call and one event in it. */
async function openStore(directory: string, onFault: (message: string) => void = () => undefined) {
  const store = await CallStore.open({ directory, onFault })
  store.begin(callRecord(1))
  await stored(store, callEvent(1, 0))
  return store
}

/** Another connection that holds the write lock until it is called. */
function lock(directory: string): () => void {
  const other = new Database(`${directory}/bunpbx.db`)
  other.exec('BEGIN IMMEDIATE')
  return () => {
    other.exec('ROLLBACK')
    other.close()
  }
}

describe('a store that fails', () => {
  test('leaves live calls active when its Worker is replaced, and loses no row', async () => {
    await using directory = await temporaryDirectory()
    const workers = watchWorkers()
    const store = await openStore(directory.path)
    const order: number[] = []
    for (let i = 1; i <= 50; i += 1) store.append(callEvent(1, i), () => order.push(i))
    workers.at(-1)?.terminate()
    await eventually(() => store.stats.restarts === 1 && store.queued === 0)
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    expect(await store.get('session-1')).toEqual(callRecord(1))
    expect(await store.events('record-0001')).toHaveLength(51)
    await store.close()
  })

  test('opens the database later where the new Worker could not at once', async () => {
    await using directory = await temporaryDirectory()
    const workers = watchWorkers()
    const store = await openStore(directory.path)
    // A directory stands where the file was, until the second attempt has failed.
    const path = `${directory.path}/bunpbx.db`
    await rename(path, `${path}.aside`)
    await mkdir(path)
    workers.at(-1)?.terminate()
    store.append(callEvent(1, 1))
    await eventually(() => store.stats.failures >= 2)
    expect(store.isHealthy).toBe(false)
    await rmdir(path)
    await rename(`${path}.aside`, path)
    await eventually(() => store.isHealthy && store.queued === 0)
    expect(await store.events('record-0001', { after: 0 })).toEqual([callEvent(1, 1)])
    await store.close()
  })

  test('keeps so many characters and no more while it cannot write, and sends every event', async () => {
    await using directory = await temporaryDirectory()
    const store = await openStore(directory.path)
    const unlock = lock(directory.path)
    const data = { text: 'x'.repeat(4_000_000) }
    const order: number[] = []
    for (let i = 1; i <= 40; i += 1) store.append(callEvent(1, i, { data }), () => order.push(i))
    await eventually(() => order.length === 40)
    expect(order).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(store.stats.dropped).toBeGreaterThan(20)
    unlock()
    await eventually(() => store.isHealthy && store.queued === 0)
    await store.close()
  })

  test('goes on behind a row that can never be written', async () => {
    await using directory = await temporaryDirectory()
    const store = await openStore(directory.path)
    store.begin(callRecord(2, { caller: { a: 1 } as never }))
    await stored(store, callEvent(1, 1, { data: { count: 1n } }))
    await stored(store, callEvent(1, 2))
    expect(store.isHealthy).toBe(true)
    expect(store.stats).toMatchObject({ written: 3, dropped: 2, failures: 0 })
    expect((await store.events('record-0001')).map(({ sequence }) => sequence)).toEqual([0, 2])
    await store.close()
  })

  test('acknowledges also the rows that it drops because too many wait, in order', async () => {
    await using directory = await temporaryDirectory()
    const store = await openStore(directory.path)
    const unlock = lock(directory.path)
    const order: number[] = []
    for (let i = 1; i <= 25_000; i += 1) store.append(callEvent(1, i), () => order.push(i))
    await eventually(() => order.length === 25_000)
    unlock()
    await eventually(() => store.isHealthy && store.queued === 0)
    expect(order).toEqual(Array.from({ length: 25_000 }, (_, i) => i + 1))
    expect(store.stats).toMatchObject({ written: 20_002, dropped: 5_000 })
    await store.close()
  })

  test('lets no listener that throws cost another its event', async () => {
    await using directory = await temporaryDirectory()
    const faults: string[] = []
    const store = await openStore(directory.path, (fault) => faults.push(fault))
    store.append(callEvent(1, 1), () => {
      throw new Error('planted')
    })
    await stored(store, callEvent(1, 2))
    expect(faults).toEqual([expect.stringContaining('planted')])
    await store.close()
  })

  test('reports failing and recovering once a minute, however often it happens', async () => {
    await using directory = await temporaryDirectory()
    const faults: string[] = []
    const store = await openStore(directory.path, (fault) => faults.push(fault))
    for (const sequence of [1, 2]) {
      const unlock = lock(directory.path)
      store.append(callEvent(1, sequence))
      await eventually(() => !store.isHealthy)
      unlock()
      await eventually(() => store.isHealthy && store.queued === 0)
    }
    expect(faults).toEqual([expect.any(String), 'the database is written again'])
    await store.close()
  })
})

describe('the database file', () => {
  test.skipIf(Bun.which('sqlite3') === null)(
    'can be read by the sqlite3 of this machine (needs sqlite3)',
    async () => {
      await using directory = await temporaryDirectory()
      const store = await openStore(directory.path)
      const shell = ['sqlite3', '-readonly', `${directory.path}/bunpbx.db`]
      const { stdout, stderr } = Bun.spawnSync([...shell, 'SELECT count(*) FROM transcript'])
      expect([stdout.toString(), stderr.toString()]).toEqual(['0\n', ''])
      await store.close()
    },
  )
})
