import { describe, expect, test } from 'bun:test'
import type { Codec, Decoder } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { createPcmCodec } from '#audio/codec/pcm.ts'
import { ConcealingDecoder } from '#audio/concealment/concealing-decoder.ts'
import { Resampler } from '#audio/resampler.ts'
import { rmsDb } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { samplesOf } from '../run-tool.ts'
import { decodeWithLoss, encodeFrames, type Filling, largestStep, snrDb } from './quality.ts'

const SPEECH = samplesOf(
  await Bun.file(new URL('../../fixtures/audio/speech-16k.s16le', import.meta.url)).bytes(),
)
const SPEECH_8K = new Resampler(16_000, 8000).resample(SPEECH).slice()
const RATES = [8000, 16_000, 24_000, 48_000]
const FRAME_LENGTHS_MS = [10, 20, 30, 60]

/** Codecs, with speech at their rates. */
const SPOKEN: readonly (readonly [string, Codec, Int16Array])[] = [
  ['pcmu', pcmu, SPEECH_8K],
  ['pcma', pcma, SPEECH_8K],
  ['pcm at 16 kHz', createPcmCodec(16_000), SPEECH],
  ['g722', g722, SPEECH],
]

/** Loses frames at random. */
function atRandom(share: number, seed: number): (index: number) => boolean {
  const random = seededRandom(seed)
  const lost = Array.from({ length: 1000 }, (_, i) => random() < share && i > 3)
  return (index) => lost[index] === true
}

/** Loses `length` frames of every 12. */
function inBursts(length: number): (index: number) => boolean {
  return (index) => index > 3 && index % 12 < length
}

function tone(sampleRate: number, frequencyHz: number, durationMs = 1000): Int16Array {
  return new ToneGenerator(sampleRate, [{ frequencyHz, levelDb: -10 }]).generate(durationMs)
}

function noise(rms: number, count: number): Int16Array {
  const random = seededRandom(7)
  return Int16Array.from({ length: count }, () => (random() - 0.5) * Math.sqrt(12) * rms)
}

/** A decoder of whole-number PCM that can guess by itself, like Opus: it says what it did. */
function guessingDecoder(done: string[]): Decoder {
  return {
    ...createPcmCodec(8000).createDecoder(),
    conceal(samples) {
      done.push(`conceal ${samples.length}`)
      samples.fill(1000)
      return samples.length
    },
    hasCopy: (next) => next.length > 1,
    recover(next, samples) {
      done.push(`recover from ${next.length}`)
      samples.fill(2000)
      return samples.length
    },
  }
}

