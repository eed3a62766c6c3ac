import { afterEach, describe, expect, test } from 'bun:test'
import type { AudioFrame } from '#audio/frame.ts'
import { DenoiseEngine, type DenoiseEngineOptions } from '#media/denoise/denoise-engine.ts'
import { DenoiseStream } from '#media/denoise/denoise-stream.ts'
import { Rnnoise } from '#media/denoise/rnnoise.ts'
import { Pipeline } from '#media/pipeline.ts'
import type { Processor } from '#media/processor.ts'
import { atLevel, pinkNoise } from '../../audio/noise.ts'

const WORKER = new URL('../../../src/media/denoise/denoise-worker.ts', import.meta.url)
const RATE = 8000
const SIZE = RATE / 50
const opened: DenoiseEngine[] = []

afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())))

function open(options: DenoiseEngineOptions = {}): DenoiseEngine {
  const engine = new DenoiseEngine(options)
  opened.push(engine)
  return engine
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2)
}

/** What comes out of one denoiser, copied, for the samples are borrowed. */
class Ear {
  readonly heard: AudioFrame[] = []
  readonly #denoiser: Processor
  #position = 0
  /** One buffer for all frames: whoever keeps a frame's samples will be caught. */
  readonly #lent = new Int16Array(SIZE)

  constructor(denoiser: Processor) {
    this.#denoiser = denoiser
  }

  say(samples: Int16Array): void {
    for (let from = 0; from + SIZE <= samples.length; from += SIZE) {
      this.#lent.set(samples.subarray(from, from + SIZE))
      const frame = { samples: this.#lent, sampleRate: RATE, position: this.#position }
      this.#position += SIZE
      this.#denoiser.process(frame, (out) => {
        this.heard.push({ ...out, samples: out.samples.slice() })
      })
    }
  }

  /** Says frames of silence, one every 2 ms, until something is true. */
  async sayUntil(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.say(new Int16Array(SIZE))
      await Bun.sleep(2)
    }
  }

  get positions(): number[] {
    return this.heard.map(({ position }) => position)
  }

  get samples(): Int16Array {
    return Int16Array.from(this.heard.flatMap(({ samples }) => [...samples]))
  }
}

/** An engine whose Worker has loaded. */
async function openWarm(options: DenoiseEngineOptions = {}): Promise<DenoiseEngine> {
  const engine = open(options)
  const denoiser = engine.createDenoiser()
  await new Ear(denoiser).sayUntil(() => engine.stats.cleanFrames > 0)
  denoiser.close()
  return engine
}

function noise(seconds: number, seed: number): Int16Array {
  return atLevel(pinkNoise(seconds * RATE, seed), -30)
}

/** What the network makes of a stream by itself. */
function cleanAlone(rnnoise: Rnnoise, samples: Int16Array): Int16Array {
  const stream = new DenoiseStream(rnnoise, RATE)
  const cleaned: number[] = []
  for (let from = 0; from < samples.length; from += SIZE) {
    stream.push(samples.subarray(from, from + SIZE), (out) => cleaned.push(...out))
  }
  stream.close()
  return Int16Array.from(cleaned)
}

const every = (count: number) => Array.from({ length: count }, (_, i) => i * SIZE)

