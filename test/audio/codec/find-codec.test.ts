import { describe, expect, test } from 'bun:test'
import { findCodec } from '#audio/codec/find-codec.ts'

describe('findCodec', () => {
  test.each([
    ['pcm', 16_000],
    ['pcmu', 8000],
    ['pcma', 8000],
    ['g722', 16_000],
    ['opus', 48_000],
  ])('finds %s at %d Hz when no rate is asked for', (name, sampleRate) => {
    expect(findCodec(name)).toMatchObject({ name, sampleRate })
  })

  test.each([8000, 16_000, 24_000, 48_000])('finds pcm at %d Hz', (sampleRate) => {
    expect(findCodec('pcm', sampleRate)).toMatchObject({ name: 'pcm', sampleRate })
  })

  test.each([
    ['pcm', 44_100],
    ['pcmu', 16_000],
    ['g722', 8000],
    ['PCMU', undefined],
    ['opus', 44_100],
    ['', undefined],
  ])('finds no %p at %p Hz', (name, sampleRate) => {
    expect(findCodec(name, sampleRate)).toBeUndefined()
  })

  test.each(['pcm', 'pcmu', 'pcma', 'g722'])('makes coders of %s that agree with it', (name) => {
    const codec = findCodec(name)!
    const encoder = codec.createEncoder()
    const decoder = codec.createDecoder()
    expect(encoder.sampleRate).toBe(codec.sampleRate)
    expect(decoder.sampleRate).toBe(codec.sampleRate)
    const frame = new Int16Array(codec.sampleRate / 50)
    const payload = new Uint8Array(frame.length * 2)
    const bytes = encoder.encode(frame, payload)
    expect(bytes).toBe(codec.maxFrameBytes)
    expect(decoder.decode(payload.subarray(0, bytes), frame)).toBe(frame.length)
    for (const coder of [encoder, encoder, decoder, decoder]) coder.close()
  })
})
