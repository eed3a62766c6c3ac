/**
 * How well the voice activity detectors hear: `bun bench/vad-quality.ts`. Needs the recordings of
 * Debian's pocketsphinx-testdata (`apt-get install pocketsphinx-testdata`). Deterministic but for
 * the microseconds.
 *
 * 13 recordings of three readers, each twice, at an active level of -26 dB, each after 1 to 3 s of digital
 * silence; with noise over everything at 20, 10 and 5 dB below the speech; as 16 kHz audio and as
 * 8 kHz through G.711 µ-law. Who speaks when is found in the clean recordings, see `findSegments`.
 * Babble is eight voices backwards: that a detector hears it is no fault, but a trouble to a call.
 *
 *   found    segments during which (or up to 300 ms before) a `speaking` began
 *   onset    from the true beginning to the moment of `speaking`: padding, windows, all
 *   end      from the true end to the moment of `silence`, 300 ms of padding included; below 300 where
 *            the last sounds drown
 *   false    `speaking` events that belong to no segment, per minute of what is no speech
 *   voiced   share of what is no speech (from 300 ms before to 300 ms after it left out) that lies
 *            between the start of a `speaking` and the start of its `silence`
 */
import { pcmu } from '#audio/codec/g711.ts'
import { type AudioFrame, frameSamples } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import { createEnergyVadEngine } from '#speech/energy/energy-engine.ts'
import { SILERO_RATE, SileroNetwork, WINDOW_MS } from '#speech/silero/silero-network.ts'
import { WindowQueue } from '#speech/silero/window-queue.ts'
import type { VadEngine, VadEvent, VadOptions } from '#speech/vad.ts'
import { VadDetector } from '#speech/vad-detector.ts'
import { createWebrtcVadEngine } from '#speech/webrtc-vad/webrtc-engine.ts'
import { makeNoise, NOISES, type Noise, seededRandom } from './support/noise.ts'
import { quantile } from './support/statistics.ts'
import {
  activePower,
  CORPUS_RATE,
  readRecordings,
  type Segment,
  stringTogether,
  type Track,
} from './support/voice-corpus.ts'

const SNRS_DB = [20, 10, 5]
const LEVELS_DB = [-26, -40, -50, -60]
const RATES = [8000, 16_000]
const COST_RATES = [8000, 16_000, 24_000, 48_000]
const COST_ROUNDS = 5
const COLLAR_MS = 300
const OPTIONS: VadOptions = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }

/** What a detector said, and when: milliseconds of audio that had been heard by then. */
type Said = VadEvent & { readonly atMs: number }

interface Subject {
  readonly name: string
  /** A detector, as a sink of frames. */
  open(onEvent: (event: VadEvent) => void): (frame: AudioFrame) => void
}

interface Condition {
  readonly noise: Noise | 'none'
  readonly snrDb: number
  readonly levelDb: number
  readonly rate: number
}

interface Score {
  readonly onsetsMs: readonly number[]
  readonly endsMs: readonly number[]
  readonly segments: number
  readonly falseAlarms: number
  readonly silenceMs: number
  readonly voicedMs: number
}

interface Result extends Condition, Score {
  readonly subject: string
}

/** Silero as its Worker runs it, but at once. */
function silero(): Subject {
  const network = new SileroNetwork()
  return {
    name: 'silero',
    open(onEvent) {
      const state = network.openState()
      const queue = new WindowQueue(100)
      const detector = new VadDetector(OPTIONS, onEvent)
      let resampler: Resampler | undefined
      return ({ samples, sampleRate }) => {
        resampler ??= new Resampler(sampleRate, SILERO_RATE)
        queue.push(resampler.resample(samples), 0)
        while (queue.length > 0) {
          const startMs = queue.oldestIndex * WINDOW_MS
          queue.shift(network.input)
          detector.push(startMs, startMs + WINDOW_MS, network.judge(state))
        }
      }
    },
  }
}

function inline(engine: VadEngine): Subject {
  return {
    name: engine.type,
    open(onEvent) {
      const detector = engine.createDetector(OPTIONS, onEvent)
      return (frame) => detector.process(frame, () => {})
    },
  }
}

