import { describe, expect, test } from 'bun:test'
import { PeriodFinder } from '#audio/period-finder.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** The search of the concealment: periods of 2.5 to 15 ms in the last 15 of 40 ms. */
function find(sampleRate: number, samples: Int16Array): PeriodFinder {
  const finder = new PeriodFinder(sampleRate, samples.length)
  finder.find(samples, samples.length, {
    window: (15 * sampleRate) / 1000,
    min: (2.5 * sampleRate) / 1000,
    max: (15 * sampleRate) / 1000,
  })
  return finder
}

/** A voice at its simplest: a pulse per period, ringing. */
function voice(sampleRate: number, pitchHz: number): Int16Array {
  const tones = Array.from({ length: 8 }, (_, i) => ({
    frequencyHz: (i + 1) * pitchHz,
    levelDb: -20 - 3 * i,
  }))
  return new ToneGenerator(sampleRate, tones).generate(40)
}

describe('PeriodFinder', () => {
  test.each([8000, 16_000, 24_000, 48_000])('finds the pitch of a voice at %d Hz', (sampleRate) => {
    for (const pitchHz of [70, 95, 130, 210, 390]) {
      const { period, likeness } = find(sampleRate, voice(sampleRate, pitchHz))
      const periods = (period * pitchHz) / sampleRate
      // Two or three periods are as good as one.
      expect(Math.round(periods)).toBeGreaterThan(0)
      expect(Math.abs(periods - Math.round(periods)) * (sampleRate / pitchHz)).toBeLessThan(1.1)
      expect(likeness).toBeGreaterThan(0.9)
    }
  })

  test('finds no voice in a hiss, and none in silence', () => {
    const random = seededRandom(3)
    const hiss = Int16Array.from({ length: 320 }, () => 8000 * (random() - 0.5))
    expect(find(8000, hiss).likeness).toBeLessThan(0.5)
    expect(find(8000, new Int16Array(320)).likeness).toBe(0)
  })

  test('stays between the bounds for any sound', () => {
    for (let seed = 1; seed < 50; seed += 1) {
      const random = seededRandom(seed)
      const { period } = find(
        8000,
        Int16Array.from({ length: 320 }, () => 65_535 * random() - 32_768),
      )
      expect(period).toBeWithin(20, 121)
    }
  })
})
