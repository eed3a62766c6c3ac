import { describe, expect, test } from 'bun:test'
import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { readOpusPacket } from '#audio/codec/opus-packet.ts'
import { Resampler } from '#audio/resampler.ts'
import { runTool, samplesOf } from '../run-tool.ts'
import { decodeAll, encodeAll, oggOf, PRE_SKIP, snrDb } from './opus-stream.ts'

const RATES = [8000, 16_000, 24_000, 48_000]
const FIXTURE = new URL('../../fixtures/audio/speech-16k.s16le', import.meta.url)
const SPEECH = samplesOf(await Bun.file(FIXTURE).bytes())

function speechAt(sampleRate: number): Int16Array {
  return sampleRate === 16_000 ? SPEECH : new Resampler(16_000, sampleRate).resample(SPEECH).slice()
}

function sizeOf(packets: readonly Uint8Array[]): number {
  return packets.reduce((sum, { length }) => sum + length, 0)
}

describe('OpusEncoder', () => {
  test.each(RATES)('delays speech by its lookahead, 6.5 ms, at %d Hz', (sampleRate) => {
    const encoder = new OpusEncoder({ sampleRate })
    const { lookaheadSamples } = encoder
    encoder.close()
    expect(lookaheadSamples).toBe((sampleRate * 6.5) / 1000)
    const speech = speechAt(sampleRate)
    // For speech alone it also filters, which turns the phase.
    const packets = encodeAll(speech, { sampleRate, application: 'audio', bitrate: 64_000 })
    const decoded = decodeAll(packets, sampleRate)
    const likeness = [-2, -1, 0, 1, 2].map((offset) =>
      snrDb(speech.subarray(0, 8000), decoded.subarray(lookaheadSamples + offset)),
    )
    expect(likeness.indexOf(Math.max(...likeness))).toBe(2)
    expect(likeness[2]).toBeGreaterThan(15)
  })

  test.skipIf(!Bun.which('ffmpeg')).each(RATES)(
    'is understood by libopus in ffmpeg at %d Hz (needs ffmpeg)',
    async (sampleRate) => {
      const packets = encodeAll(speechAt(sampleRate), { sampleRate, expectedLossPercent: 10 })
      const decode = 'ffmpeg -v error -c:a libopus -i - -f s16le -ar 48000 -ac 1 -'
      const theirs = samplesOf(await runTool(decode.split(' '), oggOf(packets, sampleRate)))
      const ours = decodeAll(packets, 48_000).subarray(PRE_SKIP)
      expect(theirs).toHaveLength(ours.length)
      expect(snrDb(theirs, ours)).toBeGreaterThan(60)
    },
  )

  test.each([2.5, 5, 10, 20, 40, 60, 80, 100, 120])('makes a packet of %p ms', (ms) => {
    for (const channels of [1, 2] as const) {
      const encoder = new OpusEncoder({ channels, bitrate: 96_000 })
      const decoder = new OpusDecoder({ channels })
      const samples = new Int16Array(ms * 48 * channels)
      const payload = new Uint8Array(4000)
      const bytes = encoder.encode(samples, payload)
      expect(readOpusPacket(payload.subarray(0, bytes))).toMatchObject({ durationMs: ms })
      expect(decoder.decode(payload.subarray(0, bytes), samples)).toBe(samples.length)
      encoder.close()
      decoder.close()
    }
  })

  test.each([2, 10, 40])('keeps within a payload of %d bytes', (room) => {
    const encoder = new OpusEncoder({ sampleRate: 16_000, bitrate: 64_000 })
    const payload = new Uint8Array(room + 8).fill(7)
    for (let at = 0; at < SPEECH.length; at += 320) {
      const bytes = encoder.encode(SPEECH.subarray(at, at + 320), payload.subarray(0, room))
      expect(bytes).toBeWithin(1, room + 1)
    }
    expect([...payload.subarray(room)]).toEqual(new Array(8).fill(7))
    encoder.close()
  })

  test.each([12_000, 24_000, 64_000])('spends about %d bits per second on noise', (bitrate) => {
    let state = 1
    const noise = Int16Array.from({ length: 32_000 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
      return state >> 19
    })
    const packets = encodeAll(noise, { sampleRate: 16_000, bitrate })
    expect((sizeOf(packets) * 8) / 2).toBeWithin(bitrate * 0.7, bitrate * 1.2)
  })

  test('says speech after a pause with DTX as it does without', () => {
    const pause = new Int16Array(32_000)
    const samples = Int16Array.from([...SPEECH, ...pause, ...SPEECH])
    const options = { sampleRate: 16_000, bitrate: 24_000 }
    const [plain, dtx] = [false, true].map((isDtxOn) => encodeAll(samples, { ...options, isDtxOn }))
    const inPause = (packets: readonly Uint8Array[]) => packets.slice(130, 195)
    expect(sizeOf(inPause(dtx!))).toBeLessThan(sizeOf(inPause(plain!)) / 5)
    // At most 2 bytes: such a packet need not be sent.
    expect(inPause(dtx!).filter(({ length }) => length <= 2).length).toBeGreaterThan(50)
    const again = (packets: readonly Uint8Array[]) => decodeAll(packets, 16_000).subarray(64_000)
    expect(snrDb(again(plain!), again(dtx!))).toBeGreaterThan(5)
  })

  test('holds copies only where packets are expected to get lost', () => {
    const options = { sampleRate: 16_000, bitrate: 24_000 }
    const lossy = { ...options, expectedLossPercent: 20 }
    const [plain, ready, none, copies] = [
      encodeAll(SPEECH, { ...options, isFecOn: false }),
      encodeAll(SPEECH, options),
      encodeAll(SPEECH, { ...lossy, isFecOn: false }),
      encodeAll(SPEECH, lossy),
    ]
    expect(Buffer.concat(ready)).toEqual(Buffer.concat(plain))
    expect(Buffer.concat(copies).equals(Buffer.concat(none))).toBeFalse()
  })

  test('works on when told what cannot be', () => {
    const [plain, odd] = [1, 2].map(() => new OpusEncoder({ sampleRate: 8000 }))
    odd!.bitrate = -5
    odd!.bitrate = Number.NaN
    odd!.complexity = 11
    odd!.complexity = -1
    odd!.expectedLossPercent = Number.NaN
    const [expected, actual] = [new Uint8Array(1276), new Uint8Array(1276)]
    for (let at = 0; at < 8000; at += 160) {
      const frame = SPEECH.subarray(at, at + 160)
      expect(odd!.encode(frame, actual)).toBe(plain!.encode(frame, expected))
    }
    expect(actual).toEqual(expected)
    odd!.expectedLossPercent = 1000
    expect(odd!.encode(SPEECH.subarray(0, 160), actual)).toBeGreaterThan(0)
    plain!.close()
    odd!.close()
  })

  test('does nothing once closed', () => {
    const encoder = new OpusEncoder({ sampleRate: 8000 })
    encoder.close()
    encoder.bitrate = 12_000
    encoder.complexity = 3
    expect(encoder.lookaheadSamples).toBe(0)
    expect(encoder.encode(SPEECH.subarray(0, 160), new Uint8Array(1276))).toBe(0)
  })
})