/** The track as a leg of `rate` receives it. */
function render(track: Track, noise: Float64Array | undefined, condition: Condition): Int16Array {
  const gain = 10 ** ((condition.levelDb - LEVELS_DB[0]!) / 20)
  const noiseGain = gain * Math.sqrt(activePower(track) / 10 ** (condition.snrDb / 10))
  const mixed = Int16Array.from(track.samples, (sample, i) =>
    Math.max(-32_768, Math.min(32_767, Math.round(sample * gain + (noise?.[i] ?? 0) * noiseGain))),
  )
  if (condition.rate === CORPUS_RATE) return mixed
  const samples = Int16Array.from(new Resampler(CORPUS_RATE, condition.rate).resample(mixed))
  const payload = new Uint8Array(samples.length)
  pcmu.createEncoder().encode(samples, payload)
  pcmu.createDecoder().decode(payload, samples)
  return samples
}

function run(subject: Subject, samples: Int16Array, rate: number) {
  const said: Said[] = []
  const size = frameSamples(rate)
  let heardMs = 0
  const hear = subject.open((event) => said.push({ ...event, atMs: heardMs }))
  const startMs = performance.now()
  for (let position = 0; position + size <= samples.length; position += size) {
    heardMs = ((position + size) * 1000) / rate
    hear({ samples: samples.subarray(position, position + size), sampleRate: rate, position })
  }
  const microseconds = (performance.now() - startMs) * 1000
  return { said, microseconds, frames: Math.floor(samples.length / size), endMs: heardMs }
}

function score(
  segments: readonly { startMs: number; endMs: number }[],
  { said, endMs }: ReturnType<typeof run>,
): Score {
  const starts = said.filter(({ type }) => type === 'speaking')
  const ends = said.filter(({ type }) => type === 'silence')
  const onsetsMs: number[] = []
  const endsMs: number[] = []
  const isOf = (startMs: number, segment: { startMs: number; endMs: number }) =>
    startMs >= segment.startMs - COLLAR_MS && startMs < segment.endMs
  for (const segment of segments) {
    const first = starts.find(({ startMs }) => isOf(startMs, segment))
    if (first !== undefined) onsetsMs.push(first.atMs - segment.startMs)
    const last = starts.findLast(({ startMs }) => isOf(startMs, segment))
    const end = ends.find(({ atMs }) => last !== undefined && atMs > last.atMs)
    if (end !== undefined) endsMs.push(end.atMs - segment.endMs)
  }
  const isFalse = ({ startMs }: Said) => !segments.some((segment) => isOf(startMs, segment))
  const spoken = starts.map(({ startMs, atMs }) => ({
    startMs,
    endMs: ends.find((end) => end.atMs > atMs)?.startMs ?? endMs,
  }))
  let [silenceMs, voicedMs] = [0, 0]
  for (let atMs = 0; atMs < endMs; atMs += 10) {
    const near = segments.some(
      ({ startMs, endMs: stopMs }) => atMs >= startMs - COLLAR_MS && atMs < stopMs + COLLAR_MS,
    )
    if (near) continue
    silenceMs += 10
    if (spoken.some((span) => atMs >= span.startMs && atMs < span.endMs)) voicedMs += 10
  }
  return {
    onsetsMs,
    endsMs,
    segments: segments.length,
    falseAlarms: starts.filter(isFalse).length,
    silenceMs,
    voicedMs,
  }
}

const toMs = ({ start, end }: Segment) => ({
  startMs: (start * 1000) / CORPUS_RATE,
  endMs: (end * 1000) / CORPUS_RATE,
})

