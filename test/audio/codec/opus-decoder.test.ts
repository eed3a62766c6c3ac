import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OPUS_SILENCE, readOpusPacket } from '#audio/codec/opus-packet.ts'
import { samplesOf } from '../run-tool.ts'
import { encodeAll, snrDb } from './opus-stream.ts'

const RATES = [8000, 12_000, 16_000, 24_000, 48_000]
const FIXTURE = new URL('../../fixtures/audio/speech-16k.s16le', import.meta.url)
const SPEECH = samplesOf(await Bun.file(FIXTURE).bytes())
const SPOKEN = encodeAll(SPEECH, { sampleRate: 16_000, bitrate: 24_000, expectedLossPercent: 20 })
const LOUD = SPOKEN.length / 2
const FRAME_SAMPLES = 320

/** A decoder at 16 kHz in the middle of speech, where it has just decoded packet `LOUD - 1`. */
function decoderInSpeech(): OpusDecoder {
  const decoder = new OpusDecoder({ sampleRate: 16_000 })
  const frame = new Int16Array(FRAME_SAMPLES)
  for (const packet of SPOKEN.slice(0, LOUD)) decoder.decode(packet, frame)
  return decoder
}

function energyOf(samples: Int16Array): number {
  return samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length
}

/** A packet with that table of contents whose frames all have the same ten bytes. */
function packetOf(toc: number, count: number): Uint8Array {
  const frame = [0x5a, 0x13, 0x77, 0xe1, 0x40, 0x99, 0x03, 0x6d, 0xb2, 0x2c]
  const frames = (length: number) => Array.from({ length }, () => frame).flat()
  switch (toc & 3) {
    case 0:
      return Uint8Array.of(toc, ...frames(1))
    case 1:
      return Uint8Array.of(toc, ...frames(2))
    case 2:
      return Uint8Array.of(toc, frame.length, ...frames(2))
    default:
      return Uint8Array.of(toc, count, ...frames(count))
  }
}