describe('DenoiseEngine', () => {
  test('starts no Worker before somebody wants to have noise taken out', async () => {
    let started = 0
    const engine = open({
      createWorker: () => {
        started += 1
        return new Worker(WORKER)
      },
    })
    expect(engine.stats.restarts).toBe(0)
    expect(started).toBe(0)
    engine.createDenoiser()
    engine.createDenoiser()
    expect(started).toBe(1)
  })

  test('passes frames on raw at once while the Worker loads', () => {
    const engine = open()
    const ear = new Ear(engine.createDenoiser())
    const samples = noise(0.1, 1)
    ear.say(samples)
    expect(ear.samples).toEqual(samples)
    expect(engine.stats).toMatchObject({ cleanFrames: 0, rawFrames: 5 })
  })

  test('gives bursts back in order, each frame once and where it was', async () => {
    const engine = await openWarm({ patienceMs: 4000 })
    const ear = new Ear(engine.createDenoiser())
    const samples = noise(0.8, 2)
    let said = 0
    for (const frames of [1, 10, 3, 15, 1, 10]) {
      ear.say(samples.subarray(said * SIZE, (said + frames) * SIZE))
      said += frames
      await Bun.sleep(3)
    }
    await until(() => ear.heard.length === 39)
    expect(ear.positions).toEqual(every(39))
    expect(ear.samples).toEqual(cleanAlone(await Rnnoise.load(), samples).subarray(0, 39 * SIZE))
  })

  test('does not mix 50 streams that come in turn', async () => {
    const engine = await openWarm({ patienceMs: 4000 })
    const rnnoise = await Rnnoise.load()
    const streams = Array.from({ length: 50 }, (_, i) => ({
      ear: new Ear(engine.createDenoiser()),
      samples: noise(0.1, i + 1),
    }))
    for (let from = 0; from < 5 * SIZE; from += SIZE) {
      for (const { ear, samples } of streams) ear.say(samples.subarray(from, from + SIZE))
    }
    await until(() => streams.every(({ ear }) => ear.heard.length === 4))
    for (const { ear, samples } of streams) {
      expect(ear.positions).toEqual(every(4))
      expect(ear.samples).toEqual(cleanAlone(rnnoise, samples).subarray(0, 4 * SIZE))
    }
  })

  test('passes frames on when the Worker dies, and cleans again when there is another', async () => {
    const workers: Worker[] = []
    const faults: Error[] = []
    const engine = await openWarm({
      patienceMs: 4000,
      createWorker: () => {
        const worker = new Worker(WORKER)
        workers.push(worker)
        return worker
      },
      onFault: (fault) => faults.push(fault),
    })
    const ear = new Ear(engine.createDenoiser())
    ear.say(noise(0.2, 3))
    await until(() => ear.heard.length === 9)
    ear.say(noise(0.2, 4))
    workers[0]?.terminate()
    await until(() => faults.length === 1)
    expect(ear.heard).toHaveLength(20)
    const { cleanFrames } = engine.stats
    ear.say(noise(0.2, 5))
    expect(ear.heard).toHaveLength(30)
    await ear.sayUntil(() => engine.stats.cleanFrames > cleanFrames)
    expect(ear.positions).toEqual(every(ear.heard.length))
    expect(engine.stats.restarts).toBe(1)
    expect(String(faults[0])).toContain('the denoise Worker died')
  })

  test('gives up a Worker that does not answer: raw, in order, at once from then on', async () => {
    const engine = open({ createWorker: startMuteWorker })
    const denoiser = engine.createDenoiser()
    const ear = new Ear(denoiser)
    // It has said that it is there when the first frame does not come back at once.
    let said = 0
    while (ear.heard.length === said) {
      ear.say(new Int16Array(SIZE))
      said += 1
      await Bun.sleep(2)
    }
    ear.say(new Int16Array(5 * SIZE))
    expect(ear.heard).toHaveLength(said - 1)
    await until(() => ear.heard.length === said + 5)
    ear.say(new Int16Array(5 * SIZE))
    expect(ear.positions).toEqual(every(said + 10))
    expect(engine.stats).toMatchObject({ cleanFrames: 0, rawFrames: said + 10 })
  })

  test('lets no more than a second wait, however fast it comes', async () => {
    const engine = await openWarm()
    const ear = new Ear(engine.createDenoiser())
    const { rawFrames } = engine.stats
    ear.say(new Int16Array(51 * SIZE))
    expect(engine.stats.rawFrames).toBe(rawFrames + 51)
    expect(ear.positions).toEqual(every(51))
  })

  test('keeps no frame through a pause, and goes on after it as if there had been none', async () => {
    const engine = await openWarm({ patienceMs: 300 })
    const ear = new Ear(engine.createDenoiser())
    const other = new Ear(engine.createDenoiser())
    const samples = noise(0.4, 6)
    ear.say(samples.subarray(0, 10 * SIZE))
    await other.sayUntil(() => ear.heard.length === 10)
    ear.say(samples.subarray(10 * SIZE))
    await other.sayUntil(() => ear.heard.length === 19)
    expect(ear.positions).toEqual(every(19))
    const expected = cleanAlone(await Rnnoise.load(), samples)
    expected.set(samples.subarray(9 * SIZE, 10 * SIZE), 9 * SIZE)
    expect(ear.samples).toEqual(expected)
  })

  test('passes on raw, and keeps in order, what no leg sends', async () => {
    const engine = await openWarm()
    const denoiser = engine.createDenoiser()
    const positions: number[] = []
    const next = ({ position }: AudioFrame) => positions.push(position)
    denoiser.process({ samples: new Int16Array(160), sampleRate: 8000, position: 0 }, next)
    denoiser.process({ samples: new Int16Array(0), sampleRate: 8000, position: 160 }, next)
    denoiser.process({ samples: new Int16Array(160), sampleRate: 8000, position: 161 }, next)
    denoiser.process({ samples: new Int16Array(441), sampleRate: 22_050, position: 321 }, next)
    denoiser.process({ samples: new Int16Array(99_999), sampleRate: 8000, position: 762 }, next)
    expect(positions).toEqual([0, 160, 161, 321, 762])
  })

  test('changes the rate in the middle of a call without losing a frame', async () => {
    const engine = await openWarm()
    const denoiser = engine.createDenoiser()
    const rates: number[] = []
    for (const sampleRate of [8000, 8000, 16_000, 16_000, 8000, 8000]) {
      const samples = new Int16Array(sampleRate / 50)
      denoiser.process({ samples, sampleRate, position: 0 }, (out) => {
        expect(out.samples).toHaveLength(out.sampleRate / 50)
        rates.push(out.sampleRate)
      })
    }
    await until(() => rates.length === 6)
    expect(rates).toEqual([8000, 8000, 16_000, 16_000, 8000, 8000])
  })

  test('a row that throws is reported once, then left to its pipeline, and harms no other', async () => {
    const faults: Error[] = []
    const onFault = (fault: Error) => faults.push(fault)
    const engine = await openWarm({ patienceMs: 4000, onFault })
    const broken = engine.createDenoiser()
    const sound = new Ear(engine.createDenoiser())
    const frame = { samples: new Int16Array(SIZE), sampleRate: RATE, position: 0 }
    const breakRow = () => {
      throw new Error('the row broke')
    }
    for (let i = 0; i < 4; i += 1) {
      broken.process(frame, breakRow)
      sound.say(frame.samples)
    }
    await until(() => sound.heard.length === 3)
    expect(faults.map(({ cause }) => String(cause))).toEqual(['Error: the row broke'])
    expect(engine.stats.faults).toBe(1)
    expect(() => broken.process(frame, breakRow)).toThrow('the row broke')
  })

  test('passes nothing on after close, not even what waits', async () => {
    const engine = await openWarm({ patienceMs: 4000 })
    const passed: AudioFrame[] = []
    const denoiser = engine.createDenoiser()
    const pipeline = new Pipeline([
      denoiser,
      { process: (frame) => passed.push(frame), close: () => {}, toString: () => 'Ear' },
    ])
    expect(String(pipeline)).toBe('Denoiser(rnnoise) -> Ear')
    const other = new Ear(engine.createDenoiser())
    const frame = { samples: new Int16Array(SIZE), sampleRate: RATE, position: 0 }
    for (let i = 0; i < 5; i += 1) pipeline.process(frame)
    pipeline.close()
    denoiser.close()
    denoiser.process(frame, () => passed.push(frame))
    other.say(new Int16Array(5 * SIZE))
    await until(() => other.heard.length === 4)
    expect(passed).toEqual([])
    expect(engine.stats.denoisers).toBe(1)
  })

  test('a row that closes its denoiser while it gives up hears no more', async () => {
    const engine = await openWarm()
    const denoiser = engine.createDenoiser()
    let heard = 0
    const frame = { samples: new Int16Array(SIZE), sampleRate: RATE, position: 0 }
    const next = () => {
      heard += 1
      denoiser.close()
    }
    for (let i = 0; i < 5; i += 1) denoiser.process(frame, next)
    denoiser.process({ ...frame, sampleRate: 22_050 }, next)
    expect(heard).toBe(1)
    expect(engine.stats.denoisers).toBe(0)
  })

  test('closing twice is harmless; what waits passes raw, and so does what follows', async () => {
    const engine = await openWarm()
    const ear = new Ear(engine.createDenoiser())
    ear.say(new Int16Array(3 * SIZE))
    await Promise.all([engine.close(), engine.close()])
    ear.say(new Int16Array(2 * SIZE))
    expect(ear.positions).toEqual(every(5))
  })

  test('measures how long frames wait', async () => {
    const engine = await openWarm()
    expect(engine.latency.count).toBe(engine.stats.cleanFrames)
    expect(engine.latency.sum).toBeGreaterThan(0)
  })
})

/** Says that it is there, and then nothing. */
function startMuteWorker(): Worker {
  const source = `
    const cleaned = new ArrayBuffer(16)
    new Float64Array(cleaned)[0] = 8
    self.onmessage = () => {}
    self.postMessage({ cleaned, isLast: false })`
  return new Worker(URL.createObjectURL(new Blob([source], { type: 'application/javascript' })))
}
