import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { findCodec } from '#audio/codec/find-codec.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusEncoder, type OpusEncoderOptions } from '#audio/codec/opus-encoder.ts'
import { OpusLibrary } from '#audio/codec/opus-library.ts'
import {
  hasOpusCopy,
  OPUS_SILENCE,
  type OpusPacketInfo,
  readOpusPacket,
} from '#audio/codec/opus-packet.ts'
import { Resampler } from '#audio/resampler.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { fitSine } from '../fit-sine.ts'
import { bytesOf, runTool, samplesOf } from '../run-tool.ts'
import { decodeAll, encodeAll, packetsOf, snrDb } from './opus-stream.ts'

const RATES = [8000, 16_000, 24_000, 48_000]
const FIXTURES = new URL('../../fixtures/', import.meta.url)
const SPEECH = samplesOf(await Bun.file(new URL('audio/speech-16k.s16le', FIXTURES)).bytes())

describe('Opus', () => {
  test.each(RATES)('carries a tone at %d Hz, at its level and without a jump', (sampleRate) => {
    const tone = new ToneGenerator(sampleRate, [{ frequencyHz: 1000, levelDb: -10 }]).generate(1000)
    const packets = encodeAll(tone, { sampleRate, application: 'audio', bitrate: 64_000 })
    const { levelDb, residueDb } = fitSine(
      decodeAll(packets, sampleRate).subarray(sampleRate / 5),
      1000,
      sampleRate,
    )
    expect(levelDb).toBeWithin(-10.5, -9.5)
    expect(residueDb).toBeLessThan(-25)
  })

  test('is understood by a decoder of any other rate', () => {
    const tone = new ToneGenerator(16_000, [{ frequencyHz: 1000, levelDb: -10 }]).generate(1000)
    const packets = encodeAll(tone, { sampleRate: 16_000 })
    for (const sampleRate of RATES) {
      const samples = decodeAll(packets, sampleRate)
      expect(samples).toHaveLength(sampleRate)
      expect(fitSine(samples.subarray(sampleRate / 5), 1000, sampleRate).levelDb).toBeWithin(
        -11,
        -9,
      )
    }
  })

  test.skipIf(!Bun.which('ffmpeg'))(
    'decodes as libopus in ffmpeg does (needs ffmpeg)',
    async () => {
      const args = 'ffmpeg -v error -f s16le -ar 16000 -ac 1 -i - -c:a libopus -b:a 32k -f ogg -'
      const file = await runTool(args.split(' '), bytesOf(SPEECH))
      const decode = 'ffmpeg -v error -c:a libopus -i - -f s16le -ar 48000 -ac 1 -'
      const theirs = samplesOf(await runTool(decode.split(' '), file))
      const ours = decodeAll(packetsOf(file), 48_000)
      const preSkip = ours.length - theirs.length
      const best = Math.max(
        ...[312, preSkip].map((skip) => snrDb(theirs, ours.subarray(skip, skip + theirs.length))),
      )
      // Theirs is computed in floating point, ours in 16 bits; both round in the end.
      expect(best).toBeGreaterThan(60)
    },
  )

  test('knows which packets hold a copy of the one before', () => {
    const share = (options: Partial<OpusEncoderOptions>): number => {
      const packets = encodeAll(SPEECH, { sampleRate: 16_000, bitrate: 24_000, ...options })
      return packets.filter(hasOpusCopy).length / packets.length
    }
    expect(share({ expectedLossPercent: 20 })).toBeGreaterThan(0.7)
    expect(share({ expectedLossPercent: 0 })).toBe(0)
    expect(share({ expectedLossPercent: 20, isFecOn: false })).toBe(0)
  })

  test.each([
    ['in a frame of 20 ms', '48 40', true],
    ['none in a frame of 20 ms', '48 bf', false],
    ['in the second channel', '4c 10', true],
    ['none in either channel', '4c af', false],
    ['after three flags of activity in a frame of 60 ms', '58 10', true],
    ['none in a frame of 60 ms', '58 ef', false],
    ['behind the length of the first of two frames', '4a fc 01 40', true],
    ['behind padding and lengths', '4b c3 ff 01 02 fc 01 40', true],
    ['none where the frame is empty', '48', false],
    ['none without SILK', 'f8 ff fe', false],
    ['none without bytes', '', false],
    ['none in padding without end', '4b 43 ff ff', false],
  ])('finds a copy %s', (_, bytes, expected) => {
    expect(hasOpusCopy(Uint8Array.fromHex(bytes.replaceAll(' ', '')))).toBe(expected)
  })

  test('FEC is nearer to what was lost than a guess is, and a guess nearer than silence', () => {
    const packets = encodeAll(SPEECH, {
      sampleRate: 16_000,
      bitrate: 24_000,
      expectedLossPercent: 20,
    })
    const reference = decodeAll(packets, 16_000)
    const lost = (i: number) => i % 10 === 7 && i + 1 < packets.length
    const lossy = (fill: (decoder: OpusDecoder, frame: Int16Array, next: Uint8Array) => void) => {
      const decoder = new OpusDecoder({ sampleRate: 16_000 })
      const out = new Int16Array(reference.length)
      for (const [i, packet] of packets.entries()) {
        const frame = out.subarray(i * 320, (i + 1) * 320)
        if (lost(i)) fill(decoder, frame, packets[i + 1]!)
        else decoder.decode(packet, frame)
      }
      decoder.close()
      const only = (samples: Int16Array) => samples.filter((_, at) => lost(Math.floor(at / 320)))
      return snrDb(only(reference), only(out))
    }
    const silenceDb = lossy(() => undefined)
    const guessDb = lossy((decoder, frame) => expect(decoder.conceal(frame)).toBe(320))
    const fecDb = lossy((decoder, frame, next) => expect(decoder.recover(next, frame)).toBe(320))
    expect(silenceDb).toBe(0)
    expect(guessDb).toBeGreaterThan(0.2)
    expect(fecDb).toBeGreaterThan(guessDb + 4)
  })

  test.each([1, 37, 159, 160, 161, 960, 4000])('guesses %d samples', (length) => {
    const decoder = new OpusDecoder({ sampleRate: 8000 })
    decoder.decode(
      encodeAll(SPEECH.subarray(0, 160), { sampleRate: 8000 })[0]!,
      new Int16Array(160),
    )
    const samples = new Int16Array(length)
    expect(decoder.conceal(samples)).toBe(length)
    expect(decoder.recover(OPUS_SILENCE, samples)).toBe(Math.min(length, 960))
    decoder.close()
  })

  test('sends silence as hardly anything with DTX', () => {
    const silence = new Int16Array(16_000 * 2)
    const packets = encodeAll(silence, { sampleRate: 16_000, isDtxOn: true })
    const bytes = packets.slice(50).reduce((sum, { length }) => sum + length, 0)
    expect(bytes / 50).toBeLessThan(4)
  })

  test('follows a change of bitrate, of complexity and of the expected loss', () => {
    const encoder = new OpusEncoder({ sampleRate: 16_000, bitrate: 12_000 })
    const payload = new Uint8Array(1500)
    const bytesOfHalf = (from: number) => {
      let bytes = 0
      for (let at = from; at + 320 <= from + 24_000; at += 320) {
        bytes += encoder.encode(SPEECH.subarray(at, at + 320), payload)
      }
      return bytes
    }
    const low = bytesOfHalf(0)
    encoder.bitrate = 48_000
    encoder.complexity = 0
    encoder.expectedLossPercent = 30
    expect(bytesOfHalf(0)).toBeGreaterThan(low * 2)
    encoder.close()
  })

  test('carries two channels, which a decoder of one mixes', () => {
    const left = new ToneGenerator(48_000, [{ frequencyHz: 500, levelDb: -12 }]).generate(500)
    const right = new ToneGenerator(48_000, [{ frequencyHz: 2000, levelDb: -12 }]).generate(500)
    const both = Int16Array.from({ length: left.length * 2 }, (_, i) =>
      i % 2 === 0 ? left[i >> 1]! : right[i >> 1]!,
    )
    const packets = encodeAll(both, { channels: 2, application: 'audio', bitrate: 128_000 })
    expect(readOpusPacket(packets[5]!)).toEqual({ durationMs: 20, channels: 2 })
    const decoder = new OpusDecoder({ channels: 2 })
    const frame = new Int16Array(1920)
    const samples: number[] = []
    for (const packet of packets) samples.push(...frame.subarray(0, decoder.decode(packet, frame)))
    const leftOnly = Int16Array.from(samples.filter((_, i) => i % 2 === 0)).subarray(4800)
    expect(fitSine(leftOnly, 500, 48_000).levelDb).toBeWithin(-12.5, -11.5)
    expect(fitSine(leftOnly, 2000, 48_000).levelDb).toBeLessThan(-35)
    const mixed = decodeAll(packets, 48_000).subarray(4800)
    expect(fitSine(mixed, 2000, 48_000).levelDb).toBeWithin(-18.5, -17.5)
    decoder.close()
  })

  test('never breaks on bytes that are no packet, nor writes beyond the buffer', () => {
    const decoder = new OpusDecoder({ sampleRate: 8000 })
    const real = encodeAll(SPEECH.subarray(0, 16_000), { sampleRate: 8000 })
    const damaged = fc
      .tuple(fc.nat(real.length - 1), fc.nat(200), fc.nat(255))
      .map(([i, at, byte]) => {
        const packet = real[i]!.slice(0, at + 1)
        packet[at % packet.length] = byte
        return packet
      })
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 2000 }), damaged),
        fc.nat(1000),
        (bytes, room) => {
          const samples = new Int16Array(room + 8).fill(7)
          const count = decoder.decode(bytes, samples.subarray(0, room))
          expect(count).toBeWithin(0, room + 1)
          expect(decoder.recover(bytes, samples.subarray(0, room))).toBeLessThanOrEqual(room)
          expect([...samples.subarray(room)]).toEqual(new Array(8).fill(7))
        },
      ),
      { numRuns: 1000 },
    )
    expect(decoder.decode(new Uint8Array(100_000), new Int16Array(960))).toBe(0)
    expect(decoder.decode(real[3]!, new Int16Array(160))).toBe(160)
    decoder.close()
  })

  test('refuses samples of a length that Opus does not know', () => {
    const encoder = new OpusEncoder({ sampleRate: 8000 })
    expect(encoder.encode(new Int16Array(161), new Uint8Array(1500))).toBe(0)
    expect(encoder.encode(new Int16Array(100_000), new Uint8Array(1500))).toBe(0)
    expect(encoder.encode(new Int16Array(160), new Uint8Array(0))).toBe(0)
    encoder.close()
  })

  test('does not run at a rate of compact discs', () => {
    expect(() => new OpusEncoder({ sampleRate: 44_100 })).toThrow('Opus does not run at 44100 Hz')
    expect(() => new OpusDecoder({ sampleRate: 44_100 })).toThrow('Opus does not run at 44100 Hz')
  })

  test('gives all memory back, and does nothing once closed', () => {
    const library = OpusLibrary.shared
    const { openStates } = library
    const openAndClose = () => {
      const coders = Array.from({ length: 200 }, () => {
        const codec = createOpusCodec(48_000)
        return [codec.createEncoder(), codec.createDecoder()] as const
      })
      expect(library.openStates).toBe(openStates + 400)
      for (const [encoder, decoder] of coders) {
        encoder.close()
        encoder.close()
        decoder.close()
        decoder.close()
      }
    }
    openAndClose()
    const { memoryBytes } = library
    openAndClose()
    openAndClose()
    expect(library.memoryBytes).toBe(memoryBytes)
    expect(library.openStates).toBe(openStates)

    const closed = createOpusCodec(8000).createDecoder()
    closed.close()
    const frame = new Int16Array(160)
    expect(closed.decode(OPUS_SILENCE, frame)).toBe(0)
    expect(closed.conceal?.(frame)).toBe(0)
    expect(closed.recover?.(OPUS_SILENCE, frame)).toBe(0)
  })

  test('keeps many streams apart', () => {
    const codec = findCodec('opus', 8000)!
    const levels = [-10, -20, -30, -40]
    const streams = levels.map((levelDb) => ({
      encoder: codec.createEncoder(),
      decoder: codec.createDecoder(),
      tone: new ToneGenerator(8000, [{ frequencyHz: 1000, levelDb }]).generate(1000),
      heard: [] as number[],
    }))
    const payload = new Uint8Array(codec.maxFrameBytes)
    const frame = new Int16Array(160)
    for (let at = 0; at < 8000; at += 160) {
      for (const { encoder, decoder, tone, heard } of streams) {
        const bytes = encoder.encode(tone.subarray(at, at + 160), payload)
        heard.push(...frame.subarray(0, decoder.decode(payload.subarray(0, bytes), frame)))
      }
    }
    for (const [i, { encoder, decoder, heard }] of streams.entries()) {
      const { levelDb } = fitSine(Int16Array.from(heard).subarray(2000), 1000, 8000)
      expect(levelDb).toBeWithin(levels[i]! - 1, levels[i]! + 1)
      encoder.close()
      decoder.close()
    }
  })

  test.each(RATES)('OPUS_SILENCE is 20 ms of silence at %d Hz', (sampleRate) => {
    expect(readOpusPacket(OPUS_SILENCE)).toEqual({ durationMs: 20, channels: 1 })
    const samples = decodeAll([OPUS_SILENCE, OPUS_SILENCE], sampleRate)
    expect(samples).toEqual(new Int16Array(sampleRate / 25))
  })
})

