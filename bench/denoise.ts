/**
 * What taking noise out costs and gives: `bun bench/denoise.ts [calls…]`.
 *
 *   1. Microseconds of the Worker per frame of 20 ms, at each rate.
 *   2. 1, 20 and 50 (or so many) telephone calls in real time: what the main thread spends per frame,
 *      how late frames come out, and how many pass raw.
 *   3. How far noise falls after 2 s, and what becomes of speech 5 dB above noise.
 *   4. Word errors with and without, where PocketSphinx and its test recordings are installed.
 */
import { readFileSync } from 'node:fs'
import { Resampler } from '#audio/resampler.ts'
import { DenoiseEngine } from '#media/denoise/denoise-engine.ts'
import { DenoiseStream } from '#media/denoise/denoise-stream.ts'
import { Rnnoise } from '#media/denoise/rnnoise.ts'
import { atLevel, levelDb, mix, pinkNoise, whiteNoise } from '../test/audio/noise.ts'
import { PocketSphinx } from './support/pocket-sphinx.ts'
import { median, quantile } from './support/statistics.ts'

const RATES = [8000, 16_000, 24_000, 48_000]
const LOADS = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 20, 50]
const RUN_MS = 6000
const SLOT_MS = 2
const SLOTS = 10
const NOISES = { white: whiteNoise, pink: pinkNoise }
const LIBRIVOX = '/usr/share/pocketsphinx/test/data/librivox'

const rnnoise = await Rnnoise.load()
const fixture = new URL('../test/fixtures/vad/austen-16k.s16le', import.meta.url)
const speech16 = new Int16Array(await Bun.file(fixture).arrayBuffer())

function at(sampleRate: number, samples16: Int16Array): Int16Array {
  return new Resampler(16_000, sampleRate).resample(samples16).slice()
}

function clean(samples: Int16Array, sampleRate: number): Int16Array {
  const stream = new DenoiseStream(rnnoise, sampleRate)
  const size = sampleRate / 50
  const cleaned = new Int16Array(samples.length)
  let length = 0
  for (let from = 0; from + size <= samples.length; from += size) {
    stream.push(samples.subarray(from, from + size), (out) => {
      cleaned.set(out, length)
      length += out.length
    })
  }
  stream.close()
  return cleaned
}

/** Microseconds of processor time that this thread has used (Linux). */
function threadMicroseconds(): number {
  const [nanoseconds = 'NaN'] = readFileSync(
    `/proc/self/task/${process.pid}/schedstat`,
    'utf8',
  ).split(' ')
  return Number(nanoseconds) / 1000
}

/** Calls `onTick` every `SLOT_MS` for `RUN_MS`, leaving none out. */
async function runTicks(onTick: (tick: number) => void): Promise<void> {
  const startMs = performance.now()
  for (let tick = 0; tick * SLOT_MS < RUN_MS; ) {
    for (; tick * SLOT_MS <= performance.now() - startMs; tick += 1) onTick(tick)
    await Bun.sleep(1)
  }
}

function printCost(): void {
  console.log('Worker, microseconds per frame of 20 ms: median of 5 (lowest)')
  for (const rate of RATES) {
    const noisy = mix(at(rate, speech16), atLevel(pinkNoise(rate * 3), -40))
    const times = Array.from({ length: 5 }, () => {
      const startMs = performance.now()
      clean(noisy, rate)
      return ((performance.now() - startMs) * 1000) / ((noisy.length / rate) * 50)
    })
    console.log(`  ${rate} Hz: ${median(times).toFixed(0)} (${Math.min(...times).toFixed(0)})`)
  }
}

/** Gives `calls` their frames; without an engine, to see what giving them costs by itself. */
async function measureLoad(calls: number, engine: DenoiseEngine | undefined) {
  const noisy = mix(at(8000, speech16), atLevel(pinkNoise(8000 * 3), -40))
  const denoisers = Array.from({ length: calls }, () => engine?.createDenoiser())
  await Bun.sleep(300)
  const waits: number[] = []
  const handedMs: number[] = []
  const before = threadMicroseconds()
  await runTicks((tick) => {
    const from = (Math.floor(tick / SLOTS) * 160) % (noisy.length - 160)
    const samples = noisy.subarray(from, from + 160)
    for (let call = tick % SLOTS; call < calls; call += SLOTS) {
      // For once the position tells frames apart, of all calls.
      const frame = { samples, sampleRate: 8000, position: handedMs.push(performance.now()) - 1 }
      denoisers[call]?.process(frame, ({ position }) =>
        waits.push(performance.now() - handedMs[position]!),
      )
    }
  })
  const microseconds = threadMicroseconds() - before
  for (const denoiser of denoisers) denoiser?.close()
  return { microseconds, frames: handedMs.length, waits }
}

