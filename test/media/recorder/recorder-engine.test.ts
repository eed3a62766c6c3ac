import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Recorder } from '#media/recorder/recorder.ts'
import { RecorderEngine } from '#media/recorder/recorder-engine.ts'
import type { RecorderError } from '#media/recorder/recorder-error.ts'
import type {
  RecorderHandlers,
  RecordingPlan,
  RecordingTotals,
} from '#media/recorder/recorder-message.ts'

const RATE = 8000
const PLAN: RecordingPlan = { name: 'x.wav', format: 'wav', sampleRate: RATE }
const WORKER = new URL('../../../src/media/recorder/recorder-worker.ts', import.meta.url)

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-recorder-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** What one recording reports, as promises. */
function handlers() {
  const opened = Promise.withResolvers<string>()
  const error = Promise.withResolvers<RecorderError>()
  const end = Promise.withResolvers<RecordingTotals>()
  const errors: RecorderError[] = []
  return {
    opened: opened.promise,
    error: error.promise,
    end: end.promise,
    errors,
    onOpened: opened.resolve,
    onError: (found: RecorderError) => {
      errors.push(found)
      error.resolve(found)
    },
    onEnd: end.resolve,
  }
}

/** What a link points at; nothing for one that is gone. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

const frame = (index: number, value: number) => ({
  samples: new Int16Array(RATE / 50).fill(value),
  sampleRate: RATE,
  position: (index * RATE) / 50,
})

function begin(engine: RecorderEngine, plan: RecordingPlan, report: RecorderHandlers): Recorder {
  const recorder = engine.open(plan, report)
  recorder.begin()
  return recorder
}

describe('RecorderEngine', () => {
  test('records both sides of a short call, and says what it has become', async () => {
    const engine = new RecorderEngine({ directory })
    const report = handlers()
    const recorder = begin(engine, PLAN, report)
    const tap = recorder.createTap()
    const passed: unknown[] = []
    for (let i = 0; i < 10; i += 1) {
      const heard = frame(i, 1000)
      tap.process(heard, (next) => passed.push(next === heard))
      recorder.writeSent(frame(i, 2000))
    }
    recorder.close()
    recorder.close()
    recorder.writeSent(frame(10, 3000))
    const totals = await report.end
    expect(await report.opened).toBe('x.wav')
    expect(passed).toEqual(new Array(10).fill(true))
    const wav = Buffer.from(await Bun.file(join(directory, 'x.wav')).bytes())
    expect(wav.length).toBe(totals.bytes)
    const samples = new Int16Array(new Uint8Array(wav.subarray(44)).buffer)
    expect(samples.filter((sample) => sample === 1000)).toHaveLength(1600)
    expect(samples.filter((sample) => sample === 2000)).toHaveLength(1600)
    expect(samples).not.toContain(3000)
    expect(engine.stats).toMatchObject({ opened: 1, finished: 1, failed: 0, bytes: wav.length })
    expect(engine.active).toBe(0)
    await engine.close()
  })

  test('makes no file of a call that was never answered', async () => {
    const engine = new RecorderEngine({ directory })
    const recorder = engine.open(PLAN, handlers())
    recorder.writeSent(frame(0, 500))
    recorder.close()
    recorder.begin()
    expect(engine.stats.opened).toBe(0)
    await engine.close()
    expect(readdirSync(directory)).toEqual([])
  })

  test('closing it completes what is being recorded', async () => {
    const engine = new RecorderEngine({ directory })
    const report = handlers()
    begin(engine, PLAN, report).writeSent(frame(0, 500))
    const startMs = performance.now()
    await Promise.all([engine.close(), engine.close()])
    expect(performance.now() - startMs).toBeLessThan(8000)
    expect((await report.end).durationMs).toBeGreaterThanOrEqual(20)
    await engine.close()
  })

  test('names that are taken get a number, at once too', async () => {
    const engine = new RecorderEngine({ directory })
    const reports = Array.from({ length: 3 }, () => handlers())
    for (const report of reports) begin(engine, PLAN, report)
    const files = await Promise.all(reports.map(({ opened }) => opened))
    expect(files).toEqual(['x.wav', 'x-2.wav', 'x-3.wav'])
    await engine.close()
  })

  test('a Worker that dies costs one error and leaves a whole file; the next one records', async () => {
    const workers: Worker[] = []
    const faults: string[] = []
    const engine = new RecorderEngine({
      directory,
      onFault: (fault) => void faults.push(fault),
      createWorker: () => {
        const worker = new Worker(WORKER)
        workers.push(worker)
        return worker
      },
    })
    const report = handlers()
    const recorder = begin(engine, PLAN, report)
    await report.opened
    recorder.writeSent(frame(0, 500))
    workers[0]?.terminate()
    expect(await report.error).toMatchObject({ code: 'internal' })
    recorder.writeSent(frame(1, 500))
    recorder.close()
    expect(await report.end).toEqual({ bytes: 44, durationMs: 0 })
    expect(report.errors).toHaveLength(1)
    expect(faults).toHaveLength(1)
    // While there is none, a recording cannot begin.
    const early = handlers()
    begin(engine, PLAN, early)
    expect(await early.error).toMatchObject({ code: 'internal' })
    while (workers.length < 2) await Bun.sleep(20)
    const again = handlers()
    begin(engine, PLAN, again).close()
    expect(await again.opened).toBe('x-2.wav')
    await again.end
    await engine.close()
  })

  const canMount = process.getuid?.() === 0 && Bun.which('mount') !== null

  test.skipIf(!canMount)(
    'a disk without room for a head keeps no handle and no file (needs root and mount)',
    async () => {
      const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', directory])
      expect(mount.status).toBe(0)
      try {
        await Bun.write(join(directory, 'filler'), new Uint8Array(4096))
        const engine = new RecorderEngine({ directory })
        for (const format of ['wav', 'ogg'] as const) {
          const report = handlers()
          begin(engine, { ...PLAN, name: `x.${format}`, format }, report)
          expect(await report.error).toMatchObject({ code: 'disk' })
          const open = readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`))
          expect(open.filter((path) => path.startsWith(directory))).toEqual([])
        }
        expect(readdirSync(directory)).toEqual(['filler'])
        await engine.close()
      } finally {
        spawnSync('umount', ['-l', directory])
      }
    },
  )

  test('frames that a stuck Worker does not take are dropped and counted', async () => {
    const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
    const source = `self.onmessage = () => { ${wait} }`
    const url = URL.createObjectURL(new Blob([source], { type: 'application/javascript' }))
    const workers: Worker[] = []
    const createWorker = () => {
      const worker = new Worker(url)
      workers.push(worker)
      return worker
    }
    const engine = new RecorderEngine({ directory, createWorker })
    const report = handlers()
    const recorder = begin(engine, PLAN, report)
    const second = { samples: new Int16Array(RATE), sampleRate: RATE, position: 0 }
    for (let i = 0; i < 2000; i += 1) recorder.writeSent(second)
    expect(engine.stats.droppedFrames).toBeGreaterThan(500)
    expect(engine.stats.droppedFrames).toBeLessThan(2000)
    workers[0]?.terminate()
    await report.error
    await engine.close()
  })
})
