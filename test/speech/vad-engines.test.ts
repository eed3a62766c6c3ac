import { afterAll, describe, expect, test } from 'bun:test'
import type { AudioFrame } from '#audio/frame.ts'
import { createEnergyVadEngine } from '#speech/energy/energy-engine.ts'
import type { InlineEngine } from '#speech/inline-engine.ts'
import { createSileroEngine } from '#speech/silero/silero-engine.ts'
import type { SpeechError } from '#speech/speech-error.ts'
import type { VadEngine, VadEvent, VadOptions } from '#speech/vad.ts'
import { createWebrtcVadEngine } from '#speech/webrtc-vad/webrtc-engine.ts'
import { framesOf, join, readSpeech, synthesize, tone, whiteNoise } from '../support/voice-audio.ts'

const OPTIONS: VadOptions = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }
const RATES = [8000, 16_000, 24_000, 48_000]

const silero = createSileroEngine()
const webrtc = createWebrtcVadEngine()
const energy = createEnergyVadEngine()
await webrtc.ready
afterAll(() => Promise.all([silero, webrtc, energy].map((engine) => engine.close())))

interface Hearing {
  readonly options?: Partial<VadOptions>
  readonly sampleRate?: number
  /** Lengths of the frames, in turn. */
  readonly sizes?: readonly number[]
}

/** What a detector says of `samples`, once all of them are judged. */
async function detect(engine: VadEngine, samples: Int16Array, hearing: Hearing = {}) {
  const { options, sampleRate = 8000, sizes } = hearing
  const events: VadEvent[] = []
  const judgedBefore = silero.stats.windows
  const detector = engine.createDetector({ ...OPTIONS, ...options }, (event) => events.push(event))
  for (const frame of framesOf(samples, sampleRate, sizes)) detector.process(frame, () => {})
  if (engine === silero) {
    const windows = Math.floor(((samples.length / sampleRate) * 1000) / 32) - 1
    while (silero.stats.windows - judgedBefore < windows) await Bun.sleep(2)
  }
  detector.close()
  return events
}

const starts = (events: readonly VadEvent[]) =>
  events.flatMap(({ type, startMs }) => (type === 'speaking' ? [startMs] : []))
const ends = (events: readonly VadEvent[]) =>
  events.flatMap(({ type, startMs }) => (type === 'silence' ? [startMs] : []))

function expectNear(actual: number | undefined, expected: number, toleranceMs: number): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(toleranceMs)
}

const engines: [string, VadEngine][] = [silero, webrtc, energy].map((engine) => [
  engine.type,
  engine,
])

describe.each(engines)('%s', (_type, engine) => {
  test.each(RATES)('finds the words of a recording at %d Hz, at their time', async (sampleRate) => {
    const events = await detect(engine, await readSpeech(sampleRate), { sampleRate })
    expect(events.map(({ type }) => type)).toEqual(['speaking', 'silence'])
    expectNear(events[0]?.startMs, 500, 50)
    expectNear(events[1]?.startMs, 2240, 100)
  })

  test('finds the words of a quiet talker', async () => {
    const quiet = (await readSpeech(8000)).map((sample) => sample / 8)
    const [start, ...more] = starts(await detect(engine, quiet))
    expectNear(start, 500, 64)
    expect(more).toEqual([])
  })

  test('hears nothing in digital silence, at any rate', async () => {
    for (const sampleRate of RATES) {
      expect(await detect(engine, new Int16Array(sampleRate), { sampleRate })).toEqual([])
    }
  })

  test('repeats a silence that nobody breaks', async () => {
    const options = { silenceTimeoutMs: 800 }
    const events = await detect(engine, new Int16Array(8000 * 2), { options })
    const lengths = events.map((event) => ('durationMs' in event ? event.durationMs : 0))
    expect(lengths).toHaveLength(2)
    expectNear(lengths[0], 800, 32)
    expectNear(lengths[1], 1600, 32)
  })

  test('wants voice for as long as the speech padding', async () => {
    const samples = await readSpeech(8000)
    const options = { speechPaddingMs: 3000 }
    expect(starts(await detect(engine, samples, { options }))).toEqual([])
    expect(starts(await detect(engine, samples, { options: { speechPaddingMs: 64 } }))).not.toEqual(
      [],
    )
  })

  test('waits for the silence padding', async () => {
    const speech = await readSpeech(8000)
    const [event] = (
      await detect(engine, join(speech, new Int16Array(8000)), {
        options: { silencePaddingMs: 700 },
      })
    ).filter(({ type }) => type === 'silence')
    if (event?.type !== 'silence') throw new Error('no silence was reported')
    expectNear(event.durationMs, 700, 32)
    expectNear(event.speechStartMs, 500, 50)
    expectNear(event.speechDurationMs, 1740, 120)
  })

  test.each([0.05, 0.3, 0.7, 0.9])('finds the words with a threshold of %d', async (threshold) => {
    const samples = await readSpeech(8000)
    const options = { voiceThreshold: threshold }
    const [start = Number.NaN, ...more] = starts(await detect(engine, samples, { options }))
    expect(start).toBeLessThan(600)
    expect(more).toEqual([])
  })
})

