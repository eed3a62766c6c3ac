/**
 * What keeping calls costs, and where: `bun bench/store.ts [rows per second]`.
 *
 *   1. Rows per second that SQLite takes in this thread, by rows per transaction.
 *   2. 2,000 rows per second (or so many) of events for 6 seconds, by three writers: the store in its
 *      Worker, this thread with one transaction per turn of the loop, this thread with one per row.
 *      Microseconds of this thread per `append`, milliseconds from `append` to the row being stored,
 *      and how late a timer of 5 ms is. `nowhere` throws the rows away: what the load itself costs.
 *
 * Each setting of part 2 runs alone, in turn, three times; medians are printed. The database is in
 * the system's directory for temporary files, or in `BENCH_DIR`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallEventRecord, CallRecord } from '#protocol/call-record.ts'
import { CallDatabase } from '#store/call-database.ts'
import { CallStore } from '#store/call-store.ts'
import type { StoreWrite } from '#store/store-message.ts'
import { median, quantile } from './support/statistics.ts'

const RATE = Number(process.argv[2] ?? 2_000)
const RUN_MS = 6_000
const ROUNDS = 3
const CALLS = 100
const LAG_TIMER_MS = 5
const MIGRATIONS = new URL('../migrations', import.meta.url).pathname

interface Writer {
  begin(record: CallRecord): void
  append(event: CallEventRecord, onStored: () => void): void
  close(): Promise<void>
}

function record(call: number): CallRecord {
  return {
    recordId: `018f2a6e-7c0f-7a6a-9f0e-${String(call).padStart(12, '0')}`,
    id: `session-${call}`,
    type: 'websocket',
    direction: 'inbound',
    state: 'active',
    hasEvents: true,
    startedAt: Date.now(),
  }
}

/** An event such as most are: a partial transcript of one of the calls. */
function event(row: number): CallEventRecord {
  const { recordId, id } = record(row % CALLS)
  const at = Date.now()
  const text = 'hello how can I help you today with your account'.slice(0, row % 48)
  const times = { timestamp: at, startTime: at - 800, endTime: at }
  const data = { event: 'asrDelta', trackId: id, index: row % 30, text, ...times }
  const sequence = Math.floor(row / CALLS)
  return { recordId, sequence, at, direction: 'sent', name: 'asrDelta', data }
}

function inWorker(directory: string): Promise<Writer> {
  return CallStore.open({ directory })
}

/** One transaction for all that a turn of the event loop brings, in this thread. */
async function inThreadPerTurn(directory: string): Promise<Writer> {
  const database = new CallDatabase(join(directory, 'bunpbx.db'), MIGRATIONS)
  let writes: StoreWrite[] = []
  let callbacks: (() => void)[] = []
  const flush = () => {
    const [rows, stored] = [writes, callbacks]
    writes = []
    callbacks = []
    database.write(rows)
    for (const onStored of stored) onStored()
  }
  const enqueue = (write: StoreWrite) => {
    if (writes.length === 0) setImmediate(flush)
    writes.push(write)
  }
  return {
    begin: (it) => enqueue({ op: 'begin', record: it }),
    append: (it, onStored) => {
      enqueue({ op: 'append', event: it })
      callbacks.push(onStored)
    },
    close: async () => {
      await Bun.sleep(10)
      database.close()
    },
  }
}

async function inThreadPerRow(directory: string): Promise<Writer> {
  const database = new CallDatabase(join(directory, 'bunpbx.db'), MIGRATIONS)
  return {
    begin: (it) => void database.write([{ op: 'begin', record: it }]),
    append: (it, onStored) => {
      database.write([{ op: 'append', event: it }])
      onStored()
    },
    close: async () => database.close(),
  }
}

