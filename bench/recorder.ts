/**
 * What recording calls costs, and where: `bun bench/recorder.ts`.
 *
 *   1. The main thread: microseconds and bytes (what goes to the Worker) per pair of frames, one heard and one
 *      sent, of 20 ms at 16 kHz, with 100 recorders in turn.
 *   2. The Worker's part, run here in virtual time: two minutes of a call whose sides are both speech, or, as calls
 *      are, one speech and one digital silence. Processor time in percent of a core per call, and megabytes an hour.
 *
 * Medians of five runs.
 */
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Resampler } from '#audio/resampler.ts'
import { OggRecording } from '#media/recorder/ogg-recording.ts'
import { RecorderEngine } from '#media/recorder/recorder-engine.ts'
import type { RecordingFormat, RecordingRate } from '#media/recorder/recorder-message.ts'
import { Recording } from '#media/recorder/recording.ts'
import { WavRecording } from '#media/recorder/wav-recording.ts'
import { median } from './support/statistics.ts'

const ROUNDS = 5
const RATE = 16_000
const FRAME = RATE / 50
const CALLS = 100
const PAIRS_EACH = 200
const VIRTUAL_MS = 120_000
/** Two numbers of five words and the samples, twice. */
const PAIR_BYTES = 2 * (40 + FRAME * 2)

const fixture = new URL('../test/fixtures/vad/goforward-8k.s16le', import.meta.url)
const narrow = new Int16Array(await Bun.file(fixture).arrayBuffer())
const speech = new Resampler(8000, RATE).resample(narrow).slice()
const silence = new Int16Array(FRAME)
const directory = mkdtempSync(join(tmpdir(), 'bunpbx-bench-'))

function speechAt(position: number): Int16Array {
  const at = position % (speech.length - FRAME)
  return speech.subarray(at, at + FRAME)
}

/** Microseconds per pair; lets the Worker take the batches between the turns. */
async function mainThread(): Promise<number> {
  const engine = new RecorderEngine({ directory })
  const recorders = Array.from({ length: CALLS }, (_, i) =>
    engine.open(
      { name: `main-${i}`, format: 'wav', sampleRate: RATE },
      { onOpened: () => {}, onError: ({ message }) => console.log(message), onEnd: () => {} },
    ),
  )
  for (const recorder of recorders) recorder.begin()
  const taps = recorders.map((recorder) => recorder.createTap())
  let spentMs = 0
  for (let i = 0; i < PAIRS_EACH; i += 1) {
    const frame = { samples: speechAt(i * FRAME), sampleRate: RATE, position: i * FRAME }
    const startMs = performance.now()
    for (let call = 0; call < CALLS; call += 1) {
      taps[call]!.process(frame, () => {})
      recorders[call]!.writeSent(frame)
    }
    spentMs += performance.now() - startMs
    await Bun.sleep(10)
  }
  if (engine.stats.droppedFrames > 0) console.log(`${engine.stats.droppedFrames} frames dropped`)
  await engine.close()
  return (spentMs * 1000) / (PAIRS_EACH * CALLS)
}

interface Cost {
  readonly percent: number
  readonly megabytesPerHour: number
}

function workerPart(format: RecordingFormat, sampleRate: RecordingRate, isOneSided: boolean): Cost {
  const path = join(directory, 'worker')
  const fd = openSync(path, 'w')
  const file =
    format === 'ogg' ? new OggRecording(fd, sampleRate) : new WavRecording(fd, sampleRate)
  const recording = new Recording(file, sampleRate, 0)
  const before = process.cpuUsage()
  for (let ms = 0; ms < VIRTUAL_MS; ms += 20) {
    const samples = speechAt((ms * RATE) / 1000)
    const record = { streamId: 0, sampleRate: RATE, positionMs: ms, receivedAtMs: ms + 20, samples }
    recording.push(record, false)
    const ours = isOneSided ? silence : samples
    recording.push({ ...record, receivedAtMs: ms, samples: ours }, true)
    if (ms % 100 === 0) recording.advance(ms)
  }
  recording.finish(VIRTUAL_MS)
  const { bytes, durationMs } = recording.close()
  const { user, system } = process.cpuUsage(before)
  return {
    percent: (user + system) / 10 / VIRTUAL_MS,
    megabytesPerHour: ((bytes / durationMs) * 3_600_000) / 1e6,
  }
}

const pairs: number[] = []
for (let round = 0; round < ROUNDS; round += 1) pairs.push(await mainThread())
console.log(
  `main thread: ${median(pairs).toFixed(2)} us and ${PAIR_BYTES} bytes per pair of frames`,
)
console.log('the Worker, percent of a core per call: both sides speak | one does; MB an hour')
for (const format of ['wav', 'ogg'] as const) {
  for (const sampleRate of [8000, 16_000, 24_000, 48_000] as const) {
    const run = (isOneSided: boolean) =>
      Array.from({ length: ROUNDS }, () => workerPart(format, sampleRate, isOneSided))
    const [both, one] = [run(false), run(true)]
    const percent = (costs: Cost[]) => median(costs.map((cost) => cost.percent)).toFixed(2)
    const megabytes = [both, one].map((costs) => costs[0]?.megabytesPerHour.toFixed(0)).join(' | ')
    console.log(`  ${format} ${sampleRate}: ${percent(both)} | ${percent(one)}; ${megabytes}`)
  }
}
rmSync(directory, { recursive: true })
process.exit(0)