const inlineEngines: [string, InlineEngine][] = [webrtc, energy].map((engine) => [
  engine.type,
  engine,
])

describe.each(inlineEngines)('%s, in the thread of the calls', (type, engine) => {
  const noise = (db: number, seconds: number) =>
    synthesize(8000, seconds, { db, wave: whiteNoise() })

  test('does not mind how the audio is cut into frames', async () => {
    const samples = await readSpeech(8000)
    const whole = await detect(engine, samples, { sizes: [samples.length] })
    expect(await detect(engine, samples, { sizes: [1, 7, 160, 333, 5, 1000] })).toEqual(whole)
  })

  test('keeps the time over a change of rate', async () => {
    const events: VadEvent[] = []
    const detector = engine.createDetector(OPTIONS, (event) => events.push(event))
    for (const frame of framesOf(new Int16Array(8000), 8000)) detector.process(frame, () => {})
    for (const frame of framesOf(await readSpeech(24_000), 24_000)) {
      detector.process(frame, () => {})
    }
    detector.close()
    expectNear(starts(events)[0], 1500, 50)
  })

  test.each([-30, -50])('steady white noise at %d dB is no speech', async (db) => {
    expect(await detect(engine, noise(db, 4))).toEqual([])
  })

  test.each([440, 1000])(
    'a tone of %d Hz that stays is forgotten within 2 s',
    async (frequency) => {
      const samples = synthesize(8000, 5, { db: -10, wave: tone(frequency) })
      expect(starts(await detect(engine, samples)).length).toBeLessThanOrEqual(1)
      for (const end of ends(await detect(engine, samples))) expect(end).toBeLessThan(2000)
    },
  )

  test('learns louder noise within 2 s, and then hears speech in it', async () => {
    const speech = join(new Int16Array(8000 * 6), await readSpeech(8000))
    const loud = join(noise(-65, 3), noise(-38, 6))
    const events = await detect(
      engine,
      loud.map((sample, i) => sample + (speech[i] ?? 0)),
    )
    for (const end of ends(events).slice(0, -1)) expect(end).toBeLessThan(5000)
    const late = starts(events).filter((startMs) => startMs > 5000)
    expectNear(late[0], 6500, 100)
    expect(late).toHaveLength(1)
  })

  test('does not take long speech for noise', async () => {
    const words = (await readSpeech(8000)).subarray(4400, 17_600)
    const talk = join(noise(-60, 1), ...Array.from({ length: 10 }, () => words))
    const events = await detect(engine, talk)
    expect(events.map((event) => event.type)).toEqual(['speaking'])
  })

  test('a click is no speech', async () => {
    const samples = new Int16Array(16_000)
    for (let i = 0; i < 40; i += 1) samples[8000 + i] = i % 2 === 0 ? 9000 : -9000
    expect(await detect(engine, samples)).toEqual([])
  })

  test('an offset changes nothing, and alone is nothing', async () => {
    const samples = await readSpeech(8000)
    const shifted = samples.map((sample) => sample + 4000)
    const [start, ...more] = starts(await detect(engine, shifted))
    expectNear(start, starts(await detect(engine, samples))[0] ?? Number.NaN, 40)
    expect(more).toEqual([])
    expect(await detect(engine, new Int16Array(16_000).fill(5000))).toEqual([])
  })

  test.each([50, 60])('finds the words over a hum of %d Hz', async (frequency) => {
    const speech = await readSpeech(8000)
    const hum = synthesize(8000, 5, { db: -20, wave: tone(frequency) })
    const samples = hum.map((sample, i) => sample + (speech[i - 16_000] ?? 0))
    const late = starts(await detect(engine, samples)).filter((startMs) => startMs > 1000)
    expectNear(late[0], 2500, 64)
    expect(late).toHaveLength(1)
  })

  test('passes the very frame on, also after it is closed, and shows itself', () => {
    const detector = engine.createDetector(OPTIONS, () => {})
    const frame = { samples: new Int16Array(160), sampleRate: 8000, position: 0 }
    const passed: AudioFrame[] = []
    detector.process(frame, (next) => passed.push(next))
    detector.close()
    detector.close()
    detector.process(frame, (next) => passed.push(next))
    expect(passed).toHaveLength(2)
    for (const next of passed) expect(next).toBe(frame)
    expect(String(detector)).toBe(`VadDetector(${type})`)
  })

  test('counts its open detectors and the windows judged', async () => {
    const before = engine.stats
    const detector = engine.createDetector(OPTIONS, () => {})
    for (const frame of framesOf(new Int16Array(8000), 8000)) detector.process(frame, () => {})
    expect(engine.stats.streams).toBe(before.streams + 1)
    const windows = engine.stats.windows - before.windows
    expect(windows).toBe(type === 'webrtc' ? 50 : 62)
    detector.close()
    expect(engine.stats.streams).toBe(before.streams)
  })
})

