import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { AudioError } from '#audio/audio-error.ts'
import { Resampler } from '#audio/resampler.ts'
import { rmsDb } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { chunkSizes, cut, join } from './chunks.ts'
import { fitSine } from './fit-sine.ts'

/** Every change among the gateway's own rates, then some that files bring. */
const OWN_RATES = [8000, 16_000, 24_000, 48_000]
const OWN_PAIRS = OWN_RATES.flatMap((from) =>
  OWN_RATES.filter((to) => to !== from).map((to): [number, number] => [from, to]),
)
const FILE_PAIRS: [number, number][] = [
  [11_025, 8000],
  [22_050, 16_000],
  [32_000, 24_000],
  [44_100, 8000],
  [44_100, 16_000],
  [44_100, 48_000],
  [96_000, 16_000],
  [12_347, 8000],
  [8000, 12_347],
  [44_101, 16_000],
]
const PAIRS = [...OWN_PAIRS, ...FILE_PAIRS]
const DOWNWARDS = PAIRS.filter(([from, to]) => from > 1.3 * to)

function tone(frequencyHz: number, sampleRate: number, levelDb = -10): Int16Array {
  return new ToneGenerator(sampleRate, [{ frequencyHz, levelDb }]).generate(500)
}

function resampleWhole(samples: Int16Array, from: number, to: number, sizes = [480]): Int16Array {
  const resampler = new Resampler(from, to)
  const parts: number[] = []
  for (const chunk of cut(samples, sizes)) parts.push(...resampler.resample(chunk))
  parts.push(...resampler.flush())
  return Int16Array.from(parts)
}

/** Without the beginning and the end, where the tone is switched on and off. */
function middle(samples: Int16Array): Int16Array {
  return samples.subarray(Math.floor(samples.length / 5), Math.floor((samples.length * 4) / 5))
}

describe('Resampler', () => {
  test.each(PAIRS)('keeps a 1 kHz tone pure to -80 dB from %d to %d Hz', (from, to) => {
    const output = resampleWhole(tone(1000, from), from, to)
    const fit = fitSine(middle(output), 1000, to)
    expect(fit.residueDb).toBeLessThan(-80)
    expect(fit.levelDb).toBeCloseTo(-10, 1)
  })

  test.each(PAIRS)(
    'is flat to 0.85 of the lower Nyquist frequency from %d to %d Hz',
    (from, to) => {
      for (const share of [0.05, 0.5, 0.7, 0.8, 0.85]) {
        const frequencyHz = (share * Math.min(from, to)) / 2
        const output = resampleWhole(tone(frequencyHz, from), from, to)
        expect(Math.abs(fitSine(middle(output), frequencyHz, to).levelDb + 10)).toBeLessThan(0.1)
      }
    },
  )

  test.each(PAIRS)('leaves no image above -75 dB from %d to %d Hz', (from, to) => {
    const frequencyHz = 0.85 * (Math.min(from, to) / 2)
    const output = resampleWhole(tone(frequencyHz, from, -1), from, to)
    // All that is not the tone: images, but also rounding and nonlinearity.
    expect(fitSine(middle(output), frequencyHz, to).residueDb).toBeLessThan(-75)
  })

  test.each(DOWNWARDS)('lets no alias through above -75 dB from %d to %d Hz', (from, to) => {
    for (const share of [1.125, 1.25]) {
      const input = tone((share * to) / 2, from, -1)
      expect(rmsDb(middle(resampleWhole(input, from, to)))).toBeLessThan(-76)
    }
  })

  test.each(PAIRS)('begins where its input begins, from %d to %d Hz', (from, to) => {
    const output = resampleWhole(tone(1000, from), from, to)
    const start = Math.floor(output.length / 5)
    const { phase } = fitSine(middle(output), 1000, to)
    const expected = (2 * Math.PI * 1000 * start) / to
    expect(Math.cos(phase - expected)).toBeGreaterThan(0.999_999)
  })

  test('gives the same however its input is cut, and round(n * to / from) samples', () => {
    const pair = fc.constantFrom(...PAIRS)
    fc.assert(
      fc.property(
        fc.int16Array({ maxLength: 3000 }),
        pair,
        chunkSizes,
        (input, [from, to], sizes) => {
          const whole = resampleWhole(input, from, to, [input.length || 1])
          expect(resampleWhole(input, from, to, sizes)).toEqual(whole)
          expect(whole).toHaveLength(Math.round((input.length * to) / from))
        },
      ),
    )
  })

  test('gives the same for chunks longer than its work buffer', () => {
    const input = tone(1000, 48_000)
    expect(resampleWhole(input, 48_000, 16_000, [24_000])).toEqual(
      resampleWhole(input, 48_000, 16_000, [960]),
    )
  })

  test.each(OWN_PAIRS)('live, gives a frame for a frame from %d to %d Hz', (from, to) => {
    const resampler = new Resampler(from, to, { isLive: true })
    for (let i = 0; i < 5; i += 1) {
      expect(resampler.resample(new Int16Array(from / 50))).toHaveLength(to / 50)
    }
    expect(resampler.flush()).toHaveLength(resampler.delaySamples)
  })

  test('live, gives the same sound as otherwise, later by its delay', () => {
    const input = tone(700, 8000)
    const resampler = new Resampler(8000, 16_000, { isLive: true })
    const late = join([resampler.resample(input).slice(), resampler.flush()])
    expect(resampler.delaySamples).toBe(40)
    expect(late.subarray(40)).toEqual(resampleWhole(input, 8000, 16_000))
    expect(rmsDb(late.subarray(0, 20))).toBeLessThan(-60)
  })

  test('is ready for a new stream after flush', () => {
    const input = tone(700, 8000)
    const resampler = new Resampler(8000, 16_000)
    const first = join([resampler.resample(input).slice(), resampler.flush()])
    const second = join([resampler.resample(input).slice(), resampler.flush()])
    expect(second).toEqual(first)
  })

  test('saturates where the filter overshoots', () => {
    const square = Int16Array.from({ length: 800 }, (_, i) => (i & 16 ? 32_767 : -32_768))
    const output = resampleWhole(square, 8000, 16_000)
    expect(Math.max(...output)).toBe(32_767)
    expect(Math.min(...output)).toBe(-32_768)
    // Between two equal input samples the sign cannot turn, as it would if values wrapped.
    for (let i = 1; i < square.length; i += 1) {
      if (square[i] === square[i - 1]) expect(output[2 * i - 1]! * square[i]!).toBeGreaterThan(0)
    }
  })

  test('passes a constant unchanged at every phase', () => {
    const output = resampleWhole(new Int16Array(4410).fill(1234), 44_100, 48_000)
    expect(new Set(output.subarray(100, -100))).toEqual(new Set([1234]))
  })

  test('passes samples through at equal rates', () => {
    const resampler = new Resampler(16_000, 16_000)
    const input = Int16Array.of(1, 2, 3)
    expect(resampler.resample(input)).toEqual(input)
    expect(resampler.flush()).toHaveLength(0)
    expect(resampler.delaySamples).toBe(0)
  })

  test.each([0, -8000, 999, 8000.5, Number.NaN, Number.POSITIVE_INFINITY, 768_001])(
    'refuses a rate of %p',
    (rate) => {
      expect(() => new Resampler(rate, 8000)).toThrow(AudioError)
      expect(() => new Resampler(8000, rate)).toThrow(AudioError)
    },
  )

  test('keeps its table small for the most awkward rates', () => {
    const output = resampleWhole(tone(200, 767_999), 767_999, 1000)
    expect(fitSine(middle(output), 200, 1000).residueDb).toBeLessThan(-75)
  })
})
