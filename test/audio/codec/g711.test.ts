import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Codec } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { bytesOf, runTool } from '../run-tool.ts'

const ALL_SAMPLES = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)
const ALL_CODES = Uint8Array.from({ length: 256 }, (_, i) => i)

const LAWS = [
  {
    codec: pcmu,
    soxEncoding: 'mu-law',
    codes: 'cd03795221187036041e2c68724ebbcc497e1844823ff4ab4ac6e61bc5948fb3',
    samples: '3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827',
  },
  {
    codec: pcma,
    soxEncoding: 'a-law',
    codes: '9ad77510792fe7c8192acff6bf30d3fe660e5644727b703881516fa61dbabdeb',
    samples: 'e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174',
  },
]

function encode(codec: Codec, samples: Int16Array): Uint8Array {
  const payload = new Uint8Array(samples.length)
  expect(codec.createEncoder().encode(samples, payload)).toBe(samples.length)
  return payload
}

function decode(codec: Codec, payload: Uint8Array): Int16Array {
  const samples = new Int16Array(payload.length)
  expect(codec.createDecoder().decode(payload, samples)).toBe(payload.length)
  return samples
}

function digest(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

describe.each(LAWS)('$codec.name', ({ codec, soxEncoding, codes, samples }) => {
  const linear = ['-t', 'raw', '-r', '8000', '-e', 'signed', '-b', '16', '-c', '1', '-']
  const law = ['-t', 'raw', '-r', '8000', '-e', soxEncoding, '-b', '8', '-c', '1', '-']

  test('encodes all samples to the recorded codes of SoX', () => {
    expect(digest(encode(codec, ALL_SAMPLES))).toBe(codes)
  })

  test('decodes all codes to the recorded samples of SoX', () => {
    expect(digest(bytesOf(decode(codec, ALL_CODES)))).toBe(samples)
  })

  test.skipIf(!Bun.which('sox'))('encodes all samples as the installed sox', async () => {
    const expected = await runTool(['sox', '-D', ...linear, ...law], bytesOf(ALL_SAMPLES))
    expect(encode(codec, ALL_SAMPLES)).toEqual(expected)
  })

  test.skipIf(!Bun.which('sox'))('decodes all codes as the installed sox', async () => {
    const expected = await runTool(['sox', '-D', ...law, ...linear], ALL_CODES)
    expect(bytesOf(decode(codec, ALL_CODES))).toEqual(expected)
  })

  test('gives samples back to within a step of their segment', () => {
    fc.assert(
      fc.property(fc.int16Array({ minLength: 1 }), (original) => {
        const decoded = decode(codec, encode(codec, original))
        for (const [i, sample] of original.entries()) {
          expect(Math.abs(decoded[i]! - sample)).toBeLessThanOrEqual(16 + Math.abs(sample) / 30)
        }
      }),
    )
  })

  test('gives codes back that it has decoded', () => {
    // µ-law has two codes for 0; its own is the positive one.
    const expected = ALL_CODES.map((code) => (codec.name === 'pcmu' && code === 0x7f ? 0xff : code))
    expect(encode(codec, decode(codec, ALL_CODES))).toEqual(expected)
  })

  test('carries 8 bytes per millisecond at 8000 Hz', () => {
    expect(codec).toMatchObject({ sampleRate: 8000, clockRate: 8000, bytesPerMs: 8 })
  })
})