describe('readOpusPacket', () => {
  test.each([
    [[0x08], { durationMs: 20, channels: 1 }],
    [[0x1c], { durationMs: 60, channels: 2 }],
    [[0x60], { durationMs: 10, channels: 1 }],
    [[0x80], { durationMs: 2.5, channels: 1 }],
    [[0xf9], { durationMs: 40, channels: 1 }],
    [[0xfb, 0x06], { durationMs: 120, channels: 1 }],
    [[], undefined],
    [[0xfb], undefined],
    [[0xfb, 0x00], undefined],
    [[0xfb, 0x3f], undefined],
  ])('reads %p as %p', (bytes, info) => {
    expect(readOpusPacket(Uint8Array.from(bytes))).toEqual(info as OpusPacketInfo | undefined)
  })

  test('agrees with the decoder on every length that an encoder makes', () => {
    for (const ms of [2.5, 5, 10, 20, 40, 60]) {
      const encoder = new OpusEncoder({ sampleRate: 48_000 })
      const payload = new Uint8Array(4000)
      const bytes = encoder.encode(new Int16Array(ms * 48), payload)
      expect(readOpusPacket(payload.subarray(0, bytes))?.durationMs).toBe(ms)
      encoder.close()
    }
  })
})

test('speech survives the way to a telephone and back', () => {
  const narrow = new Resampler(16_000, 8000).resample(SPEECH)
  const decoded = decodeAll(encodeAll(narrow, { sampleRate: 8000, bitrate: 24_000 }), 8000)
  const delay = 52
  expect(
    snrDb(narrow.subarray(0, decoded.length - delay), decoded.subarray(delay)),
  ).toBeGreaterThan(5)
})
