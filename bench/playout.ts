/**
 * What the receiving side of an RTP leg costs, and what lost packets sound like:
 * `bun bench/playout.ts`.
 *
 *   1. Microseconds of processor time per 20 ms frame of PCMU, for one packet received and one frame
 *      pulled, by loss and by number of streams in turn: medians of nine rounds. And bytes per
 *      frame: how much the process grows when it may not collect garbage, in a process of its own.
 *   2. Speech with lost packets against the same without: signal to error, and log-spectral
 *      distance over the lost frames and those right after them. Means of twenty patterns.
 */
import type { Codec } from '#audio/codec/codec.ts'
import { pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { Resampler } from '#audio/resampler.ts'
import { Playout } from '#rtp/playout.ts'
import { decodeWithLoss, encodeFrames, type Filling } from '../test/audio/concealment/quality.ts'
import { seededRandom } from '../test/support/seeded-random.ts'
import { median } from './support/statistics.ts'

const ROUNDS = 9
const FRAMES_PER_ROUND = 40_000
const PTIME_MS = 20
const PATTERNS = 20

const fixture = new URL('../test/fixtures/audio/speech-16k.s16le', import.meta.url)
const speech = new Int16Array(await Bun.file(fixture).arrayBuffer())
const speech8k = new Resampler(16_000, 8000).resample(speech).slice()

/** A round of frames for so many streams; without `lossShare`, the decoder alone, to compare. */
function createRound(streams: number, lossShare: number | undefined): () => void {
  const payloads = encodeFrames(pcmu, speech8k, 160)
  const random = seededRandom(1)
  const isLost = Array.from({ length: 9973 }, () => random() < (lossShare ?? 0))
  const playouts = Array.from({ length: streams }, () => new Playout(pcmu))
  const decoder = pcmu.createDecoder()
  const samples = new Int16Array(160)
  const packet = { sequenceNumber: 0, timestamp: 0, ssrc: 1, payload: payloads[0]!, arrivalMs: 0 }
  let turn = 0
  return () => {
    for (const end = turn + FRAMES_PER_ROUND / streams; turn < end; turn += 1) {
      packet.sequenceNumber = turn & 0xffff
      packet.timestamp = (turn * 160) >>> 0
      packet.payload = payloads[turn % payloads.length]!
      packet.arrivalMs = turn * PTIME_MS
      for (let i = 0; i < streams; i += 1) {
        if (lossShare === undefined) {
          decoder.decode(packet.payload, samples)
          continue
        }
        if (!isLost[(turn * streams + i) % isLost.length]) playouts[i]!.receive(packet)
        playouts[i]!.pull(samples, turn * PTIME_MS + 1)
      }
    }
  }
}

function microsecondsPerFrame(streams: number, lossShare: number | undefined): number {
  const round = createRound(streams, lossShare)
  round()
  round()
  const figures: number[] = []
  for (let i = 0; i < ROUNDS; i += 1) {
    const start = process.cpuUsage()
    round()
    figures.push(process.cpuUsage(start).user / FRAMES_PER_ROUND)
  }
  return median(figures)
}

function bytesPerFrame(streams: number, lossShare: number | undefined): number {
  const round = createRound(streams, lossShare)
  for (let i = 0; i < 3; i += 1) round()
  const before = process.memoryUsage().rss
  for (let i = 0; i < ROUNDS; i += 1) round()
  return (process.memoryUsage().rss - before) / (ROUNDS * FRAMES_PER_ROUND)
}

function bytesWithoutCollector(streams: number, lossShare: number | undefined): string {
  const { stdout } = Bun.spawnSync(
    [process.execPath, import.meta.path, String(streams), String(lossShare)],
    { env: { ...process.env, BUN_JSC_useGC: '0' } },
  )
  return stdout.toString().trim()
}

/** Signal to error, and distance of the spectra of the frames around losses; both in dB. */
function compare(
  clean: Int16Array,
  heard: Int16Array,
  frame: number,
  isLost: (index: number) => boolean,
): { signal: number; error: number; distance: number; frames: number } {
  let signal = 0
  let error = 0
  let distance = 0
  let frames = 0
  for (let i = 0; i < clean.length / frame; i += 1) {
    const from = i * frame
    for (let k = from; k < from + frame; k += 1) {
      signal += clean[k]! ** 2
      error += (clean[k]! - heard[k]!) ** 2
    }
    if (!isLost(i) && !isLost(i - 1)) continue
    distance += spectralDistanceDb(clean, heard, from, frame)
    frames += 1
  }
  return { signal, error, distance, frames }
}

/** Root mean square difference of two spectra in dB; what is below -60 dBFS counts as that. */
function spectralDistanceDb(a: Int16Array, b: Int16Array, from: number, frame: number): number {
  const bins = 40
  let sum = 0
  for (let bin = 1; bin <= bins; bin += 1) {
    const step = (Math.PI * bin) / (bins + 1)
    const difference = levelDb(a, from, frame, step) - levelDb(b, from, frame, step)
    sum += difference * difference
  }
  return Math.sqrt(sum / bins)
}

function levelDb(samples: Int16Array, from: number, frame: number, step: number): number {
  let real = 0
  let imaginary = 0
  for (let i = 0; i < frame; i += 1) {
    const value = samples[from + i]! * (1 - Math.cos((2 * Math.PI * (i + 0.5)) / frame))
    real += value * Math.cos(step * i)
    imaginary += value * Math.sin(step * i)
  }
  const amplitude = (2 * Math.hypot(real, imaginary)) / frame / 32_767
  return Math.max(-60, 20 * Math.log10(amplitude + 1e-9))
}

type Pattern = (random: () => number) => (index: number) => boolean

function atRandom(share: number): Pattern {
  return (random) => {
    const lost = Array.from({ length: 200 }, (_, i) => i > 3 && random() < share)
    return (index) => lost[index] === true
  }
}

function inBursts(length: number): Pattern {
  return (random) => {
    const offset = Math.floor(random() * 12)
    return (index) => index > 3 && (index + offset) % 12 < length
  }
}

const PATTERNS_BY_NAME: Record<string, Pattern> = {
  '1 % at random': atRandom(0.01),
  '5 % at random': atRandom(0.05),
  '10 % at random': atRandom(0.1),
  '20 % at random': atRandom(0.2),
  '20 ms of every 240': inBursts(1),
  '40 ms of every 240': inBursts(2),
  '60 ms of every 240': inBursts(3),
}

function quality(codec: Codec, samples: Int16Array): void {
  const frame = codec.sampleRate / 50
  const payloads = encodeFrames(codec, samples, frame)
  const none = { frame, filling: 'zeros', isLost: () => false } as const
  const clean = decodeWithLoss(codec, payloads, none)
  console.log(`\n${codec.name}, ${codec.sampleRate} Hz: SNR / log-spectral distance, dB`)
  console.log('| lost | silence | last frame again | concealed |\n|---|---|---|---|')
  for (const [name, pattern] of Object.entries(PATTERNS_BY_NAME)) {
    const cells = (['zeros', 'repeat', 'conceal'] satisfies Filling[]).map((filling) => {
      const sums = { signal: 0, error: 0, distance: 0, frames: 0 }
      for (let seed = 1; seed <= PATTERNS; seed += 1) {
        const isLost = pattern(seededRandom(seed))
        const heard = decodeWithLoss(codec, payloads, { frame, filling, isLost })
        const result = compare(clean, heard, frame, isLost)
        sums.signal += result.signal
        sums.error += result.error
        sums.distance += result.distance
        sums.frames += result.frames
      }
      const snr = 10 * Math.log10(sums.signal / sums.error)
      return `${snr.toFixed(1)} / ${(sums.distance / sums.frames).toFixed(1)}`
    })
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

const [streamsGiven, lossGiven] = process.argv.slice(2)
if (streamsGiven !== undefined) {
  const lossShare = lossGiven === 'undefined' ? undefined : Number(lossGiven)
  console.log(Math.max(0, bytesPerFrame(Number(streamsGiven), lossShare)).toFixed(1))
  process.exit()
}
console.log('| PCMU, 20 ms | streams | µs per frame | bytes per frame |\n|---|---|---|---|')
for (const streams of [1, 200]) {
  for (const lossShare of [undefined, 0, 0.05, 0.2]) {
    const microseconds = microsecondsPerFrame(streams, lossShare).toFixed(2)
    const bytes = bytesWithoutCollector(streams, lossShare)
    const what = lossShare === undefined ? 'decoder alone' : `${lossShare * 100} % lost`
    console.log(`| ${what} | ${streams} | ${microseconds} | ${bytes} |`)
  }
}
quality(pcmu, speech8k)
quality(g722, speech)