function printTable(title: string, results: readonly Result[], keyOf: (result: Result) => string) {
  console.log(`\n${title}\n`)
  console.log('| | found | onset p50 / p95 ms | end p50 ms | false/min | voiced |')
  console.log('|---|---|---|---|---|---|')
  const groups = Map.groupBy(results, keyOf)
  for (const [key, group] of groups) {
    const sum = (pick: (score: Score) => number) => group.reduce((total, r) => total + pick(r), 0)
    const onsets = group.flatMap(({ onsetsMs }) => onsetsMs)
    const ends = group.flatMap(({ endsMs }) => endsMs)
    const found = (100 * onsets.length) / sum(({ segments }) => segments)
    const alarms = sum(({ falseAlarms }) => falseAlarms) / (sum((s) => s.silenceMs) / 60_000)
    const voiced = (100 * sum((s) => s.voicedMs)) / sum((s) => s.silenceMs)
    console.log(
      `| ${key} | ${found.toFixed(0)} % | ${quantile(onsets, 0.5).toFixed(0)} / ` +
        `${quantile(onsets, 0.95).toFixed(0)} | ${quantile(ends, 0.5).toFixed(0)} | ` +
        `${alarms.toFixed(1)} | ${voiced.toFixed(1)} % |`,
    )
  }
}

const recordings = await readRecordings()
const random = seededRandom(0x1234567)
const track = stringTogether([...recordings, ...recordings.toReversed()], () => Math.abs(random()))
const segments = track.segments.map(toMs)
const webrtc = createWebrtcVadEngine()
await webrtc.ready
const subjects = [silero(), inline(webrtc), inline(createEnergyVadEngine())].filter(
  ({ name }) => process.argv[2] === undefined || process.argv.slice(2).includes(name),
)

const results: Result[] = []
function measure(condition: Condition, noise?: Float64Array) {
  const samples = render(track, noise, condition)
  for (const subject of subjects) {
    const said = run(subject, samples, condition.rate)
    results.push({ ...condition, ...score(segments, said), subject: subject.name })
  }
}

for (const rate of RATES) {
  for (const levelDb of LEVELS_DB) measure({ noise: 'none', snrDb: Infinity, levelDb, rate })
}
for (const noise of NOISES) {
  const samples = makeNoise(noise, track.samples.length, recordings)
  for (const rate of RATES) {
    for (const snrDb of SNRS_DB) measure({ noise, snrDb, levelDb: LEVELS_DB[0]!, rate }, samples)
  }
}

const seconds = (track.samples.length / CORPUS_RATE).toFixed(0)
console.log(`${segments.length} segments of speech in ${seconds} s, in each condition`)
const clean = results.filter(({ noise }) => noise === 'none')
const loud = results.filter(({ levelDb }) => levelDb === LEVELS_DB[0])
const subjectsFirst = (list: readonly Result[]) =>
  list.toSorted((a, b) => a.subject.localeCompare(b.subject))
const snr = ({ snrDb }: Result) => (Number.isFinite(snrDb) ? `${snrDb} dB` : 'clean')
const voiceless = loud.filter(({ noise }) => noise !== 'babble')
printTable(
  'By distance of noise (white, pink, street), both rates',
  subjectsFirst(voiceless),
  (r) => [r.subject, snr(r)].join(', '),
)
printTable('By noise, at 10 dB', subjectsFirst(loud.filter(({ snrDb }) => snrDb === 10)), (r) =>
  [r.subject, r.noise].join(', '),
)
printTable('By level of the caller, clean', subjectsFirst(clean), (result) =>
  [result.subject, `${result.levelDb} dB`].join(', '),
)
printTable(
  'By rate, without babble',
  subjectsFirst(voiceless),
  ({ subject, rate }) => `${subject}, ${rate} Hz`,
)

console.log('\nMicroseconds per frame of 20 ms, clean, lowest of 5\n')
console.log(`| | ${COST_RATES.map((rate) => `${rate} Hz`).join(' | ')} |`)
console.log(`|---|${COST_RATES.map(() => '---|').join('')}`)
const mixed = Int16Array.from(track.samples)
const legs = COST_RATES.map((rate) => ({
  rate,
  samples: Int16Array.from(new Resampler(CORPUS_RATE, rate).resample(mixed)),
}))
for (const subject of subjects) {
  const columns = legs.map(({ rate, samples }) => {
    const costs = Array.from({ length: COST_ROUNDS }, () => {
      const { microseconds, frames } = run(subject, samples, rate)
      return microseconds / frames
    })
    return Math.min(...costs).toFixed(1)
  })
  console.log(`| ${subject.name} | ${columns.join(' | ')} |`)
}
process.exit(0)
