import { describe, expect, test } from 'bun:test'
import { TimeStretcher } from '#audio/time-stretcher.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { join } from './chunks.ts'
import { largestStep } from './concealment/quality.ts'

const RATES = [8000, 16_000, 24_000, 48_000]

/** One second of `sound`, each third frame made shorter or longer. */
function stretch(sound: Int16Array, sampleRate: number, how: 'shrink' | 'grow'): Int16Array {
  const stretcher = new TimeStretcher(sampleRate, sampleRate / 50)
  const frame = sampleRate / 50
  const room = new Int16Array(2 * frame)
  const frames: Int16Array[] = []
  for (let i = 0; i < 50; i += 1) {
    room.set(sound.subarray(i * frame, (i + 1) * frame))
    const count = i % 3 === 0 ? stretcher[how](room, frame) : frame
    frames.push(room.slice(0, count))
  }
  return join(frames)
}

function hiss(count: number, rms: number): Int16Array {
  const random = seededRandom(5)
  return Int16Array.from({ length: count }, () => (random() - 0.5) * Math.sqrt(12) * rms)
}

describe('TimeStretcher', () => {
  describe.each(RATES)('at %d Hz', (sampleRate) => {
    test.each(['shrink', 'grow'] as const)('can %s a tone that stays pure', (how) => {
      for (const frequencyHz of [130, 437, 1003]) {
        const sound = new ToneGenerator(sampleRate, [{ frequencyHz, levelDb: -6 }]).generate(1000)
        const heard = stretch(sound, sampleRate, how)
        const change = (heard.length - sound.length) / sound.length
        expect(Math.abs(change)).toBeGreaterThan(0.04)
        expect(change < 0).toBe(how === 'shrink')
        expect(largestStep(heard)).toBeLessThan(1.2 * largestStep(sound))
        expect(findTones(heard, sampleRate)[0]!).toBeWithin(frequencyHz - 6, frequencyHz + 6)
        expect(Math.abs(rmsDb(heard) - rmsDb(sound))).toBeLessThan(1)
      }
    })
  })

  test('keeps the beginning and the end of the frame', () => {
    const sound = new ToneGenerator(8000, [{ frequencyHz: 250, levelDb: -6 }]).generate(20)
    const stretcher = new TimeStretcher(8000, 160)
    const samples = new Int16Array(240)
    samples.set(sound)
    const count = stretcher.shrink(samples, 160)
    expect(samples.subarray(0, 40)).toEqual(sound.slice(0, 40))
    expect(samples.subarray(count - 40, count)).toEqual(sound.slice(120))
  })

  test('leaves a loud hiss as it is, unless it is forced', () => {
    const stretcher = new TimeStretcher(8000, 160)
    const sound = hiss(240, 3000)
    const samples = hiss(240, 3000)
    expect(stretcher.shrink(samples, 160)).toBe(160)
    expect(stretcher.grow(samples, 160)).toBe(160)
    expect(samples).toEqual(sound)
    expect(stretcher.shrink(samples, 160, true)).toBeWithin(80, 141)
    expect(stretcher.grow(samples, 160, true)).toBeWithin(180, 241)
  })

  test('uses quiet moments, whatever they hold', () => {
    const stretcher = new TimeStretcher(8000, 160)
    expect(stretcher.shrink(hiss(240, 20), 160)).toBeLessThan(160)
    expect(stretcher.grow(new Int16Array(240), 160)).toBeGreaterThan(160)
  })

  test.each([0, 1, 7, 39])('leaves %d samples as they are: too short', (count) => {
    const stretcher = new TimeStretcher(8000, 160)
    expect(stretcher.shrink(new Int16Array(240), count, true)).toBe(count)
    expect(stretcher.grow(new Int16Array(240), count, true)).toBe(count)
  })
})
