import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { generateDtmf } from '#audio/dtmf-generator.ts'
import { DtmfReader } from '#audio/dtmf-reader.ts'
import { SoftLimiter } from '#audio/soft-limiter.ts'
import { cut } from './chunks.ts'
import { fitSine } from './fit-sine.ts'

const RATES = [8000, 16_000, 24_000, 48_000]

/** Sums that overshoot 16 bits by `overDb` at their peaks. */
function sine(frequencyHz: number, sampleRate: number, overDb: number, seconds = 1): Int32Array {
  const amplitude = 32_767 * 10 ** (overDb / 20)
  const step = (2 * Math.PI * frequencyHz) / sampleRate
  return Int32Array.from({ length: seconds * sampleRate }, (_, i) => amplitude * Math.sin(step * i))
}

function limitAll(mix: Int32Array, sampleRate: number, frameSamples = sampleRate / 50): Int16Array {
  const limiter = new SoftLimiter(sampleRate)
  const out = new Int16Array(mix.length)
  for (let from = 0; from < mix.length; from += frameSamples) {
    const to = Math.min(mix.length, from + frameSamples)
    limiter.limit(mix.subarray(from, to), out.subarray(from, to))
  }
  return out
}

describe('SoftLimiter', () => {
  test('gives back what fits 16 bits bit for bit, to both ends of the range', () => {
    const mix = Int32Array.of(0, 1, -1, 20_000, 32_767, -32_768, 32_767, -32_768, 0)
    expect([...limitAll(mix, 8000)]).toEqual([...mix])
  })

  test.each(RATES)('makes no overtones of a sine that is 6 dB too loud, at %d Hz', (rate) => {
    const out = limitAll(sine(440, rate, 6), rate).subarray(rate / 10)
    const fit = fitSine(out, 440, rate)
    expect(fit.residueDb).toBeLessThan(-60)
    expect(fit.levelDb).toBeGreaterThan(-0.5)
  })

  test('makes few overtones of the lowest voice, whose periods are as long as a frame', () => {
    const out = limitAll(sine(60, 8000, 6), 8000).subarray(800)
    expect(fitSine(out, 60, 8000).residueDb).toBeLessThan(-40)
  })

  test('leaves keys readable that two tones at full level make twice too loud', () => {
    const keys: string[] = []
    const reader = new DtmfReader((key) => keys.push(key))
    const mix = Int32Array.from(generateDtmf('159D', 8000, { levelDb: -6.1 }), (s) => s * 2)
    for (const frame of cut(limitAll(mix, 8000), [160])) reader.read(frame)
    expect(keys).toEqual(['1', '5', '9', 'D'])
  })

  test('never wraps or turns a sign around, whatever the sums and however they are cut', () => {
    const sums = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 60 })
    fc.assert(
      fc.property(fc.array(sums, { maxLength: 5 }), (frames) => {
        const limiter = new SoftLimiter(8000)
        for (const frame of frames) {
          const out = new Int16Array(frame.length)
          limiter.limit(Int32Array.from(frame), out)
          expect(frame.every((sum, i) => sum * out[i]! >= 0)).toBe(true)
        }
      }),
    )
  })

  test('never makes the mix louder, and fills the range at the peak', () => {
    const mix = Int32Array.from({ length: 8000 }, () => (Math.random() - 0.5) * 150_000)
    const out = limitAll(mix, 8000)
    expect(out.every((sample, i) => Math.abs(sample) <= Math.abs(mix[i]!))).toBe(true)
    expect(Math.max(...out)).toBeGreaterThan(32_000)
  })

  test('is transparent again a third of a second after a peak of 6 dB', () => {
    const quiet = sine(440, 8000, -20)
    const mix = Int32Array.of(...sine(440, 8000, 6, 0.1), ...quiet)
    const out = limitAll(mix, 8000).subarray(800)
    expect([...out.subarray(2800)]).toEqual([...quiet.subarray(2800)])
    // On the way there it moves evenly: no sample jumps.
    const ratio = fitSine(out.subarray(1100, 1300), 440, 8000).levelDb
    expect(ratio).toBeGreaterThan(-26.1)
    expect(ratio).toBeLessThan(-20.5)
  })

  test('takes an empty frame and a frame of one sample', () => {
    const limiter = new SoftLimiter(8000)
    const out = new Int16Array(1)
    limiter.limit(new Int32Array(0), out)
    limiter.limit(Int32Array.of(-70_000), out)
    expect([...out]).toEqual([-32_767])
    limiter.limit(new Int32Array(0), out)
    limiter.limit(Int32Array.of(70_000), out)
    expect([...out]).toEqual([32_767])
  })
})
