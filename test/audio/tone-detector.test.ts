import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'

function sound(frequencies: number[], durationMs: number, levelDb = -10): Int16Array {
  const tones = frequencies.map((frequencyHz) => ({ frequencyHz, levelDb }))
  return new ToneGenerator(8000, tones).generate(durationMs)
}

describe('findTones', () => {
  test.each([[[440]], [[697, 1209]], [[350, 440]], [[100, 1000, 3900]]])(
    'finds %p Hz in a second to 1 Hz',
    (frequencies) => {
      const found = findTones(sound(frequencies, 1000, -15), 8000)
      expect(found).toHaveLength(frequencies.length)
      for (const [i, frequency] of frequencies.entries()) {
        expect(Math.abs(found[i]! - frequency)).toBeLessThanOrEqual(1)
      }
    },
  )

  test('finds any single tone in 20 ms to 5 Hz', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 3800 }), (frequency) => {
        const found = findTones(sound([frequency], 20), 8000)
        expect(found).toHaveLength(1)
        expect(Math.abs(found[0]! - frequency)).toBeLessThanOrEqual(5)
      }),
    )
  })

  test('finds the two tones of a DTMF digit in 40 ms', () => {
    const [low, high] = findTones(sound([770, 1336], 40), 8000)
    expect(low).toBeWithin(765, 776)
    expect(high).toBeWithin(1331, 1342)
  })

  test('averages long audio, so that a tone in any part of it is found', () => {
    const samples = new Int16Array(40_000)
    samples.set(sound([440], 1000), 4000)
    samples.set(sound([1000], 1000), 25_000)
    expect(findTones(samples, 8000)).toEqual([440, 1000])
  })

  test('finds nothing in silence, in a whisper, in next to nothing', () => {
    expect(findTones(new Int16Array(8000), 8000)).toEqual([])
    expect(findTones(sound([440], 1000, -70), 8000)).toEqual([])
    expect(findTones(Int16Array.of(1, 2), 8000)).toEqual([])
  })

  test('leaves out tones more than 20 dB below the loudest', () => {
    const tones = [
      { frequencyHz: 440, levelDb: -10 },
      { frequencyHz: 1000, levelDb: -32 },
    ]
    expect(findTones(new ToneGenerator(8000, tones).generate(500), 8000)).toEqual([440])
  })
})

describe('rmsDb', () => {
  test('is the level of a sine', () => {
    expect(rmsDb(sound([1000], 1000, 0))).toBeCloseTo(0, 2)
    expect(rmsDb(sound([1000], 1000, -40))).toBeCloseTo(-40, 1)
  })

  test('of a full-scale square wave is 3 dB more', () => {
    expect(rmsDb(Int16Array.of(32_767, -32_767))).toBeCloseTo(3.01, 2)
  })

  test('of silence, and of nothing, is -Infinity', () => {
    expect(rmsDb(new Int16Array(10))).toBe(Number.NEGATIVE_INFINITY)
    expect(rmsDb(new Int16Array(0))).toBe(Number.NEGATIVE_INFINITY)
  })
})
