import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { createPcmCodec } from '#audio/codec/pcm.ts'

const codec = createPcmCodec(16_000)

describe('createPcmCodec', () => {
  test('writes samples as little-endian pairs of bytes', () => {
    const payload = new Uint8Array(6)
    expect(codec.createEncoder().encode(Int16Array.of(1, -2, 0x1234), payload)).toBe(6)
    expect(payload).toEqual(Uint8Array.of(0x01, 0x00, 0xfe, 0xff, 0x34, 0x12))
  })

  test('does not decode a last odd byte', () => {
    const samples = new Int16Array(2)
    expect(codec.createDecoder().decode(Uint8Array.of(1, 0, 9), samples)).toBe(1)
    expect(samples).toEqual(Int16Array.of(1, 0))
  })

  test('gives every sample back, wherever the payload lies in its buffer', () => {
    fc.assert(
      fc.property(fc.int16Array(), fc.integer({ min: 0, max: 3 }), (samples, offset) => {
        const payload = new Uint8Array(samples.length * 2 + 3).subarray(offset)
        const bytes = codec.createEncoder().encode(samples, payload)
        const decoded = new Int16Array(samples.length)
        expect(codec.createDecoder().decode(payload.subarray(0, bytes), decoded)).toBe(
          samples.length,
        )
        expect(decoded).toEqual(samples)
      }),
    )
  })

  test.each([8000, 16_000, 24_000, 48_000])('runs its RTP clock at its sample rate, %d', (rate) => {
    expect(createPcmCodec(rate)).toMatchObject({
      name: 'pcm',
      sampleRate: rate,
      clockRate: rate,
      bytesPerMs: rate / 500,
      maxFrameBytes: rate / 25,
    })
  })
})
