/**
 * What voice activity detection costs, and where: `bun bench/vad.ts [legs]`.
 *
 *   1. Microseconds per window of the kernel, with 1 to 128 streams in turn.
 *   2. 200 (or so many) telephone legs in real time, judged in the main thread and in the Worker: what the main
 *      thread spends per frame of 20 ms, and how late a timer of 5 ms is.
 *
 * Each setting of part 2 runs alone for 6 seconds, in turn, three times; medians are printed.
 */
import { readFileSync } from 'node:fs'
import type { AudioFrame } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import { createSileroEngine } from '#speech/silero/silero-engine.ts'
import { SILERO_RATE, SileroNetwork, WINDOW_SAMPLES } from '#speech/silero/silero-network.ts'
import { WindowQueue } from '#speech/silero/window-queue.ts'
import type { VadOptions } from '#speech/vad.ts'
import { median, quantile } from './support/statistics.ts'

const STREAMS = Number(process.argv[2] ?? 200)
const RUN_MS = 6000
const ROUNDS = 3
const SLOT_MS = 2
const SLOTS = 10
const LAG_TIMER_MS = 5
const RATE = 8000
const OPTIONS: VadOptions = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }

const fixture = new URL('../test/fixtures/vad/goforward-8k.s16le', import.meta.url)
const bytes = await Bun.file(fixture).arrayBuffer()
const speech = new Int16Array(bytes)

/** Takes the frames of one leg. */
type Leg = (frame: AudioFrame) => void

interface Setting {
  readonly name: string
  open(): { legs: Leg[]; close(): Promise<void> }
}

const inline: Setting = {
  name: 'inline',
  open() {
    const network = new SileroNetwork()
    const legs = Array.from({ length: STREAMS }, (): Leg => {
      const state = network.openState()
      const queue = new WindowQueue(100)
      const resampler = new Resampler(RATE, SILERO_RATE)
      return ({ samples }) => {
        queue.push(resampler.resample(samples), 0)
        while (queue.length > 0) {
          queue.shift(network.input)
          network.judge(state)
        }
      }
    })
    return { legs, close: () => Promise.resolve() }
  },
}

const worker: Setting = {
  name: 'Worker',
  open() {
    const engine = createSileroEngine()
    const legs = Array.from({ length: STREAMS }, (): Leg => {
      const detector = engine.createDetector(OPTIONS, () => {})
      return (frame) => detector.process(frame, () => {})
    })
    const close = async () => {
      const { latency, stats } = engine
      const mean = ((latency.sum / latency.count) * 1000).toFixed(1)
      const within = latency.cumulative()[latency.bounds.indexOf(0.02)] ?? 0
      const share = ((within * 100) / latency.count).toFixed(1)
      console.log(`    frame to judgement: mean ${mean} ms, ${share} % within 20 ms`)
      console.log(`    ${JSON.stringify(stats)}`)
      await engine.close()
    }
    return { legs, close }
  },
}

const none: Setting = {
  name: 'none',
  open: () => ({ legs: Array.from({ length: STREAMS }, () => () => {}), close: async () => {} }),
}

/** Microseconds of processor time that this thread has used (Linux). */
function threadMicroseconds(): number {
  const [nanoseconds = 'NaN'] = readFileSync(
    `/proc/self/task/${process.pid}/schedstat`,
    'utf8',
  ).split(' ')
  return Number(nanoseconds) / 1000
}

/** Calls `onTick` every `intervalMs`, on a grid, so that no tick is left out. */
function everyMs(intervalMs: number, onTick: (index: number) => void): () => void {
  const startMs = performance.now()
  let index = 0
  const timer = setInterval(() => {
    for (; index * intervalMs <= performance.now() - startMs; index += 1) onTick(index)
  }, intervalMs)
  return () => clearInterval(timer)
}

async function measure(setting: Setting) {
  const { legs, close } = setting.open()
  await Bun.sleep(500)
  const frame = { samples: new Int16Array(RATE / 50), sampleRate: RATE, position: 0 }
  const lateness: number[] = []
  let frames = 0
  const stopFrames = everyMs(SLOT_MS, (tick) => {
    const at = (Math.floor(tick / SLOTS) * 160) % (speech.length - 160)
    frame.samples.set(speech.subarray(at, at + 160))
    for (let leg = tick % SLOTS; leg < STREAMS; leg += SLOTS) legs[leg]?.(frame)
    frames += STREAMS / SLOTS
  })
  let dueMs = performance.now() + LAG_TIMER_MS
  const lagTimer = setInterval(() => {
    const nowMs = performance.now()
    lateness.push(Math.max(0, nowMs - dueMs))
    dueMs = nowMs + LAG_TIMER_MS
  }, LAG_TIMER_MS)
  const before = threadMicroseconds()
  await Bun.sleep(RUN_MS)
  const perFrame = (threadMicroseconds() - before) / frames
  stopFrames()
  clearInterval(lagTimer)
  await close()
  return { perFrame, p50: quantile(lateness, 0.5), p99: quantile(lateness, 0.99) }
}

console.log(`kernel, microseconds per window of ${WINDOW_SAMPLES} samples`)
const network = new SileroNetwork()
const states = Array.from({ length: 128 }, () => network.openState())
for (const count of [1, 4, 8, 32, 128]) {
  const times = Array.from({ length: 7 }, () => {
    const startMs = performance.now()
    const rounds = Math.ceil(4000 / count)
    for (let round = 0; round < rounds; round += 1) {
      const at = (round * 160) % (speech.length - WINDOW_SAMPLES)
      for (let i = 0; i < count; i += 1) {
        network.input.set(speech.subarray(at, at + WINDOW_SAMPLES))
        network.judge(states[i]!)
      }
    }
    return ((performance.now() - startMs) * 1000) / (rounds * count)
  })
  console.log(
    `  ${count} streams: ${median(times).toFixed(1)} (lowest ${Math.min(...times).toFixed(1)})`,
  )
}

console.log(`${STREAMS} legs of ${RATE} Hz in real time`)
const settings = [none, inline, worker]
const results = new Map(
  settings.map(({ name }) => [name, [] as Awaited<ReturnType<typeof measure>>[]]),
)
for (let round = 0; round < ROUNDS; round += 1) {
  for (const setting of settings) results.get(setting.name)?.push(await measure(setting))
}
for (const [name, list] of results) {
  const pick = (key: 'perFrame' | 'p50' | 'p99') =>
    median(list.map((result) => result[key])).toFixed(2)
  console.log(
    `  ${name}: main thread ${pick('perFrame')} us per frame; ` +
      `timer late p50 ${pick('p50')} ms, p99 ${pick('p99')} ms`,
  )
}
process.exit(0)
