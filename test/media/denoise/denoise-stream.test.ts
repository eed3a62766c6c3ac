import { beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Resampler } from '#audio/resampler.ts'
import { DenoiseStream } from '#media/denoise/denoise-stream.ts'
import { Rnnoise } from '#media/denoise/rnnoise.ts'
import { chunkSizes, cut } from '../../audio/chunks.ts'
import { atLevel, levelDb, mix, pinkNoise, whiteNoise } from '../../audio/noise.ts'

const RATES = [8000, 16_000, 24_000, 48_000]
let rnnoise: Rnnoise
let speech16: Int16Array

beforeAll(async () => {
  rnnoise = await Rnnoise.load()
  const file = Bun.file(new URL('../../fixtures/vad/austen-16k.s16le', import.meta.url))
  speech16 = new Int16Array(await file.arrayBuffer())
})

function speechAt(sampleRate: number): Int16Array {
  return new Resampler(16_000, sampleRate).resample(speech16).slice()
}

/** What a stream makes of `samples`: as many, but for the last frame, and where they stood. */
function clean(samples: Int16Array, sampleRate: number, sizes = [sampleRate / 50]): Int16Array {
  const stream = new DenoiseStream(rnnoise, sampleRate)
  const cleaned = new Int16Array(samples.length)
  let length = 0
  for (const frame of cut(samples, sizes)) {
    stream.push(frame, (out) => {
      cleaned.set(out, length)
      length += out.length
    })
  }
  stream.close()
  return cleaned.subarray(0, length)
}

/**
 * Segmental signal-to-noise ratio, that is the mean of those of 20 ms each, from -10 to 35 dB; and
 * how much of the reference is in it, in dB. Where the reference is silent, nothing is compared.
 */
function compare(samples: Int16Array, reference: Int16Array, sampleRate: number) {
  const size = sampleRate / 50
  let [ratios, likeness, power, count] = [0, 0, 0, 0]
  for (let from = 0; from + size <= samples.length; from += size) {
    const frame = reference.subarray(from, from + size)
    if (levelDb(frame) < -50) continue
    let [signal, error] = [0, 0]
    for (const [i, value] of frame.entries()) {
      signal += value ** 2
      error += (samples[from + i]! - value) ** 2
      likeness += samples[from + i]! * value
    }
    ratios += Math.max(-10, Math.min(35, 10 * Math.log10(signal / (error + 1))))
    power += signal
    count += 1
  }
  return { ratioDb: ratios / count, levelDb: 20 * Math.log10(likeness / power) }
}

/** How many samples later `samples` is than `reference`, by the peak of the cross-correlation. */
function lag(samples: Int16Array, reference: Int16Array, from: number, span: number): number {
  let best = { sum: 0, lag: Number.NaN }
  for (let shift = -span; shift <= span; shift += 1) {
    let sum = 0
    for (let i = from; i < from + 8000; i += 1) sum += reference[i]! * samples[i + shift]!
    if (sum > best.sum) best = { sum, lag: shift }
  }
  return best.lag
}

describe('DenoiseStream', () => {
  test.each(RATES)('lowers pink noise at -30 dBFS by 15 dB and more, at %d Hz', (rate) => {
    const cleaned = clean(atLevel(pinkNoise(rate * 3), -30), rate)
    expect(levelDb(cleaned.subarray(rate * 2))).toBeLessThan(-45)
  })

  test.each([8000, 16_000])('lowers white noise as much after speech, at %d Hz', (rate) => {
    const speech = speechAt(rate)
    const noise = atLevel(whiteNoise(rate * 3), -30)
    const cleaned = clean(Int16Array.of(...speech, ...noise), rate)
    expect(levelDb(cleaned.subarray(speech.length + rate * 2))).toBeLessThan(-45)
  })

  test.each(RATES)(
    'brings speech out of noise 5 dB below it, and keeps its level, at %d Hz',
    (rate) => {
      const speech = atLevel(speechAt(rate), -22)
      const noisy = mix(speech, atLevel(pinkNoise(speech.length, 7), -27))
      const before = compare(noisy, speech, rate)
      const after = compare(clean(noisy, rate), speech, rate)
      expect(after.ratioDb).toBeGreaterThan(before.ratioDb + 1.5)
      expect(Math.abs(after.levelDb)).toBeLessThan(3)
    },
  )

  test.each(RATES)('leaves speech without noise as it is, and where it is, at %d Hz', (rate) => {
    const speech = atLevel(speechAt(rate), -22)
    const cleaned = clean(speech, rate)
    for (const second of [0.5, 1.5]) {
      expect(lag(cleaned, speech, second * rate, rate / 50)).toBe(0)
    }
    const { ratioDb, levelDb: changeDb } = compare(cleaned, speech, rate)
    // The network's input filter turns the phase of the lowest tones, which counts as an error.
    expect(ratioDb).toBeGreaterThan(6)
    expect(Math.abs(changeDb)).toBeLessThan(1.5)
  })

  test.each(RATES)('gives each frame of 20 ms with the next one, at %d Hz', (rate) => {
    const stream = new DenoiseStream(rnnoise, rate)
    const size = rate / 50
    for (let frame = 0; frame < 20; frame += 1) {
      const lengths: number[] = []
      stream.push(new Int16Array(size).fill(100), ({ length }) => lengths.push(length))
      expect(lengths).toEqual(frame === 0 ? [] : [size])
    }
    expect(stream.lookaheadSamples).toBeLessThanOrEqual(size)
    stream.close()
  })

  test('gives the same however the stream is cut, and holds back no more than it says', () => {
    const speech = speechAt(8000).subarray(8000, 12_000)
    const whole = clean(speech, 8000)
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        const cleaned = clean(speech, 8000, sizes)
        const length = Math.min(cleaned.length, whole.length)
        expect(cleaned.subarray(0, length)).toEqual(whole.subarray(0, length))
      }),
      { numRuns: 8 },
    )
  })

  test('many streams and their ends take no more memory than one', () => {
    const first = rnnoise.openState()
    rnnoise.closeState(first)
    const states = new Set(
      Array.from({ length: 50 }, () => {
        const state = rnnoise.openState()
        rnnoise.closeState(state)
        return state
      }),
    )
    expect([...states]).toEqual([first])
  })
})
