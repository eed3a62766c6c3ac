/**
 * How exact the audio engine is, and what its codecs cost beside native ones: `bun bench/quality.ts`.
 * Needs sox and ffmpeg. Prints the tables of docs/audio.md; all but those of speed are the same each
 * time.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Codec } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { AnyFileDecoder } from '#audio/file/any-file-decoder.ts'
import { Resampler } from '#audio/resampler.ts'
import { rmsDb } from '#audio/tone-detector.ts'
import { WavReader } from '#audio/wav-reader.ts'
import { cut, join as joinSamples } from '../test/audio/chunks.ts'
import { decodeAll } from '../test/audio/file/decode-all.ts'
import { fitSine } from '../test/audio/fit-sine.ts'
import { bytesOf, samplesOf } from '../test/audio/run-tool.ts'
import { figure, markdownTable } from './support/markdown-table.ts'
import {
  ffmpeg,
  microsecondsPerFrame,
  resampleByFfmpeg,
  resampleBySox,
  sox,
} from './support/native-tool.ts'
import { median } from './support/statistics.ts'

const LEG_RATES = [8000, 16_000, 24_000, 48_000]
const FILE_RATES = [11_025, 22_050, 44_100]
const LEVEL_DB = -10
const FIXTURES = new URL('../test/fixtures/audio/', import.meta.url)
const speech = samplesOf(await Bun.file(new URL('speech-16k.s16le', FIXTURES)).bytes())

function encode(codec: Codec, samples: Int16Array): Uint8Array {
  const payload = new Uint8Array(samples.length)
  return payload.subarray(0, codec.createEncoder().encode(samples, payload))
}

function decode(codec: Codec, payload: Uint8Array): Int16Array {
  const samples = new Int16Array(2 * payload.length)
  return samples.subarray(0, codec.createDecoder().decode(payload, samples))
}

/** How many values of two lists differ; those that only one has do. */
function differences(ours: ArrayLike<number>, theirs: ArrayLike<number>): string {
  let count = Math.abs(ours.length - theirs.length)
  for (let i = 0; i < Math.min(ours.length, theirs.length); i += 1) {
    if (ours[i] !== theirs[i]) count += 1
  }
  return `${count} of ${theirs.length}`
}

async function printCodecs(): Promise<void> {
  const rows: string[][] = []
  const samples = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)
  const codes = Uint8Array.from({ length: 256 }, (_, i) => i)
  const linear = ['-t', 'raw', '-r', '8000', '-e', 'signed', '-b', '16', '-c', '1']
  for (const [codec, encoding] of [
    [pcmu, 'mu-law'],
    [pcma, 'a-law'],
  ] as const) {
    const law = ['-t', 'raw', '-r', '8000', '-e', encoding, '-b', '8', '-c', '1']
    const theirCodes = await sox(bytesOf(samples), linear, law)
    const theirSamples = samplesOf(await sox(codes, law, linear))
    const ours = [encode(codec, samples), decode(codec, codes)] as const
    rows.push([codec.name, 'encode', 'all 65,536 samples', 'sox', differences(ours[0], theirCodes)])
    rows.push([codec.name, 'decode', 'all 256 codes', 'sox', differences(ours[1], theirSamples)])
  }
  const raw = ['-f', 's16le', '-ar', '16000', '-ac', '1']
  const coded = await ffmpeg(bytesOf(speech), raw, ['-c:a', 'g722', '-f', 'g722'])
  const decoded = samplesOf(await ffmpeg(coded, ['-f', 'g722'], raw))
  rows.push(['g722', 'encode', '2 s of speech', 'ffmpeg', differences(encode(g722, speech), coded)])
  rows.push(['g722', 'decode', 'the same', 'ffmpeg', differences(decode(g722, coded), decoded)])
  console.log('\n## Codecs: values that differ\n')
  console.log(markdownTable(['codec', 'direction', 'input', 'beside', 'different'], rows))
}

// Resampler.

const SECONDS = 0.5
const GAP_SECONDS = 0.1

