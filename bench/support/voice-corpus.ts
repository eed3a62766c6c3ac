import { existsSync } from 'node:fs'
import { Glob } from 'bun'

export const CORPUS_RATE = 16_000

const DIRECTORY = '/usr/share/pocketsphinx/test/data'
const FILES = ['*.raw', 'librivox/*.wav', 'cards/*.wav']
const WAV_HEAD_BYTES = 44

/** The active level of a telephone talker, as ITU-T P.56 would measure it, near -26 dB. */
const ACTIVE_DB = -26
const HOP_SAMPLES = CORPUS_RATE / 100
/** Voice is what lies less than this below the loud parts of a recording, */
const BELOW_LOUD_DB = 30
/** and this above its quiet ones. */
const ABOVE_QUIET_DB = 8
/** A pause shorter than this belongs to the speech around it, */
const MIN_PAUSE_HOPS = 70
/** and a sound shorter than this is a click. */
const MIN_VOICE_HOPS = 8

/** Where somebody speaks, in samples of the track. */
export interface Segment {
  readonly start: number
  readonly end: number
}

/** Speech at 16 kHz with digital silence of known length between, and the truth about it. */
export interface Track {
  readonly samples: Float64Array
  readonly segments: readonly Segment[]
}

interface Recording extends Track {
  readonly name: string
}

/** Real recordings of Debian's pocketsphinx-testdata, each at the same active level. */
export async function readRecordings(): Promise<Recording[]> {
  if (!existsSync(DIRECTORY)) {
    console.error(`No ${DIRECTORY}: apt-get install pocketsphinx-testdata`)
    process.exit(1)
  }
  const names = FILES.flatMap((pattern) => [...new Glob(pattern).scanSync(DIRECTORY)]).sort()
  return Promise.all(names.map(readRecording))
}

/** Strings recordings together, 1 to 3 s of digital silence before each and 2 s at the end. */
export function stringTogether(recordings: readonly Track[], random: () => number): Track {
  const parts: Float64Array[] = []
  const segments: Segment[] = []
  let at = 0
  const add = (part: Float64Array) => {
    parts.push(part)
    at += part.length
  }
  for (const recording of recordings) {
    add(new Float64Array(Math.round(CORPUS_RATE * (1 + 2 * random()))))
    for (const { start, end } of recording.segments) {
      segments.push({ start: at + start, end: at + end })
    }
    add(recording.samples)
  }
  add(new Float64Array(2 * CORPUS_RATE))
  const samples = new Float64Array(at)
  let offset = 0
  for (const part of parts) {
    samples.set(part, offset)
    offset += part.length
  }
  return { samples, segments }
}

/** The power of the parts where somebody speaks. */
export function activePower({ samples, segments }: Track): number {
  let sum = 0
  let count = 0
  for (const { start, end } of segments) {
    for (let i = start; i < end; i += 1) sum += (samples[i] ?? 0) ** 2
    count += end - start
  }
  return sum / count
}

async function readRecording(name: string): Promise<Recording> {
  const bytes = await Bun.file(`${DIRECTORY}/${name}`).arrayBuffer()
  const head = name.endsWith('.wav') ? WAV_HEAD_BYTES : 0
  const raw = new Int16Array(bytes.slice(head, bytes.byteLength - (bytes.byteLength & 1)))
  const mean = raw.reduce((sum, sample) => sum + sample, 0) / raw.length
  const samples = Float64Array.from(raw, (sample) => sample - mean)
  const track = { name, samples, segments: findSegments(samples) }
  const gain = 32_768 * 10 ** (ACTIVE_DB / 20) * activePower(track) ** -0.5
  return { ...track, samples: samples.map((sample) => sample * gain) }
}

/**
 * The truth, by a rule on the clean recording as a whole, which a live detector cannot use: hops of
 * 10 ms, voiced at 30 dB below the loudest twentieth and at 8 dB above the quietest tenth; sounds
 * shorter than 80 ms are dropped, and then pauses shorter than 700 ms closed.
 */
function findSegments(samples: Float64Array): Segment[] {
  const levels: number[] = []
  for (let at = 0; at + HOP_SAMPLES <= samples.length; at += HOP_SAMPLES) {
    let sum = 0
    for (let i = at; i < at + HOP_SAMPLES; i += 1) sum += (samples[i] ?? 0) ** 2
    levels.push(10 * Math.log10(sum / HOP_SAMPLES + 1e-3))
  }
  const sorted = [...levels].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
  const threshold = Math.max(at(0.95) - BELOW_LOUD_DB, at(0.1) + ABOVE_QUIET_DB)
  const runs = runsOf(levels.map((level) => level >= threshold))
  const voices = runs.filter(({ start, end }) => end - start >= MIN_VOICE_HOPS)
  const joined: Segment[] = []
  for (const voice of voices) {
    const last = joined.at(-1)
    if (last !== undefined && voice.start - last.end < MIN_PAUSE_HOPS) {
      joined[joined.length - 1] = { start: last.start, end: voice.end }
    } else joined.push(voice)
  }
  return joined.map(({ start, end }) => ({ start: start * HOP_SAMPLES, end: end * HOP_SAMPLES }))
}

function runsOf(flags: readonly boolean[]): Segment[] {
  const runs: Segment[] = []
  let start: number | undefined
  for (const [index, flag] of [...flags, false].entries()) {
    if (flag) start ??= index
    else if (start !== undefined) {
      runs.push({ start, end: index })
      start = undefined
    }
  }
  return runs
}
