import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { findCodec } from '#audio/codec/find-codec.ts'
import { generateDtmf } from '#audio/dtmf-generator.ts'
import { DtmfReader } from '#audio/dtmf-reader.ts'
import { saturate } from '#audio/saturate.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'

const ALL = '1234567890*#ABCD'

const read = (samples: Int16Array, chunk = 160): string => {
  let keys = ''
  const reader = new DtmfReader((key) => {
    keys += key
  })
  for (let at = 0; at < samples.length; at += chunk) reader.read(samples.subarray(at, at + chunk))
  return keys
}

/** The same noise in every run. */
const noiseSource = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** Adds white noise so many dB below the mean power of the two tones at `levelDb`. */
const withNoise = (samples: Int16Array, levelDb: number, snrDb: number, seed: number) => {
  const random = noiseSource(seed)
  const signalRms = (32_767 * 10 ** (levelDb / 20)) as number
  const peak = signalRms * 10 ** (-snrDb / 20) * Math.sqrt(3)
  return samples.map((sample) => saturate(Math.round(sample + random() * peak)))
}

const throughCodec = (name: string, samples: Int16Array) => {
  const codec = findCodec(name)!
  const payload = new Uint8Array(samples.length)
  const decoded = new Int16Array(samples.length)
  codec
    .createDecoder()
    .decode(payload.subarray(0, codec.createEncoder().encode(samples, payload)), decoded)
  return decoded
}

describe('DtmfReader', () => {
  test('reads every key, once, however the samples are cut', () => {
    const samples = generateDtmf(ALL, 8_000)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), (chunk) => read(samples, chunk) === ALL),
      { numRuns: 30 },
    )
  })

  test.each(['pcmu', 'pcma'])(
    'reads keys of 50 ms with pauses of 50 ms over %s, noise at 15 dB',
    (name) => {
      const keys = ALL.repeat(10)
      const samples = generateDtmf(keys, 8_000, { durationMs: 50, gapMs: 50, levelDb: -13 })
      for (let seed = 1; seed <= 5; seed += 1) {
        expect(read(throughCodec(name, withNoise(samples, -13, 15, seed)))).toBe(keys)
      }
    },
  )

  test.each([-3.1, -10, -20, -30, -38])('reads them at %d dBFS', (levelDb) => {
    expect(read(generateDtmf(ALL, 8_000, { levelDb }))).toBe(ALL)
  })

  test('the same key twice is two presses, one long press is one', () => {
    expect(read(generateDtmf('5555', 8_000, { durationMs: 60, gapMs: 50 }))).toBe('5555')
    expect(read(generateDtmf('5', 8_000, { durationMs: 3_000 }))).toBe('5')
  })

  test.each([
    ['4 dB more in the column', 0, 4],
    ['7 dB less in the column', 0, -7],
  ])('takes a twist of %s', (_name, rowDb, columnDb) => {
    const tones = [
      { frequencyHz: 770, levelDb: -15 + rowDb },
      { frequencyHz: 1_336, levelDb: -15 + columnDb },
    ]
    expect(read(new ToneGenerator(8_000, tones).generate(60))).toBe('5')
  })

  test.each([0.985, 1.015])('takes tones that are off by a factor of %d', (factor) => {
    const tones = [
      { frequencyHz: 941 * factor, levelDb: -12 },
      { frequencyHz: 1_633 * factor, levelDb: -12 },
    ]
    expect(read(new ToneGenerator(8_000, tones).generate(80))).toBe('D')
  })

  test.each([
    ['a tone alone', [770]],
    ['two of one group', [770, 852]],
    ['a dial tone', [350, 440]],
    ['a busy tone', [480, 620]],
    ['two keys at once', [697, 770, 1_209, 1_336]],
    ['a fax', [1_100, 2_100]],
  ])('hears no key in %s', (_name, frequencies) => {
    const tones = frequencies.map((frequencyHz) => ({ frequencyHz, levelDb: -16 }))
    expect(read(new ToneGenerator(8_000, tones).generate(1_000))).toBe('')
  })

  test('hears no key in a blip of 20 ms, in noise, in silence', () => {
    expect(read(generateDtmf(ALL, 8_000, { durationMs: 20, gapMs: 100 }))).toBe('')
    const random = noiseSource(7)
    expect(read(Int16Array.from({ length: 800_000 }, () => Math.round(random() * 20_000)))).toBe('')
    expect(read(new Int16Array(80_000))).toBe('')
  })

  test('hears no key in speech', async () => {
    const speech = await Bun.file(
      `${import.meta.dir}/../fixtures/vad/goforward-8k.s16le`,
    ).arrayBuffer()
    expect(read(new Int16Array(speech))).toBe('')
  })
})

test('generateDtmf refuses what is no key', () => {
  expect(() => generateDtmf('12x', 8_000)).toThrow('"x" is no DTMF key')
})