describe('OpusDecoder', () => {
  test.each(RATES)('makes as many samples of any kind of packet as it says, at %d Hz', (rate) => {
    for (const channels of [1, 2] as const) {
      const decoder = new OpusDecoder({ sampleRate: rate, channels })
      const samples = new Int16Array((rate * 120 * channels) / 1000)
      for (let toc = 0; toc < 256; toc += 1) {
        for (const count of (toc & 3) === 3 ? [1, 2, 3, 6, 48, 63] : [1]) {
          const packet = packetOf(toc, count)
          const durationMs = readOpusPacket(packet)?.durationMs ?? 0
          expect(decoder.decode(packet, samples)).toBe((durationMs * rate * channels) / 1000)
        }
      }
      decoder.close()
    }
  })

  test('decodes the longest packet there is: 48 frames of 2.5 ms with 1275 bytes each', () => {
    const decoder = new OpusDecoder()
    const packet = new Uint8Array(2 + 48 * 1275).fill(0x5a)
    packet.set([0xe3, 48])
    expect(readOpusPacket(packet)).toEqual({ durationMs: 120, channels: 1 })
    expect(decoder.decode(packet, new Int16Array(5760))).toBe(5760)
    decoder.close()
  })

  test('gives nothing for table of contents alone with a length that it lacks', () => {
    const decoder = new OpusDecoder({ sampleRate: 8000 })
    const samples = new Int16Array(960)
    for (let toc = 0; toc < 256; toc += 1) {
      // One byte is a packet only with one or two frames of no bytes (RFC 6716 §3.2.1, §3.2.2).
      const isPacket = (toc & 3) < 2
      const duration = (readOpusPacket(Uint8Array.of(toc))?.durationMs ?? 0) * 8
      expect(decoder.decode(Uint8Array.of(toc), samples)).toBe(isPacket ? duration : 0)
    }
    decoder.close()
  })

  test('decodes the same again after any abuse, given time to settle', () => {
    const clean = decoderInSpeech()
    const abused = new OpusDecoder({ sampleRate: 16_000 })
    const frame = new Int16Array(FRAME_SAMPLES)
    const step = fc.record({
      packet: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(LOUD - 1).map((i) => SPOKEN[i]!),
      ),
      cut: fc.nat(300),
      how: fc.constantFrom('decode', 'conceal', 'recover'),
      room: fc.nat(4000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        for (const { packet, cut, how, room } of steps) {
          const samples = new Int16Array(room)
          const part = packet.subarray(0, cut)
          if (how === 'decode') abused.decode(part, samples)
          else if (how === 'conceal') expect(abused.conceal(samples)).toBe(room)
          else abused.recover(part, samples)
        }
      }),
      { numRuns: 200 },
    )
    for (const packet of SPOKEN.slice(0, LOUD)) abused.decode(packet, frame)
    const [expected, actual] = [new Int16Array(6400), new Int16Array(6400)]
    for (let i = 0; i < 20; i += 1) {
      clean.decode(SPOKEN[LOUD + i]!, expected.subarray(i * FRAME_SAMPLES))
      abused.decode(SPOKEN[LOUD + i]!, actual.subarray(i * FRAME_SAMPLES))
    }
    expect(energyOf(expected)).toBeGreaterThan(1e5)
    expect(snrDb(expected, actual)).toBeGreaterThan(30)
    clean.close()
    abused.close()
  })

  test.each([0, 1, 100, 319, 320])('leaves out what does not fit into %d samples', (room) => {
    const [whole, part] = [decoderInSpeech(), decoderInSpeech()]
    const expected = new Int16Array(FRAME_SAMPLES)
    const samples = new Int16Array(room)
    whole.decode(SPOKEN[LOUD]!, expected)
    expect(part.decode(SPOKEN[LOUD]!, samples)).toBe(room)
    expect(samples).toEqual(expected.subarray(0, room))
    // What was left out is gone: the next packet sounds as ever.
    whole.decode(SPOKEN[LOUD + 1]!, expected)
    const next = new Int16Array(FRAME_SAMPLES)
    expect(part.decode(SPOKEN[LOUD + 1]!, next)).toBe(FRAME_SAMPLES)
    expect(next).toEqual(expected)
    whole.close()
    part.close()
  })

  test('guesses silence before it has heard anything', () => {
    const decoder = new OpusDecoder({ sampleRate: 16_000 })
    const samples = new Int16Array(FRAME_SAMPLES).fill(7)
    expect(decoder.conceal(samples)).toBe(FRAME_SAMPLES)
    expect(samples).toEqual(new Int16Array(FRAME_SAMPLES))
    decoder.close()
  })

  test('goes on with what it heard when a packet is lost, and fades when more are', () => {
    const decoder = decoderInSpeech()
    const guess = new Int16Array(FRAME_SAMPLES)
    decoder.conceal(guess)
    const firstEnergy = energyOf(guess)
    expect(firstEnergy).toBeGreaterThan(1e4)
    for (let i = 0; i < 25; i += 1) decoder.conceal(guess)
    expect(energyOf(guess)).toBeLessThan(firstEnergy / 100)
    decoder.close()
  })

  test.each([1, 3, 6])('recovers the last of %d lost packets from the next one', (lost) => {
    const [whole, plain, fec] = [decoderInSpeech(), decoderInSpeech(), decoderInSpeech()]
    const sent = new Int16Array(FRAME_SAMPLES)
    for (let i = 0; i < lost; i += 1) whole.decode(SPOKEN[LOUD + i]!, sent)
    const [guess, copy] = [new Int16Array(lost * 320), new Int16Array(lost * 320)]
    expect(plain.conceal(guess)).toBe(guess.length)
    expect(fec.recover(SPOKEN[LOUD + lost]!, copy)).toBe(copy.length)
    const from = (lost - 1) * FRAME_SAMPLES
    const guessDb = snrDb(sent, guess.subarray(from))
    expect(snrDb(sent, copy.subarray(from))).toBeGreaterThan(guessDb + 2)
    // The packet that held the copy is decoded as ever.
    expect(fec.decode(SPOKEN[LOUD + lost]!, copy)).toBe(FRAME_SAMPLES)
    for (const decoder of [whole, plain, fec]) decoder.close()
  })

  test.each([
    ['without bytes', new Uint8Array()],
    ['that is none', Uint8Array.of(0xff, 0xff, 0xff)],
    ['without a copy', OPUS_SILENCE],
    ['too long for any', new Uint8Array(100_000)],
  ])('guesses where the next packet is one %s', (_, next) => {
    const [plain, fec] = [decoderInSpeech(), decoderInSpeech()]
    const [guess, copy] = [new Int16Array(FRAME_SAMPLES), new Int16Array(FRAME_SAMPLES)]
    plain.conceal(guess)
    expect(fec.recover(next, copy)).toBe(FRAME_SAMPLES)
    expect(copy).toEqual(guess)
    plain.close()
    fec.close()
  })

  test('is silent at the second OPUS_SILENCE, whatever was before it', () => {
    for (const sampleRate of RATES) {
      const decoder = new OpusDecoder({ sampleRate })
      const frame = new Int16Array(sampleRate / 50)
      for (const packet of SPOKEN.slice(0, LOUD)) decoder.decode(packet, frame)
      expect(energyOf(frame)).toBeGreaterThan(1e4)
      decoder.decode(OPUS_SILENCE, frame)
      expect(decoder.decode(OPUS_SILENCE, frame)).toBe(frame.length)
      expect(energyOf(frame)).toBeLessThan(10)
      decoder.close()
    }
  })
})