async function printLoad(): Promise<void> {
  console.log('Calls of 8 kHz in real time')
  for (const calls of LOADS) {
    const bare = await measureLoad(calls, undefined)
    const engine = new DenoiseEngine()
    const { microseconds, frames, waits } = await measureLoad(calls, engine)
    const { cleanFrames, rawFrames } = engine.stats
    await engine.close()
    const each = microseconds / frames - bare.microseconds / bare.frames
    const wait = `p50 ${quantile(waits, 0.5).toFixed(1)} ms, p99 ${quantile(waits, 0.99).toFixed(1)} ms`
    const raw = ((rawFrames * 100) / (cleanFrames + rawFrames)).toFixed(1)
    console.log(
      `  ${calls}: main thread ${each.toFixed(1)} us a frame; out after ${wait}; ${raw} % raw`,
    )
  }
}

/** Mean ratio of frames of 20 ms, each from -10 to 35 dB, over the second half. */
function segmentalSnrDb(samples: Int16Array, reference: Int16Array, sampleRate: number): number {
  const size = sampleRate / 50
  const ratios: number[] = []
  for (let from = reference.length / 2; from + 2 * size <= reference.length; from += size) {
    const signal = reference.subarray(from, from + size)
    if (levelDb(signal) < -50) continue
    const error = signal.map((value, i) => samples[from + i]! - value)
    ratios.push(Math.max(-10, Math.min(35, levelDb(signal) - levelDb(error))))
  }
  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length
}

function printReduction(): void {
  console.log('Noise at -30 dBFS from 2 s on: lowest, median, highest fall in dB of 9 seeds')
  for (const [name, noise] of Object.entries(NOISES)) {
    for (const rate of RATES) {
      const falls = Array.from({ length: 9 }, (_, i) => {
        const cleaned = clean(atLevel(noise(rate * 3, 3 * i + 1), -30), rate)
        return -30 - levelDb(cleaned.subarray(rate * 2, rate * 2.9))
      })
      const shown = [Math.min(...falls), median(falls), Math.max(...falls)]
      console.log(`  ${name}, ${rate} Hz: ${shown.map((fall) => fall.toFixed(0)).join(', ')}`)
    }
  }
  console.log('Speech at -22 dBFS over noise 5 dB below: segmental SNR in dB, before and after')
  for (const [name, noise] of Object.entries(NOISES)) {
    for (const rate of RATES) {
      const once = at(rate, speech16)
      const speech = atLevel(Int16Array.from([...once, ...once]), -22)
      const noisy = mix(speech, atLevel(noise(speech.length, 7), -27))
      const [before, after] = [noisy, clean(noisy, rate)].map((samples) =>
        segmentalSnrDb(samples, speech, rate).toFixed(1),
      )
      console.log(`  ${name}, ${rate} Hz: ${before}, ${after}`)
    }
  }
}

/** How many words have to be changed, added or taken away (Levenshtein). */
function wordErrors(said: readonly string[], heard: readonly string[]): number {
  let row = heard.map((_, i) => i + 1)
  for (const [i, word] of said.entries()) {
    let [left, diagonal] = [i + 1, i]
    row = row.map((above, k) => {
      const changed = diagonal + (heard[k] === word ? 0 : 1)
      diagonal = above
      left = Math.min(left + 1, above + 1, changed)
      return left
    })
  }
  return row.at(-1) ?? said.length
}

function printWordErrors(): void {
  const sphinx = new PocketSphinx()
  const utterances = readFileSync(`${LIBRIVOX}/transcription`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [, text = '', name = ''] = /<s> (.*) <\/s> \((.*)\)/.exec(line) ?? []
      const bytes = readFileSync(`${LIBRIVOX}/${name}.wav`)
      return {
        words: text.split(' '),
        samples: new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1),
      }
    })
  const total = utterances.reduce((sum, { words }) => sum + words.length, 0)
  const rate = (make: (samples: Int16Array) => Int16Array) => {
    let errors = 0
    for (const { words, samples } of utterances) {
      errors += wordErrors(words, sphinx.recognize(make(samples)))
    }
    return `${((errors * 100) / total).toFixed(0)} %`
  }
  const through = (samples: Int16Array, sampleRate: number) => {
    const narrow = at(sampleRate, samples)
    return new Resampler(sampleRate, 16_000).resample(clean(narrow, sampleRate)).slice()
  }
  console.log(
    `Word errors of PocketSphinx, ${total} words of LibriVox: as it is, cleaned at 16 kHz`,
  )
  console.log(
    `  no noise: ${rate((samples) => samples)}, ${rate((samples) => through(samples, 16_000))}`,
  )
  for (const [name, noise] of Object.entries(NOISES)) {
    const noisy = (samples: Int16Array) =>
      mix(samples, atLevel(noise(samples.length, 5), levelDb(samples) - 10))
    const raw = rate(noisy)
    const cleaned = rate((samples) => through(noisy(samples), 16_000))
    console.log(`  ${name} noise 10 dB below: ${raw}, ${cleaned}`)
  }
}

printCost()
await printLoad()
printReduction()
try {
  printWordErrors()
} catch (error) {
  console.log(`no word errors: ${String(error)}`)
}
process.exit(0)