async function withDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(process.env['BENCH_DIR'] ?? tmpdir(), 'bunpbx-bench-'))
  try {
    return await run(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Rows per second of a database in this thread. */
function throughput(rowsPerTransaction: number): Promise<number> {
  return withDirectory(async (directory) => {
    const database = new CallDatabase(join(directory, 'bunpbx.db'), MIGRATIONS)
    for (let call = 0; call < CALLS; call += 1) {
      database.write([{ op: 'begin', record: record(call) }])
    }
    const startMs = performance.now()
    let rows = 0
    while (performance.now() - startMs < 2_000) {
      const batch = Array.from({ length: rowsPerTransaction }, (_, i) => event(rows + i))
      database.write(batch.map((it) => ({ op: 'append', event: it })))
      rows += rowsPerTransaction
    }
    const rate = (rows / (performance.now() - startMs)) * 1_000
    database.close()
    return rate
  })
}

interface Load {
  readonly busyUsPerRow: number
  readonly storedMs: readonly number[]
  readonly lateMs: readonly number[]
}

/** Sends `RATE` rows per second in steps of a few milliseconds, as calls do, on absolute deadlines. */
function load(open: (directory: string) => Promise<Writer>): Promise<Load> {
  return withDirectory(async (directory) => {
    const writer = await open(directory)
    for (let call = 0; call < CALLS; call += 1) writer.begin(record(call))
    await Bun.sleep(200)

    const storedMs: number[] = []
    const lateMs: number[] = []
    const startMs = performance.now()
    let rows = 0
    let lagTimer: ReturnType<typeof setTimeout> | undefined
    // Each tick counts from the one before, so that the drift of an interval is not taken for lag.
    const watch = (dueMs: number) => {
      lagTimer = setTimeout(() => {
        const nowMs = performance.now()
        lateMs.push(Math.max(0, nowMs - dueMs))
        watch(nowMs + LAG_TIMER_MS)
      }, LAG_TIMER_MS)
    }
    watch(startMs + LAG_TIMER_MS)
    const loadTimer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) * RATE) / 1_000)
      for (; rows < due; rows += 1) {
        const queuedMs = performance.now()
        writer.append(event(rows), () => storedMs.push(performance.now() - queuedMs))
      }
    }, 1)
    const before = process.threadCpuUsage()
    await Bun.sleep(RUN_MS)
    const { user, system } = process.threadCpuUsage(before)
    clearInterval(loadTimer)
    clearTimeout(lagTimer)
    await writer.close()
    if (storedMs.length !== rows) throw new Error(`${rows - storedMs.length} rows were not stored`)
    return { busyUsPerRow: (user + system) / rows, storedMs, lateMs }
  })
}

/** What the load itself costs this thread: it makes the rows and throws them away. */
async function nowhere(): Promise<Writer> {
  return {
    begin: () => undefined,
    append: (_, onStored) => onStored(),
    close: async () => undefined,
  }
}

for (const rowsPerTransaction of [1, 10, 100, 1_000]) {
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) rates.push(await throughput(rowsPerTransaction))
  const rate = Math.round(median(rates)).toLocaleString('en')
  console.log(`${String(rowsPerTransaction).padStart(5)} rows per transaction: ${rate} rows/s`)
}

const SETTINGS = { nowhere, inWorker, inThreadPerTurn, inThreadPerRow }
const runs = new Map<string, Load[]>()
for (let round = 0; round < ROUNDS; round += 1) {
  const settings = Object.entries(SETTINGS)
  // The order is turned each round, so that none always comes after the same.
  for (const [name, open] of round % 2 === 0 ? settings : settings.reverse()) {
    runs.set(name, [...(runs.get(name) ?? []), await load(open)])
  }
}

console.log(
  `\n${RATE} rows/s: CPU of this thread per row, append to stored, lateness of a 5 ms timer`,
)
for (const [name, loads] of runs) {
  const middle = (value: (it: Load) => number) => median(loads.map(value)).toFixed(2)
  const worst = Math.max(...loads.flatMap(({ lateMs }) => lateMs)).toFixed(1)
  console.log(
    `${name.padEnd(16)} ${middle((it) => it.busyUsPerRow)} us` +
      ` | stored p50 ${middle((it) => quantile(it.storedMs, 0.5))}` +
      ` p99 ${middle((it) => quantile(it.storedMs, 0.99))} ms` +
      ` | late p50 ${middle((it) => quantile(it.lateMs, 0.5))}` +
      ` p99 ${middle((it) => quantile(it.lateMs, 0.99))} worst ${worst} ms`,
  )
}