/** One tone after the other, with silence between them. */
function tones(sampleRate: number, frequenciesHz: readonly number[]): Int16Array {
  const [toneSamples, gapSamples] = [SECONDS * sampleRate, GAP_SECONDS * sampleRate]
  const amplitude = 32_767 * 10 ** (LEVEL_DB / 20)
  return joinSamples(
    frequenciesHz.map((frequencyHz) =>
      Int16Array.from({ length: Math.round(toneSamples + gapSamples) }, (_, i) =>
        i < toneSamples ? amplitude * Math.sin((2 * Math.PI * frequencyHz * i) / sampleRate) : 0,
      ),
    ),
  )
}

/** The middle of tone number `index` of what `tones` made, at another rate. */
function middle(samples: Int16Array, sampleRate: number, index: number): Int16Array {
  const start = index * (SECONDS + GAP_SECONDS)
  return samples.subarray((start + 0.1) * sampleRate, (start + SECONDS - 0.1) * sampleRate)
}

interface Resampled {
  /** Of a tone of 1 kHz, in dB. */
  readonly noiseDb: number
  /** What becomes of a tone at 0.85 of the lower Nyquist frequency. */
  readonly passDb: number
  /** What is heard beside it: distortion, and its image when the rate goes up. */
  readonly passNoiseDb: number
  /** What is left of tones at 1.1 and 1.25 of the new Nyquist frequency. */
  readonly aliasDb: readonly number[]
}

type Resample = (samples: Int16Array, from: number, to: number) => Promise<Int16Array>

const resampleByUs: Resample = async (samples, from, to) => {
  const resampler = new Resampler(from, to)
  return joinSamples([resampler.resample(samples).slice(), resampler.flush()])
}

async function measure(resample: Resample, from: number, to: number): Promise<Resampled> {
  const nyquist = Math.min(from, to) / 2
  const aliases = [1.1, 1.25]
    .map((share) => share * nyquist)
    .filter((hz) => to < from && hz < from / 2)
  const output = await resample(tones(from, [1000, 0.85 * nyquist, ...aliases]), from, to)
  const pass = fitSine(middle(output, to, 1), 0.85 * nyquist, to)
  return {
    noiseDb: fitSine(middle(output, to, 0), 1000, to).residueDb,
    passDb: pass.levelDb - LEVEL_DB,
    passNoiseDb: pass.residueDb,
    aliasDb: aliases.map((_, i) => rmsDb(middle(output, to, 2 + i)) - LEVEL_DB),
  }
}

/** Milliseconds from an impulse to the peak that it makes, in a stream that is live. */
function liveDelayMs(from: number, to: number): number {
  const impulse = new Int16Array(from / 5)
  impulse[from / 25] = 30_000
  const output = new Resampler(from, to, { isLive: true }).resample(impulse)
  return (output.indexOf(Math.max(...output)) / to - 1 / 25) * 1000
}

async function printResampler(): Promise<void> {
  const rows: string[][] = []
  for (const from of [...LEG_RATES, ...FILE_RATES]) {
    for (const to of LEG_RATES.filter((rate) => rate !== from)) {
      const all = [
        await measure(resampleByUs, from, to),
        await measure(resampleBySox, from, to),
        await measure(resampleByFfmpeg, from, to),
      ]
      const each = (pick: (one: Resampled) => number | undefined, decimals = 0) =>
        all.map((one) => (pick(one) === undefined ? '-' : figure(pick(one)!, decimals))).join(' / ')
      rows.push([
        `${from} → ${to}`,
        each((one) => one.noiseDb),
        each((one) => one.passDb, 2),
        each((one) => one.passNoiseDb),
        each((one) => one.aliasDb[0]),
        each((one) => one.aliasDb[1]),
        figure(liveDelayMs(from, to), 2),
      ])
    }
  }
  console.log('\n## Resampler: ours / sox `rate -h` / ffmpeg swr, dB; 16 bits end at about -88\n')
  const nyquist = 'Nyquist'
  console.log(
    markdownTable(
      [
        'rates',
        'THD+N 1 kHz',
        `level at 0.85 ${nyquist}`,
        'noise and image there',
        `alias of 1.1 ${nyquist}`,
        `of 1.25 ${nyquist}`,
        'our live delay, ms',
      ],
      rows,
    ),
  )
}

// Files.

