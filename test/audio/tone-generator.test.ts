import { describe, expect, test } from 'bun:test'
import { rmsDb } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { join } from './chunks.ts'
import { fitSine } from './fit-sine.ts'

describe('ToneGenerator', () => {
  test('makes a sine of the level and length asked for', () => {
    const samples = new ToneGenerator(8000, [{ frequencyHz: 440, levelDb: -10 }]).generate(1000)
    expect(samples).toHaveLength(8000)
    const fit = fitSine(samples, 440, 8000)
    expect(fit.levelDb).toBeCloseTo(-10, 2)
    expect(fit.phase).toBeCloseTo(0, 3)
    expect(fit.residueDb).toBeLessThan(-85)
  })

  test('goes on without a jump from one call to the next', () => {
    const tones = [{ frequencyHz: 333, levelDb: -6 }]
    const whole = new ToneGenerator(16_000, tones).generate(100)
    const generator = new ToneGenerator(16_000, tones)
    const pieces = join([20, 1, 19, 60].map((durationMs) => generator.generate(durationMs)))
    expect(pieces).toEqual(whole)
  })

  test('adds tones, and saturates where they are too much', () => {
    const tones = [200, 201].map((frequencyHz) => ({ frequencyHz, levelDb: 0 }))
    const samples = new ToneGenerator(8000, tones).generate(100)
    expect(Math.max(...samples)).toBe(32_767)
    expect(Math.min(...samples)).toBe(-32_768)
  })

  test('is silent without tones', () => {
    expect(rmsDb(new ToneGenerator(8000, []).generate(20))).toBe(Number.NEGATIVE_INFINITY)
  })
})
