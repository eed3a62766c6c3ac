import { afterEach, describe, expect, test } from 'bun:test'
import type { AudioFrame } from '#audio/frame.ts'
import { createSileroEngine, type SileroEngine } from '#speech/silero/silero-engine.ts'
import type { SpeechError } from '#speech/speech-error.ts'
import type { VadEvent, VadOptions } from '#speech/vad.ts'

const OPTIONS: VadOptions = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }
const opened: SileroEngine[] = []

afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())))

function open(options: Parameters<typeof createSileroEngine>[0]): SileroEngine {
  const engine = createSileroEngine(options)
  opened.push(engine)
  return engine
}

async function speech(sampleRate: 8000 | 16_000): Promise<Int16Array> {
  const name = `goforward-${sampleRate / 1000}k.s16le`
  const file = Bun.file(new URL(`../fixtures/vad/${name}`, import.meta.url))
  return new Int16Array(await file.arrayBuffer())
}

/** `seconds` of audio from a function of time, at a level below full scale in decibels. */
function synthesize(sampleRate: number, seconds: number, db: number, wave: (s: number) => number) {
  const gain = 32_767 * 10 ** (db / 20)
  return Int16Array.from({ length: sampleRate * seconds }, (_, i) => gain * wave(i / sampleRate))
}

/** A xorshift generator: the same noise in every run. */
function whiteNoise(): () => number {
  let state = 0x2545f491
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}

function* framesOf(samples: Int16Array, sampleRate: number): Generator<AudioFrame> {
  const length = sampleRate / 50
  // One buffer for all frames: whoever keeps a frame's samples will be caught.
  const lent = new Int16Array(length)
  for (let position = 0; position + length <= samples.length; position += length) {
    lent.set(samples.subarray(position, position + length))
    yield { samples: lent, sampleRate, position }
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2)
}

/** What a detector says of `samples`, once all of them are judged. */
async function detect(samples: Int16Array, sampleRate: number, options = OPTIONS) {
  const engine = open({})
  const events: VadEvent[] = []
  const detector = engine.createDetector(options, (event) => events.push(event))
  for (const frame of framesOf(samples, sampleRate)) detector.process(frame, () => {})
  // A resampler may keep a few samples, and with them the last window.
  const windows = Math.floor(((samples.length / sampleRate) * 1000) / 32) - 1
  await until(() => engine.stats.windows >= windows)
  return events
}

