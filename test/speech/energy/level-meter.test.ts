import { describe, expect, test } from 'bun:test'
import { LevelMeter } from '#speech/energy/level-meter.ts'
import { synthesize, tone } from '../../support/voice-audio.ts'

/** The level of the second half of a second, when the filters have settled. */
function measure(sampleRate: number, samples: Int16Array): number {
  const meter = new LevelMeter(sampleRate)
  meter.add(samples, 0, sampleRate / 2)
  meter.takeDb()
  meter.add(samples, sampleRate / 2, sampleRate)
  return meter.takeDb()
}

describe('LevelMeter', () => {
  test.each([8000, 16_000, 24_000, 48_000])('a tone of 1 kHz has its level at %d Hz', (rate) => {
    const samples = synthesize(rate, 1, { db: -20, wave: tone(1000) })
    // A sine is 3 dB below a square wave, and the filters take 2 dB at 1 kHz.
    expect(Math.abs(measure(rate, samples) + 24.9)).toBeLessThan(0.3)
  })

  test('a hum of 50 Hz counts 20 dB less, and an offset nothing', () => {
    const hum = synthesize(8000, 1, { db: -20, wave: tone(50) })
    expect(measure(8000, hum)).toBeLessThan(-43)
    expect(measure(8000, new Int16Array(8000).fill(9000))).toBeLessThan(-110)
  })

  test('digital silence, and no audio at all, is -120 dB', () => {
    expect(measure(8000, new Int16Array(8000))).toBeCloseTo(-120.3, 1)
    expect(new LevelMeter(8000).takeDb()).toBeCloseTo(-120.3, 1)
  })
})