describe.each([
  ['webrtc', createWebrtcVadEngine],
  ['energy', createEnergyVadEngine],
])('a new %s engine', (type, createEngine) => {
  test('counts a listener that throws, and spares the frame and the other listeners', async () => {
    const faults: SpeechError[] = []
    const engine = createEngine({ onFault: (fault) => faults.push(fault) })
    await engine.ready
    const events: VadEvent[] = []
    const broken = engine.createDetector(OPTIONS, () => {
      throw new Error('listener broke')
    })
    const sound = engine.createDetector(OPTIONS, (event) => events.push(event))
    let passed = 0
    const count = () => {
      passed += 1
    }
    for (const frame of framesOf(await readSpeech(16_000), 16_000)) {
      broken.process(frame, (next) => sound.process(next, count))
    }
    expect(passed).toBe(139)
    expect(events).toHaveLength(2)
    expect(engine.stats.faults).toBe(2)
    expect(faults.map(({ provider, cause }) => `${provider}: ${cause}`)).toEqual(
      Array(2).fill(`${type}: Error: listener broke`),
    )
    await engine.close()
  })

  test('closes its detectors with it, twice too; frames then only pass', async () => {
    const engine = createEngine()
    await engine.ready
    const events: VadEvent[] = []
    const detector = engine.createDetector(OPTIONS, (event) => events.push(event))
    await engine.close()
    await engine.close()
    let passed = 0
    const count = () => {
      passed += 1
    }
    for (const frame of framesOf(await readSpeech(8000), 8000)) {
      detector.process(frame, count)
    }
    detector.close()
    expect(passed).toBe(139)
    expect(events).toEqual([])
    expect(engine.stats.streams).toBe(0)
  })

  test('a listener may close its own detector', async () => {
    const engine = createEngine()
    await engine.ready
    const events: VadEvent[] = []
    const detector = engine.createDetector(OPTIONS, (event) => {
      events.push(event)
      detector.close()
    })
    const samples = await readSpeech(8000)
    detector.process({ samples, sampleRate: 8000, position: 0 }, () => {})
    expect(events).toHaveLength(1)
    await engine.close()
  })
})
