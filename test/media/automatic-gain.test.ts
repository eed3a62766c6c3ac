import { beforeAll, describe, expect, test } from 'bun:test'
import type { AudioFrame } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { AutomaticGain } from '#media/automatic-gain.ts'
import { fitSine } from '../audio/fit-sine.ts'
import { atLevel, levelDb, mix, pinkNoise, whiteNoise } from '../audio/noise.ts'

const RATES = [8000, 16_000, 24_000, 48_000]
let speech16: Int16Array

beforeAll(async () => {
  const file = Bun.file(new URL('../fixtures/vad/austen-16k.s16le', import.meta.url))
  speech16 = new Int16Array(await file.arrayBuffer())
})

function* framesOf(samples: Int16Array, sampleRate: number): Generator<AudioFrame> {
  const size = sampleRate / 50
  for (let position = 0; position + size <= samples.length; position += size) {
    yield { samples: samples.subarray(position, position + size), sampleRate, position }
  }
}

function run(gain: AutomaticGain, samples: Int16Array, sampleRate: number): Int16Array {
  const out: number[] = []
  for (const frame of framesOf(samples, sampleRate)) {
    gain.process(frame, (raised) => out.push(...raised.samples))
  }
  return Int16Array.from(out)
}

/** Mean power of the frames within 15 dB of the loudest tenth, as ITU-T P.56 has it. */
function activeLevelDb(samples: Int16Array, sampleRate: number): number {
  const frames = [...framesOf(samples, sampleRate)].map((frame) => frame.samples)
  const levels = frames.map(levelDb).sort((a, b) => b - a)
  const loud = levels[Math.floor(levels.length / 10)]!
  const active = frames.filter((frame) => levelDb(frame) > loud - 15)
  return levelDb(Int16Array.from(active.flatMap((frame) => [...frame])))
}

/** Three seconds of somebody talking, whose loud parts are at `db`. */
function speechAt(db: number, sampleRate: number): Int16Array {
  const speech = new Resampler(16_000, sampleRate).resample(speech16).slice()
  return atLevel(speech, levelDb(speech) + db - activeLevelDb(speech, sampleRate))
}