describe('SileroEngine', () => {
  test('finds the speech in a recording where ONNX Runtime finds it', async () => {
    expect(await detect(await speech(16_000), 16_000)).toEqual([
      { type: 'speaking', startMs: 512 },
      {
        type: 'silence',
        startMs: 2272,
        durationMs: 320,
        speechStartMs: 512,
        speechDurationMs: 1760,
      },
    ])
  })

  test('finds it on a telephone leg of 8 kHz too', async () => {
    const [first, second, ...more] = await detect(await speech(8000), 8000)
    expect(more).toEqual([])
    expect(first?.type).toBe('speaking')
    expect(Math.abs((first?.startMs ?? 0) - 512)).toBeLessThanOrEqual(96)
    expect(second?.type).toBe('silence')
    expect(Math.abs((second?.startMs ?? 0) - 2272)).toBeLessThanOrEqual(160)
  })

  test.each([-10, -30, -50])('white noise at %d dB is no speech', async (db) => {
    const noise = whiteNoise()
    expect(await detect(synthesize(8000, 4, db, noise), 8000)).toEqual([])
  })

  test.each([-10, -30])('a tone of 440 Hz at %d dB is no speech', async (db) => {
    const tone = (second: number) => Math.sin(2 * Math.PI * 440 * second)
    expect(await detect(synthesize(8000, 4, db, tone), 8000)).toEqual([])
  })

  test('reports a silence that nobody has broken, with a timeout', async () => {
    const events = await detect(new Int16Array(16_000 * 2), 16_000, {
      ...OPTIONS,
      silenceTimeoutMs: 800,
    })
    expect(events).toEqual([
      { type: 'silence', startMs: 0, durationMs: 800 },
      { type: 'silence', startMs: 0, durationMs: 1600 },
    ])
  })

  test('hears many legs at once, each for itself', async () => {
    const samples = await speech(16_000)
    const engine = open({})
    const heard = Array.from({ length: 20 }, (): VadEvent[] => [])
    const detectors = heard.map((events) =>
      engine.createDetector(OPTIONS, (event) => events.push(event)),
    )
    for (const frame of framesOf(samples, 16_000)) {
      for (const detector of detectors) detector.process(frame, () => {})
    }
    await until(() => heard.every(({ length }) => length === 2))
    expect(new Set(heard.map((events) => JSON.stringify(events))).size).toBe(1)
  })

  test('passes the very frame on and shows itself in a pipeline', () => {
    const detector = open({}).createDetector(OPTIONS, () => {})
    const frame = { samples: new Int16Array(160), sampleRate: 8000, position: 0 }
    const passed: AudioFrame[] = []
    detector.process(frame, (next) => passed.push(next))
    detector.close()
    detector.close()
    detector.process(frame, (next) => passed.push(next))
    expect(passed).toEqual([frame, frame])
    expect(passed[0]).toBe(frame)
    expect(String(detector)).toBe('VadDetector(silero)')
  })

  test('says nothing more after the detector is closed, and keeps nothing of it', async () => {
    const engine = open({})
    const samples = await speech(16_000)
    const early: VadEvent[] = []
    const late: VadEvent[] = []
    const first = engine.createDetector(OPTIONS, (event) => early.push(event))
    for (const frame of framesOf(samples, 16_000)) first.process(frame, () => {})
    first.close()
    const second = engine.createDetector(OPTIONS, (event) => late.push(event))
    for (const frame of framesOf(samples, 16_000)) second.process(frame, () => {})
    await until(() => late.length === 2)
    second.close()
    expect(early).toEqual([])
    await until(() => engine.stats.queuedWindows === 0)
    expect(engine.stats.streams).toBe(0)
  })

  test('measures the time from frame to judgement of every window', async () => {
    const engine = open({})
    const detector = engine.createDetector(OPTIONS, () => {})
    for (const frame of framesOf(new Int16Array(16_000), 16_000)) detector.process(frame, () => {})
    await until(() => engine.stats.windows === 31)
    expect(engine.latency.count).toBe(31)
    expect(engine.latency.sum).toBeGreaterThan(0)
  })

  test('a listener that throws is counted and harms no other', async () => {
    const faults: SpeechError[] = []
    const engine = open({ onFault: (fault) => faults.push(fault) })
    const events: VadEvent[] = []
    const broken = engine.createDetector(OPTIONS, () => {
      throw new Error('listener broke')
    })
    const sound = engine.createDetector(OPTIONS, (event) => events.push(event))
    for (const frame of framesOf(await speech(16_000), 16_000)) {
      broken.process(frame, () => {})
      sound.process(frame, () => {})
    }
    await until(() => events.length === 2)
    expect(engine.stats.faults).toBe(2)
    expect(faults.map(({ cause }) => String(cause))).toEqual(Array(2).fill('Error: listener broke'))
  })

  test('replaces a Worker that dies; its streams go on at the right time', async () => {
    const workers: Worker[] = []
    const faults: SpeechError[] = []
    const engine = open({
      createWorker: () => {
        const worker = new Worker(
          new URL('../../src/speech/silero/silero-worker.ts', import.meta.url),
        )
        workers.push(worker)
        return worker
      },
      onFault: (fault) => {
        faults.push(fault)
        detector.process(lost, () => {})
      },
    })
    const lost = { samples: new Int16Array(320), sampleRate: 16_000, position: 0 }
    const events: VadEvent[] = []
    const detector = engine.createDetector(OPTIONS, (event) => events.push(event))
    const say = async () => {
      for (const frame of framesOf(await speech(16_000), 16_000)) detector.process(frame, () => {})
    }
    await say()
    await until(() => events.length === 2)

    workers[0]?.terminate()
    await until(() => faults.length === 1)
    expect(faults[0]?.code).toBe('server')
    expect(engine.stats.droppedFrames).toBe(1)
    await until(() => engine.stats.restarts === 1)

    await say()
    await until(() => events.length === 4)
    // 139 frames of 20 ms before, and the one that was lost.
    const again = events[2]?.startMs ?? 0
    expect(Math.abs(again - (140 * 20 + 512))).toBeLessThanOrEqual(64)
    detector.close()
  })

  test('tries a Worker that cannot start once a second at most', async () => {
    const times: number[] = []
    const engine = open({
      createWorker: () => new Worker(new URL('./no-such-worker.ts', import.meta.url)),
      onFault: () => times.push(performance.now()),
    })
    await until(() => times.length === 2)
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(800)
    expect(engine.stats.restarts).toBe(1)
  })

  test('refuses frames, and counts them, when the Worker takes none', async () => {
    const source = new Blob(['self.onmessage = () => {}'], { type: 'application/javascript' })
    const url = URL.createObjectURL(source)
    const engine = open({ createWorker: () => new Worker(url) })
    const detector = engine.createDetector(OPTIONS, () => {})
    const second = { samples: new Int16Array(48_000), sampleRate: 48_000, position: 0 }
    for (let i = 0; i < 300; i += 1) detector.process(second, () => {})
    // 256 batches of 64 KiB hold about 174 such seconds.
    expect(engine.stats.droppedFrames).toBeGreaterThan(100)
    expect(engine.stats.droppedFrames).toBeLessThan(150)
  })

  test('closing twice is harmless, and frames then only pass', async () => {
    const engine = createSileroEngine()
    const detector = engine.createDetector(OPTIONS, () => {})
    await engine.close()
    await engine.close()
    const passed: AudioFrame[] = []
    for (const frame of framesOf(new Int16Array(3200), 16_000)) {
      detector.process(frame, (next) => passed.push(next))
    }
    detector.close()
    expect(passed).toHaveLength(10)
  })
})