describe('ConcealingDecoder', () => {
  describe.each(SPOKEN)('with speech in %s', (_, codec, speech) => {
    const frame = codec.sampleRate / 50
    const payloads = encodeFrames(codec, speech, frame)
    const clean = decodeWithLoss(codec, payloads, { frame, filling: 'zeros', isLost: () => false })
    const snr = (filling: Filling, isLost: (index: number) => boolean): number =>
      snrDb(clean, decodeWithLoss(codec, payloads, { frame, filling, isLost }))

    test.each([0.01, 0.05, 0.1])(
      'comes nearer to what was lost than silence or repetition, losing %d',
      (share) => {
        for (let seed = 1; seed <= 3; seed += 1) {
          const isLost = atRandom(share, seed)
          const ours = snr('conceal', isLost)
          if (ours === Number.POSITIVE_INFINITY) continue
          expect(ours).toBeGreaterThan(snr('zeros', isLost) + 1)
          expect(ours).toBeGreaterThan(snr('repeat', isLost) + 3)
        }
      },
    )

    test.each([1, 2, 3])('and in bursts of %d frames', (length) => {
      const isLost = inBursts(length)
      expect(snr('conceal', isLost)).toBeGreaterThan(snr('zeros', isLost) + 1)
      expect(snr('conceal', isLost)).toBeGreaterThan(snr('repeat', isLost) + 3)
    })

    test('changes nothing while nothing is lost', () => {
      const heard = decodeWithLoss(codec, payloads, {
        frame,
        filling: 'conceal',
        isLost: () => false,
      })
      expect(heard).toEqual(clean)
    })
  })

  test('comes nearest with the copies that Opus packets hold of those before', () => {
    const encoder = new OpusEncoder({ sampleRate: 16_000, expectedLossPercent: 20 })
    const payloads: Uint8Array[] = []
    for (let at = 0; at + 320 <= SPEECH.length; at += 320) {
      const payload = new Uint8Array(1500)
      const bytes = encoder.encode(SPEECH.subarray(at, at + 320), payload)
      payloads.push(payload.slice(0, bytes))
    }
    encoder.close()
    const heard = (isLost: (index: number) => boolean, useNext: boolean): Int16Array => {
      const decoder = new ConcealingDecoder(new OpusDecoder({ sampleRate: 16_000 }))
      const output = new Int16Array(payloads.length * 320)
      for (const [i, payload] of payloads.entries()) {
        const samples = output.subarray(i * 320, (i + 1) * 320)
        if (!isLost(i)) decoder.decode(payload, samples)
        else decoder.conceal(samples, useNext ? payloads[i + 1] : undefined)
      }
      decoder.close()
      return output
    }
    const isLost = inBursts(1)
    const clean = heard(() => false, false)
    const copied = snrDb(clean, heard(isLost, true))
    const guessed = snrDb(clean, heard(isLost, false))
    expect(copied).toBeGreaterThan(guessed + 1)
    expect(guessed).toBeGreaterThan(0)
  })

  describe.each(RATES)('at %d Hz', (sampleRate) => {
    const codec = createPcmCodec(sampleRate)

    test.each(FRAME_LENGTHS_MS)('keeps a tone free of clicks, in frames of %d ms', (frameMs) => {
      const frame = (sampleRate * frameMs) / 1000
      for (const frequencyHz of [220, 437, 1003]) {
        const clean = tone(sampleRate, frequencyHz, 1200)
        const payloads = encodeFrames(codec, clean, frame)
        for (const isLost of [atRandom(0.1, 3), inBursts(1), inBursts(3)]) {
          const heard = decodeWithLoss(codec, payloads, { frame, filling: 'conceal', isLost })
          expect(largestStep(heard)).toBeLessThan(1.3 * largestStep(clean))
        }
      }
    })

    test('goes on with a tone through a lost frame', () => {
      const frame = sampleRate / 50
      const payloads = encodeFrames(codec, tone(sampleRate, 200), frame)
      const isLost = (index: number): boolean => index === 20
      const heard = decodeWithLoss(codec, payloads, { frame, filling: 'conceal', isLost })
      const lost = heard.subarray(20 * frame, 21 * frame)
      const wanted = tone(sampleRate, 200).subarray(20 * frame, 21 * frame)
      // It has faded by 20 % at the end.
      expect(snrDb(wanted, lost)).toBeGreaterThan(18)
    })

    test('ends in noise at the level of the background, and never gets louder', () => {
      const frame = sampleRate / 50
      const decoder = new ConcealingDecoder(codec.createDecoder())
      const samples = new Int16Array(frame)
      const background = noise(40, 10 * frame)
      const voice = tone(sampleRate, 300, 400)
      for (const payload of encodeFrames(codec, background, frame)) decoder.decode(payload, samples)
      for (const payload of encodeFrames(codec, voice, frame)) decoder.decode(payload, samples)
      const levels: number[] = []
      for (let i = 0; i < 100; i += 1) {
        decoder.conceal(samples)
        levels.push(rmsDb(samples))
      }
      expect(levels[0]!).toBeGreaterThan(rmsDb(voice) - 3)
      for (const level of levels.slice(4)) {
        expect(Math.abs(level - rmsDb(background))).toBeLessThan(4)
      }
      expect(decoder.stats.concealedSamples).toBe(3 * frame)
      expect(decoder.stats.comfortNoiseSamples).toBe(97 * frame)
    })
  })

  test('says nothing on a line that was digitally silent', () => {
    const decoder = new ConcealingDecoder(pcmu.createDecoder())
    const samples = new Int16Array(160).fill(1)
    for (let i = 0; i < 10; i += 1) decoder.decode(new Uint8Array(160).fill(0xff), samples)
    for (let i = 0; i < 10; i += 1) decoder.conceal(samples)
    expect(rmsDb(samples)).toBe(Number.NEGATIVE_INFINITY)
  })

  test('does not take a tone for the background', () => {
    const decoder = new ConcealingDecoder(pcmu.createDecoder())
    const samples = new Int16Array(160)
    for (const payload of encodeFrames(pcmu, tone(8000, 425), 160)) decoder.decode(payload, samples)
    for (let i = 0; i < 10; i += 1) decoder.conceal(samples)
    expect(rmsDb(samples)).toBeLessThan(-44)
  })

  test('fades real audio in after a long loss', () => {
    const codec = createPcmCodec(8000)
    const decoder = new ConcealingDecoder(codec.createDecoder())
    const samples = new Int16Array(160)
    const payload = encodeFrames(codec, new Int16Array(160).fill(20_000), 160)[0]!
    decoder.decode(new Uint8Array(320), samples)
    for (let i = 0; i < 20; i += 1) decoder.conceal(samples)
    decoder.decode(payload, samples)
    expect(Math.abs(samples[0]!)).toBeLessThan(400)
    expect(largestStep(samples)).toBeLessThan(400)
    // 10 ms later all of it is heard.
    expect(samples[80]).toBe(20_000)
  })

  test('fills frames before anything was received', () => {
    const decoder = new ConcealingDecoder(pcmu.createDecoder())
    const samples = new Int16Array(160).fill(1)
    expect(decoder.conceal(samples)).toBe(160)
    expect(samples).toEqual(new Int16Array(160))
  })

  test('leaves a payload that cannot be decoded to the caller', () => {
    const decoder = new ConcealingDecoder(pcmu.createDecoder())
    expect(decoder.decode(new Uint8Array(0), new Int16Array(160))).toBe(0)
  })

  test('takes the copy that the next packet holds, where the codec can', () => {
    const done: string[] = []
    const decoder = new ConcealingDecoder(guessingDecoder(done))
    const samples = new Int16Array(160)
    decoder.conceal(samples, new Uint8Array(33))
    expect(done).toEqual(['recover from 33'])
    expect(samples).toEqual(new Int16Array(160).fill(2000))
    expect(decoder.stats).toEqual({
      concealedSamples: 0,
      recoveredSamples: 160,
      comfortNoiseSamples: 0,
    })
  })

  test('lets the codec guess where the next packet holds no copy', () => {
    const done: string[] = []
    const decoder = new ConcealingDecoder(guessingDecoder(done))
    decoder.conceal(new Int16Array(160), new Uint8Array(1))
    expect(done).toEqual(['conceal 160'])
    expect(decoder.stats).toMatchObject({ concealedSamples: 160, recoveredSamples: 0 })
  })

  test("takes the codec's own guess, and fades it out between 60 and 100 ms", () => {
    const done: string[] = []
    const decoder = new ConcealingDecoder(guessingDecoder(done))
    const samples = new Int16Array(160)
    decoder.decode(new Uint8Array(320), samples)
    const ends: number[] = []
    for (let i = 0; i < 7; i += 1) {
      decoder.conceal(samples)
      ends.push(samples[159]!)
    }
    expect(done).toEqual(new Array(5).fill('conceal 160'))
    expect(ends[2]).toBe(1000)
    expect(ends[3]).toBeWithin(480, 520)
    expect(ends.slice(4).every((end) => Math.abs(end) < 10)).toBe(true)
  })

  test("comes back smoothly from the codec's own guess while that fades", () => {
    const codec = createPcmCodec(8000)
    const decoder = new ConcealingDecoder(guessingDecoder([]))
    const samples = new Int16Array(160)
    const payload = encodeFrames(codec, new Int16Array(160).fill(1000), 160)[0]!
    decoder.decode(new Uint8Array(320), samples)
    decoder.decode(payload, samples)
    for (let i = 0; i < 4; i += 1) decoder.conceal(samples)
    const last = samples[159]!
    decoder.decode(payload, samples)
    expect(Math.abs(samples[0]! - last)).toBeLessThan(30)
    expect(largestStep(samples)).toBeLessThan(30)
    expect(samples[159]).toBe(1000)
  })

  test('joins audio that does not follow, when told', () => {
    const codec = createPcmCodec(8000)
    const [first, second] = encodeFrames(codec, tone(8000, 200, 60), 240)
    const heard = (isTold: boolean): Int16Array => {
      const decoder = new ConcealingDecoder(codec.createDecoder())
      const samples = new Int16Array(480)
      decoder.decode(first!, samples)
      if (isTold) decoder.interrupt()
      // 10 samples are left out: a quarter of a period.
      decoder.decode(second!.subarray(20), samples.subarray(240))
      return samples.subarray(0, 470)
    }
    const step = largestStep(tone(8000, 200))
    expect(largestStep(heard(false))).toBeGreaterThan(5 * step)
    expect(largestStep(heard(true))).toBeLessThan(1.5 * step)
  })

  test('makes the noise that a comfort noise packet asks for', () => {
    const decoder = new ConcealingDecoder(pcmu.createDecoder())
    const samples = new Int16Array(800)
    decoder.interrupt(Uint8Array.of(50))
    for (let i = 0; i < 2; i += 1) decoder.conceal(samples)
    // RFC 3389 counts from a square wave, which is 3 dB stronger than the sine of `rmsDb`.
    expect(Math.abs(rmsDb(samples) + 50 - 3)).toBeLessThan(1)
  })

  test('closes the decoder that it owns', () => {
    let closed = 0
    const decoder = new ConcealingDecoder({ ...pcmu.createDecoder(), close: () => (closed += 1) })
    decoder.close()
    expect(closed).toBe(1)
  })
})
