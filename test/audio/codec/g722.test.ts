import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { g722 } from '#audio/codec/g722.ts'
import { chunkSizes, cut } from '../chunks.ts'
import { bytesOf, runTool, samplesOf } from '../run-tool.ts'

const SPEECH = samplesOf(await fixture('speech-16k.s16le'))
const SPEECH_CODED = await fixture('speech.g722')
const SPEECH_DECODED = samplesOf(await fixture('speech-from-g722.s16le'))

/** Sounds that drive the predictors and quantisers to their limits. */
const SOUNDS: readonly (readonly [string, Int16Array])[] = [
  ['speech', SPEECH],
  ['silence', new Int16Array(8000)],
  ['a 1 kHz tone', sound((i) => 20_000 * Math.sin((i * Math.PI) / 8))],
  ['a full-scale tone in the higher band', sound((i) => 32_767 * Math.sin(i * 2.75))],
  ['a sweep', sound((i) => 32_767 * Math.sin((i * i * Math.PI) / 32_000))],
  ['quiet noise', noise(30)],
  ['full-scale noise', noise(32_767)],
  ['full-scale constant', sound(() => 32_767)],
  ['a full-scale square wave at 348 Hz', sound((i) => ((i / 23) & 1 ? 32_767 : -32_768))],
  ['a full-scale square wave at 4 kHz', sound((i) => (i & 2 ? 32_767 : -32_768))],
  ['a full-scale square wave at 8 kHz', sound((i) => (i & 1 ? 32_767 : -32_768))],
  ['full-scale random bits', noise(32_767).map((sample) => (sample < 0 ? -32_768 : 32_767))],
]

function fixture(name: string): Promise<Uint8Array> {
  return Bun.file(new URL(`../../fixtures/audio/${name}`, import.meta.url)).bytes()
}

function sound(sampleAt: (i: number) => number): Int16Array {
  return Int16Array.from({ length: 16_000 }, (_, i) => sampleAt(i))
}

/** The same noise each time. */
function noise(peak: number): Int16Array {
  let state = 1
  return sound(() => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    return (state / 2 ** 31) * peak
  })
}

function encode(samples: Int16Array, sizes = [320]): Uint8Array {
  const encoder = g722.createEncoder()
  const payload = new Uint8Array(samples.length / 2)
  let bytes = 0
  for (const chunk of cut(samples, sizes)) bytes += encoder.encode(chunk, payload.subarray(bytes))
  expect(bytes).toBe(payload.length)
  return payload
}

function decode(payload: Uint8Array, sizes = [160]): Int16Array {
  const decoder = g722.createDecoder()
  const samples = new Int16Array(payload.length * 2)
  let count = 0
  for (const chunk of cut(payload, sizes)) count += decoder.decode(chunk, samples.subarray(count))
  expect(count).toBe(samples.length)
  return samples
}

describe('g722', () => {
  test('encodes speech to the recorded bytes of FFmpeg', () => {
    expect(encode(SPEECH)).toEqual(SPEECH_CODED)
  })

  test('decodes speech to the recorded samples of FFmpeg', () => {
    expect(decode(SPEECH_CODED)).toEqual(SPEECH_DECODED)
  })

  test.skipIf(!Bun.which('ffmpeg')).each(SOUNDS)(
    'encodes and decodes %s as the installed ffmpeg',
    async (_, samples) => {
      const linear = ['-f', 's16le', '-ar', '16000', '-ac', '1']
      const quiet = ['ffmpeg', '-v', 'error']
      const coded = await runTool(
        [...quiet, ...linear, '-i', '-', '-c:a', 'g722', '-f', 'g722', '-'],
        bytesOf(samples),
      )
      expect(encode(samples)).toEqual(coded)
      const decoded = await runTool([...quiet, '-f', 'g722', '-i', '-', '-f', 's16le', '-'], coded)
      expect(bytesOf(decode(coded))).toEqual(decoded)
    },
  )

  test.skipIf(!Bun.which('ffmpeg'))('decodes random bytes as the installed ffmpeg', async () => {
    const bytes = Uint8Array.from(noise(127), (sample) => sample + 128)
    const command = ['ffmpeg', '-v', 'error', '-f', 'g722', '-i', '-', '-f', 's16le', '-']
    expect(bytesOf(decode(bytes))).toEqual(await runTool(command, bytes))
  })

  test('encodes the same however the samples are cut into pairs', () => {
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        const pairs = sizes.map((size) => 2 * size)
        expect(encode(SPEECH, pairs)).toEqual(SPEECH_CODED)
      }),
      { numRuns: 10 },
    )
  })

  test('decodes the same however the bytes are cut', () => {
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        expect(decode(SPEECH_CODED, sizes)).toEqual(SPEECH_DECODED)
      }),
      { numRuns: 10 },
    )
  })

  test('keeps the state of each stream to itself', () => {
    const encoder = g722.createEncoder()
    encoder.encode(noise(32_767), new Uint8Array(8000))
    expect(encode(SPEECH)).toEqual(SPEECH_CODED)
  })

  test('gives speech back 20 dB above its own noise, 22 samples later', () => {
    const delay = 22
    let signal = 0
    let error = 0
    for (let i = delay; i < SPEECH.length; i += 1) {
      signal += SPEECH[i - delay]! ** 2
      error += (SPEECH_DECODED[i]! - SPEECH[i - delay]!) ** 2
    }
    expect(10 * Math.log10(signal / error)).toBeGreaterThan(20)
  })

  test('decodes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(decode(bytes)).toHaveLength(bytes.length * 2)
      }),
    )
  })

  test('leaves out a last odd sample', () => {
    expect(g722.createEncoder().encode(Int16Array.of(1, 2, 3), new Uint8Array(2))).toBe(1)
  })

  test('carries 16,000 samples per second on a clock of 8000', () => {
    expect(g722).toMatchObject({ sampleRate: 16_000, clockRate: 8000, bytesPerMs: 8 })
  })
})
