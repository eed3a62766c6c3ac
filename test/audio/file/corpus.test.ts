import { heapStats } from 'bun:jsc'
import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { AudioError } from '#audio/audio-error.ts'
import { AnyFileDecoder } from '#audio/file/any-file-decoder.ts'
import type { DecodedAudio } from '#audio/file/file-decoder.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { WavReader } from '#audio/wav-reader.ts'
import { MediaLibrary } from '#media/source/media-library.ts'
import { rejection } from '../../support/rejection.ts'
import { cut, join } from '../chunks.ts'
import { fitSine } from '../fit-sine.ts'
import { runTool } from '../run-tool.ts'
import {
  type CorpusCase,
  type ExpectedTone,
  noise,
  TONE_DB,
  TONE_HZ,
} from './corpus/corpus-case.ts'
import { FLAC_CASES } from './corpus/flac-cases.ts'
import { MP3_CASES } from './corpus/mp3-cases.ts'
import { OGG_CASES } from './corpus/ogg-cases.ts'
import { STRANGER_CASES } from './corpus/stranger-cases.ts'
import { WAV_CASES } from './corpus/wav-cases.ts'
import { decodeAll, seconds } from './decode-all.ts'

const CASES = [...WAV_CASES, ...MP3_CASES, ...OGG_CASES, ...FLAC_CASES, ...STRANGER_CASES]
const PRIMES = [1, 2, 3, 5, 7, 11, 13, 17, 19, 23]
const SLICE_BYTES = 2048
const EDGE_SECONDS = 0.05
const LEG_RATE = 8000
/** What goes all the way to a leg. */
const PLAYED = [
  'WAV of A-law',
  'WAV at 96000 Hz',
  'WAV with MP3 inside',
  'MP3 with a picture of 400 KB in its ID3 tag',
  'Opus with an output gain of -6 dB (RFC 7845 §5.1)',
  'Speex in Ogg',
  'FLAC with a picture of 300 KB and padding',
  'FLAC of 20 bits',
  'HTML',
]

const named = (cases: readonly CorpusCase[]) => cases.map((each) => [each.name, each] as const)

// The decoders print what is wrong with a file.
let printed: { mockRestore(): void }[]
beforeAll(() => {
  const quiet = () => undefined
  printed = [
    spyOn(console, 'error').mockImplementation(quiet),
    spyOn(console, 'warn').mockImplementation(quiet),
  ]
})
afterAll(() => {
  for (const spy of printed) spy.mockRestore()
})

function decode(bytes: Uint8Array, sizes: readonly number[]): Promise<DecodedAudio[]> {
  return decodeAll(new AnyFileDecoder(), cut(bytes, sizes))
}

function samplesOf(audio: readonly DecodedAudio[]): Int16Array {
  return join(audio.map((piece) => piece.samples))
}

function expectTone(audio: readonly DecodedAudio[], expected: ExpectedTone): void {
  const { sampleRate, slackSeconds = 0, levelDb = TONE_DB, residueDb = 40 } = expected
  expect(audio[0]?.sampleRate).toBe(sampleRate)
  const length = seconds(audio)
  expect(length).toBeWithin(expected.seconds - 0.0005, expected.seconds + slackSeconds + 0.0005)
  const [from, to] = expected.within ?? [EDGE_SECONDS, length - EDGE_SECONDS]
  const samples = samplesOf(audio).subarray(from * sampleRate, to * sampleRate)
  if (levelDb === Number.NEGATIVE_INFINITY) {
    expect(rmsDb(samples)).toBe(levelDb)
    return
  }
  const fit = fitSine(samples, TONE_HZ, sampleRate)
  expect(fit.levelDb).toBeWithin(levelDb - 1, levelDb + 1)
  expect(fit.residueDb).toBeLessThan(-residueDb)
}

describe('AnyFileDecoder', () => {
  test.each(named(CASES))('makes of %s what it must, however it comes', async (_, each) => {
    const { bytes, expected } = each
    if ('error' in expected) {
      for (const sizes of [[bytes.length || 1], PRIMES]) {
        const error = await rejection(decode(bytes, sizes))
        expect(error).toBeInstanceOf(AudioError)
        expect(error.message).toContain(expected.error)
      }
      return
    }
    const whole = await decode(bytes, [bytes.length])
    expectTone(whole, expected)
    const pieces = await decode(bytes, PRIMES)
    expect(samplesOf(pieces)).toEqual(samplesOf(whole))
  })

  const cutTitle = 'gives of %s, cut anywhere, audio no louder than it was, or an error'
  test.each(named(CASES))(cutTitle, async (_, { bytes, isDamaged = false }) => {
    for (const place of noise(3)) {
      const end = Math.floor(((place + 1) / 2) * bytes.length)
      const audio = await decode(bytes.subarray(0, end), [SLICE_BYTES]).catch((error) => {
        expect(error).toBeInstanceOf(AudioError)
        return []
      })
      const highest = Math.max(...audio.map(({ samples }) => peak(samples)))
      if (!isDamaged) expect(highest).toBeLessThan(5000)
    }
  })

  test('holds on to no decoder that it has closed', async () => {
    const before = liveMemories()
    for (let round = 0; round < 2; round += 1) {
      for (const { bytes } of [...MP3_CASES, ...OGG_CASES, ...FLAC_CASES]) {
        await decode(bytes, [8 * SLICE_BYTES]).catch(() => undefined)
      }
    }
    // More than a hundred have been made.
    expect(liveMemories() - before).toBeLessThan(40)
  }, 30_000)

  test('takes no slice of a file for so long that others would notice', async () => {
    let longestMs = 0
    for (const { bytes } of CASES) {
      const decoder = new AnyFileDecoder()
      const decodeSlices = async () => {
        for (const slice of cut(bytes, [SLICE_BYTES])) {
          const startMs = performance.now()
          await decoder.decode(slice)
          longestMs = Math.max(longestMs, performance.now() - startMs)
        }
      }
      await decodeSlices().catch(() => undefined)
      decoder.close()
    }
    // Most of it is the making of a decoder; the bound is for busy machines.
    expect(longestMs).toBeLessThan(1000)
  }, 30_000)
})