describe('AutomaticGain', () => {
  const levels = [-45, -30, -20, -10].flatMap((db) => RATES.map((rate) => [db, rate] as const))
  test.each(levels)('brings speech at %d dBFS to the target within 3 s, at %d Hz', (db, rate) => {
    const gain = new AutomaticGain()
    const speech = speechAt(db, rate)
    run(gain, speech, rate)
    expect(Math.abs(activeLevelDb(run(gain, speech, rate), rate) + 20)).toBeLessThan(3)
  })

  test('does the same for speech over noise 15 dB below it', () => {
    const gain = new AutomaticGain()
    const speech = speechAt(-35, 8000)
    const noisy = mix(speech, atLevel(pinkNoise(speech.length), -50))
    run(gain, noisy, 8000)
    expect(Math.abs(activeLevelDb(run(gain, noisy, 8000), 8000) + 20)).toBeLessThan(3)
  })

  test.each([
    [-50, whiteNoise],
    [-50, pinkNoise],
    [-30, pinkNoise],
  ])('does not raise noise at %d dBFS for its own sake', (db, noise) => {
    const gain = new AutomaticGain()
    run(gain, atLevel(noise(8000 * 6), db), 8000)
    expect(Math.abs(gain.gainDb)).toBeLessThan(3)
  })

  test('raises noise that sets in by a few dB at most, and silence never', () => {
    const gain = new AutomaticGain()
    run(gain, new Int16Array(8000), 8000)
    expect(gain.gainDb).toBe(0)
    run(gain, atLevel(pinkNoise(8000), -64), 8000)
    run(gain, atLevel(pinkNoise(8000 * 4), -45), 8000)
    expect(gain.gainDb).toBeLessThan(8)
    expect(gain.gainDb).toBeGreaterThanOrEqual(0)
  })

  test('stands still in pauses: the noise between words is not pumped', () => {
    const gain = new AutomaticGain()
    const speech = speechAt(-35, 8000)
    run(gain, speech, 8000)
    run(gain, speech, 8000)
    const before = gain.gainDb
    run(gain, atLevel(pinkNoise(8000 * 5), -60), 8000)
    expect(gain.gainDb).toBe(before)
    const gains: number[] = []
    for (const frame of framesOf(speech, 8000)) gain.process(frame, () => gains.push(gain.gainDb))
    expect(Math.max(...gains) - Math.min(...gains)).toBeLessThan(3)
  })

  test('leaves speech alone that is as loud as it should be', () => {
    const speech = speechAt(-20, 8000)
    const gain = new AutomaticGain()
    run(gain, speech, 8000)
    run(gain, speech, 8000)
    expect(Math.abs(gain.gainDb)).toBeLessThan(2)
  })

  test('gives back bit for bit what it has not yet learned anything about', () => {
    const tone = new ToneGenerator(8000, [{ frequencyHz: 440, levelDb: 0 }]).generate(1000)
    expect(run(new AutomaticGain(), tone, 8000)).toEqual(tone)
  })

  test('lets a sudden shout neither clip nor wrap, and turns it down', () => {
    const gain = new AutomaticGain()
    const quiet = speechAt(-45, 8000)
    run(gain, quiet, 8000)
    expect(gain.gainDb).toBeGreaterThan(20)
    const shout = speechAt(-10, 8000)
    const out = run(gain, shout, 8000)
    const clipped = out.filter((sample) => Math.abs(sample) >= 32_767).length
    // The limiter touches the end of the range with the peak of a frame, and never stays there.
    expect(clipped).toBeLessThan(100)
    expect(out.every((sample, i) => sample * shout[i]! >= 0)).toBe(true)
    expect(Math.abs(activeLevelDb(run(gain, shout, 8000), 8000) + 20)).toBeLessThan(3)
  })

  test.each(RATES)('a sine stays a sine at a gain that has settled, at %d Hz', (rate) => {
    const gain = new AutomaticGain()
    run(gain, speechAt(-35, rate), rate)
    const tone = new ToneGenerator(rate, [{ frequencyHz: 440, levelDb: -30 }])
    run(gain, tone.generate(400), rate)
    const { residueDb, levelDb: raisedDb } = fitSine(
      run(gain, tone.generate(1000), rate),
      440,
      rate,
    )
    expect(residueDb).toBeLessThan(-50)
    expect(raisedDb).toBeCloseTo(-30 + gain.gainDb, 1)
  })

  test('keeps to the bounds it is given', () => {
    const gain = new AutomaticGain({ targetDb: -26, maxGainDb: 12 })
    const speech = speechAt(-45, 8000)
    run(gain, speech, 8000)
    expect(gain.gainDb).toBeLessThanOrEqual(12)
    expect(gain.gainDb).toBeGreaterThan(10.5)
    run(gain, speechAt(-20, 8000), 8000)
    expect(Math.abs(gain.gainDb + 6)).toBeLessThan(2)
  })

  test('does not change the frame it gets, and passes one like it on', () => {
    const gain = new AutomaticGain()
    run(gain, speechAt(-35, 8000), 8000)
    const frame = { samples: new Int16Array(160).fill(100), sampleRate: 8000, position: 4711 }
    gain.process(frame, (out) => {
      expect(out.samples).toHaveLength(160)
      expect(out.samples[159]).toBeGreaterThan(200)
      expect(out).toMatchObject({ sampleRate: 8000, position: 4711 })
    })
    expect(frame.samples.every((sample) => sample === 100)).toBe(true)
    gain.process({ samples: new Int16Array(0), sampleRate: 8000, position: 0 }, (out) => {
      expect(out.samples).toHaveLength(0)
    })
    gain.process({ ...frame, sampleRate: 16_000 }, (out) => expect(out.sampleRate).toBe(16_000))
    gain.close()
    expect(String(gain)).toBe('AutomaticGain')
  })
})