interface Recording {
  readonly name: string
  readonly options: string[]
  /** The decoder of ffmpeg, where it is not the one that it would take. */
  readonly decoder?: string
}

const RECORDINGS: readonly Recording[] = [
  { name: 'WAV, 16 bits', options: ['-c:a', 'pcm_s16le', '-f', 'wav'] },
  { name: 'WAV, 24 bits, 48 kHz', options: ['-ar', '48000', '-c:a', 'pcm_s24le', '-f', 'wav'] },
  { name: 'WAV, float', options: ['-ar', '44100', '-c:a', 'pcm_f32le', '-f', 'wav'] },
  { name: 'WAV, A-law, 8 kHz', options: ['-ar', '8000', '-c:a', 'pcm_alaw', '-f', 'wav'] },
  { name: 'WAV, µ-law, 8 kHz', options: ['-ar', '8000', '-c:a', 'pcm_mulaw', '-f', 'wav'] },
  { name: 'FLAC, 16 bits', options: ['-c:a', 'flac', '-f', 'flac'] },
  { name: 'FLAC, 16 bits, stereo', options: ['-ac', '2', '-c:a', 'flac', '-f', 'flac'] },
  {
    name: 'FLAC, 24 bits, 96 kHz',
    options: ['-ar', '96000', '-sample_fmt', 's32', '-c:a', 'flac', '-f', 'flac'],
  },
  { name: 'FLAC in Ogg', options: ['-c:a', 'flac', '-f', 'ogg'] },
  { name: 'MP3, 128 kbit/s, 44.1 kHz, stereo', options: mp3('128k', '44100', '2') },
  { name: 'MP3, 32 kbit/s, 16 kHz', options: mp3('32k', '16000', '1') },
  { name: 'MP3, 8 kbit/s, 8 kHz', options: mp3('8k', '8000', '1') },
  { name: 'Vorbis, 44.1 kHz, stereo', options: vorbis('44100', '2') },
  { name: 'Vorbis, 16 kHz', options: vorbis('16000', '1') },
  { name: 'Opus, 24 kbit/s', options: opus('24k', '1'), decoder: 'libopus' },
  { name: 'Opus, 96 kbit/s, stereo', options: opus('96k', '2'), decoder: 'libopus' },
]

function mp3(bitRate: string, rate: string, channels: string): string[] {
  return ['-ar', rate, '-ac', channels, '-c:a', 'libmp3lame', '-b:a', bitRate, '-f', 'mp3']
}

function vorbis(rate: string, channels: string): string[] {
  return ['-ar', rate, '-ac', channels, '-c:a', 'libvorbis', '-q:a', '3', '-f', 'ogg']
}

function opus(bitRate: string, channels: string): string[] {
  return ['-ac', channels, '-c:a', 'libopus', '-b:a', bitRate, '-f', 'ogg']
}

async function printFiles(): Promise<void> {
  const rows: string[][] = []
  const raw = ['-f', 's16le', '-ar', '16000', '-ac', '1']
  for (const { name, options, decoder } of RECORDINGS) {
    const file = await ffmpeg(bytesOf(speech), raw, ['-bitexact', ...options])
    const audio = await decodeAll(new AnyFileDecoder(), cut(file, [2048]))
    const ours = joinSamples(audio.map((piece) => piece.samples))
    const reading = decoder === undefined ? [] : ['-c:a', decoder]
    const wav = await ffmpeg(file, reading, ['-c:a', 'pcm_f32le', '-f', 'wav'])
    // Our reader takes the mean of all channels, as the decoders do.
    const theirs = new WavReader().push(wav).slice()
    rows.push([name, `${ours.length} / ${theirs.length}`, ...compare(ours, theirs)])
  }
  console.log('\n## Files: 2 s of speech, decoded by us and by ffmpeg (Opus: by its libopus)\n')
  console.log(markdownTable(['file', 'samples', 'largest difference', 'SNR, dB'], rows))
}

function compare(ours: Int16Array, theirs: Int16Array): [largest: string, snr: string] {
  let [signal, noise, largest] = [0, 0, 0]
  for (let i = 0; i < Math.min(ours.length, theirs.length); i += 1) {
    const difference = ours[i]! - theirs[i]!
    signal += theirs[i]! ** 2
    noise += difference ** 2
    largest = Math.max(largest, Math.abs(difference))
  }
  return [`${largest}`, figure(10 * Math.log10(signal / noise))]
}