describe.skipIf(!Bun.which('ffmpeg'))('AnyFileDecoder, beside ffmpeg', () => {
  test.each([
    ['WAV', WAV_CASES, 0],
    ['FLAC', FLAC_CASES, 1],
    ['MP3', MP3_CASES, 1],
    ['Ogg', OGG_CASES, 1],
  ] as const)(
    'decodes %s files to the same samples',
    async (_, cases, tolerance) => {
      const good = cases.filter(
        ({ expected, unlikeFfmpeg }) => !('error' in expected || unlikeFfmpeg),
      )
      const different = good.map(async ({ name, bytes }) => {
        const [ours, theirs] = await Promise.all([
          decode(bytes, [SLICE_BYTES]),
          decodeByFfmpeg(bytes),
        ])
        return { name, difference: largestDifference(samplesOf(ours), theirs) }
      })
      const wrong = (await Promise.all(different)).filter(
        ({ difference }) => difference > tolerance,
      )
      expect(wrong).toEqual([])
    },
    30_000,
  )
})

describe('MediaLibrary', () => {
  let directory: string
  let library: MediaLibrary
  beforeAll(async () => {
    directory = await mkdtemp(joinPath(tmpdir(), 'bunpbx-corpus-'))
    library = new MediaLibrary({
      mediaDir: directory,
      allowPrivate: false,
      cacheDir: joinPath(directory, 'cache'),
      cacheMaxBytes: 1_000_000,
    })
  })
  afterAll(async () => {
    await library.close()
    await rm(directory, { recursive: true, force: true })
  })

  const some = CASES.filter(({ name }) => PLAYED.includes(name))
  test.each(named(some))('plays %s, or says why not', async (_, { bytes, expected }) => {
    await Bun.write(joinPath(directory, 'prompt'), bytes)
    const { samples, error } = await play(library, 'prompt')
    if ('error' in expected) {
      expect(error).toContain(expected.error)
      expect(samples).toHaveLength(0)
      return
    }
    expect(error).toBeUndefined()
    const { seconds: length, slackSeconds = 0 } = expected
    expect(samples.length / LEG_RATE).toBeWithin(length - 0.001, length + slackSeconds + 0.001)
    expect(findTones(samples.subarray(0.15 * LEG_RATE), LEG_RATE)).toEqual([TONE_HZ])
  })
})

/** All that a prompt gives to a leg of 8 kHz, and what is said about it. */
async function play(library: MediaLibrary, name: string) {
  let error: string | undefined
  const onError = ({ message }: Error) => {
    error = message
  }
  const playback = library.open(name, LEG_RATE, { onError })
  const frame = new Int16Array(LEG_RATE / 50)
  const pieces: Int16Array[] = []
  while (!playback.isFinished) {
    const count = playback.read(frame)
    if (count > 0) pieces.push(frame.slice(0, count))
    else await Bun.sleep(1)
  }
  return { samples: join(pieces), error }
}

/** Wasm instances that something refers to. */
function liveMemories(): number {
  Bun.gc(true)
  return heapStats().objectTypeCounts['WebAssembly.Memory'] ?? 0
}

function peak(samples: Int16Array): number {
  return samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0)
}

/** Of so many samples as both have: encoders pad, and not every decoder leaves that out. */
function largestDifference(ours: Int16Array, theirs: Int16Array): number {
  expect(theirs.length).toBeGreaterThan(0)
  let largest = 0
  for (let i = 0; i < Math.min(ours.length, theirs.length); i += 1) {
    largest = Math.max(largest, Math.abs(ours[i]! - theirs[i]!))
  }
  return largest
}

/** Opus by libopus, from which ffmpeg's own decoder differs. */
async function decodeByFfmpeg(bytes: Uint8Array): Promise<Int16Array> {
  const isOpus = Buffer.from(bytes.subarray(0, 400)).includes('OpusHead')
  const decoder = isOpus ? ['-c:a', 'libopus'] : []
  const output = ['-map', '0:a:0', '-c:a', 'pcm_f32le', '-f', 'wav', '-']
  const file = await runTool(['ffmpeg', '-v', 'quiet', ...decoder, '-i', '-', ...output], bytes)
  // The mean of all channels is taken by our reader of WAV files, as it is of the file.
  return new WavReader().push(file)
}
