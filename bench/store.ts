/**
 * What the journal costs the live path: 2,000 rows a second in bursts of ten, in a Worker (as the
 * server does it) and in the main thread, one transaction per burst and one per row.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { CallDatabase } from '#store/call-database.ts'
import { CallStore } from '#store/call-store.ts'
import type { StoreWrite } from '#store/store-message.ts'
import { median, quantile } from './support/statistics.ts'

const SECONDS = 5
const BURST = 10
const BURSTS_PER_SECOND = 200
const RECORD = {
  recordId: Bun.randomUUIDv7(),
  id: 'bench',
  type: 'websocket',
  direction: 'outbound',
  state: 'active',
  hasEvents: true,
  startedAt: Date.now(),
} as const
const DATA = { event: 'asrFinal', text: 'Hello, how can I help you today?', index: 3, timestamp: 1 }

let sequence = 0
const nextWrite = (): StoreWrite => {
  sequence += 1
  const event = {
    recordId: RECORD.recordId,
    sequence,
    at: Date.now(),
    name: 'asrFinal',
    data: DATA,
  }
  return { op: 'append', event: { ...event, direction: 'sent' } }
}

/** Runs `burst` 200 times a second; gives its own cost per row and how late a 5 ms timer ran. */
async function measure(name: string, burst: (writes: StoreWrite[]) => void): Promise<void> {
  const costs: number[] = []
  const lags: number[] = []
  let dueMs = performance.now() + 5
  const timer = setInterval(() => {
    lags.push(Math.max(0, performance.now() - dueMs))
    dueMs = performance.now() + 5
  }, 5)
  const started = performance.now()
  for (let i = 0; i < SECONDS * BURSTS_PER_SECOND; i += 1) {
    const before = performance.now()
    burst(Array.from({ length: BURST }, nextWrite))
    costs.push(((performance.now() - before) * 1_000) / BURST)
    const wait = started + ((i + 1) * 1_000) / BURSTS_PER_SECOND - performance.now()
    await Bun.sleep(Math.max(0, wait))
  }
  clearInterval(timer)
  console.log(
    `${name.padEnd(34)} µs per row on the main thread: median ${median(costs).toFixed(1)}, p99 ${quantile(costs, 0.99).toFixed(1)}; ` +
      `loop lag ms: p50 ${median(lags).toFixed(2)}, p99 ${quantile(lags, 0.99).toFixed(2)}, max ${quantile(lags, 1).toFixed(1)}`,
  )
}

const directory = mkdtempSync(`${tmpdir()}/bunpbx-bench-`)
const store = await CallStore.open({ directory })
store.begin(RECORD)
const stored: number[] = []
await measure('Worker', (writes) => {
  for (const write of writes) {
    if (write.op !== 'append') continue
    const before = performance.now()
    store.append(write.event, () => stored.push(performance.now() - before))
  }
})
console.log(
  `${''.padEnd(34)} append to acknowledged: median ${median(stored).toFixed(2)} ms, p99 ${quantile(stored, 0.99).toFixed(2)} ms`,
)
await store.close()

const migrations = new URL('../migrations', import.meta.url).pathname
const database = new CallDatabase(`${directory}/main.db`, migrations)
await measure('main thread, a transaction a burst', (writes) => database.write(writes))
await measure('main thread, a transaction a row', (writes) => {
  for (const write of writes) database.write([write])
})
database.close()
rmSync(directory, { recursive: true })