// Speed.

const LONG_COPIES = 300
const SHORT_COPIES = 10
const OUR_COPIES = 100
const ROUNDS = 7

/** Processor time that we take for a frame of 20 ms, in microseconds: the median of some rounds. */
function ourMicroseconds(codec: Codec, direction: 'encode' | 'decode'): number {
  const frameSamples = codec.sampleRate / 50
  const inputs = cut(speech.subarray(0, speech.length - (speech.length % frameSamples)), [
    frameSamples,
  ])
  const encoder = codec.createEncoder()
  const decoder = codec.createDecoder()
  const payload = new Uint8Array(codec.maxFrameBytes)
  const samples = new Int16Array(frameSamples)
  const payloads = inputs.map((input) => payload.slice(0, encoder.encode(input, payload)))
  const times = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    for (let copy = 0; copy < OUR_COPIES; copy += 1) {
      if (direction === 'encode') for (const input of inputs) encoder.encode(input, payload)
      else for (const coded of payloads) decoder.decode(coded, samples)
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / (inputs.length * OUR_COPIES)
  })
  return median(times)
}

interface Native {
  readonly codec: Codec
  /** Names of the encoder and of the file format in ffmpeg. */
  readonly coder: string
  readonly format: string
  /** What ffmpeg must be told of a file without a header. */
  readonly reading: string[]
}

const NATIVES: readonly Native[] = [
  { codec: g722, coder: 'g722', format: 'g722', reading: [] },
  { codec: pcmu, coder: 'pcm_mulaw', format: 'mulaw', reading: ['-ar', '8000', '-ac', '1'] },
  { codec: pcma, coder: 'pcm_alaw', format: 'alaw', reading: ['-ar', '8000', '-ac', '1'] },
]

async function printSpeed(directory: string): Promise<void> {
  const rows: string[][] = []
  for (const { codec, coder, format, reading } of NATIVES) {
    const raw = ['-f', 's16le', '-ar', `${codec.sampleRate}`, '-ac', '1']
    const linearFiles = await copies(directory, `${codec.name}.s16le`, bytesOf(speech))
    const codedFiles = await copies(directory, codec.name, encode(codec, speech))
    const frames = ((LONG_COPIES - SHORT_COPIES) * speech.length) / (codec.sampleRate / 50)
    const base = ['ffmpeg', '-v', 'error', '-y', '-threads', '1']
    const theirEncode = await microsecondsPerFrame(
      (path) => [...base, ...raw, '-i', path, '-c:a', coder, '-f', format, '/dev/null'],
      { ...linearFiles, frames },
    )
    const theirDecode = await microsecondsPerFrame(
      (path) => [...base, '-f', format, ...reading, '-i', path, '-f', 's16le', '/dev/null'],
      { ...codedFiles, frames },
    )
    for (const [direction, theirs] of [
      ['encode', theirEncode],
      ['decode', theirDecode],
    ] as const) {
      const ours = ourMicroseconds(codec, direction)
      rows.push([codec.name, direction, figure(ours, 2), figure(theirs, 2), figure(ours / theirs)])
    }
  }
  console.log(
    '\n## Speed: microseconds of one core per 20 ms frame; ffmpeg reads and writes files, too\n',
  )
  console.log(markdownTable(['codec', 'direction', 'ours', 'ffmpeg', 'ours / ffmpeg'], rows))
}

async function copies(directory: string, name: string, bytes: Uint8Array) {
  const long = join(directory, `long.${name}`)
  const short = join(directory, `short.${name}`)
  await Bun.write(long, Buffer.concat(Array<Uint8Array>(LONG_COPIES).fill(bytes)))
  await Bun.write(short, Buffer.concat(Array<Uint8Array>(SHORT_COPIES).fill(bytes)))
  return { long, short }
}

const directory = await mkdtemp(join(tmpdir(), 'bunpbx-quality-'))
try {
  await printCodecs()
  await printResampler()
  await printFiles()
  await printSpeed(directory)
} finally {
  await rm(directory, { recursive: true, force: true })
}
