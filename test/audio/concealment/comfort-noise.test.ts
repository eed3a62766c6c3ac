import { describe, expect, test } from 'bun:test'
import { ComfortNoise } from '#audio/concealment/comfort-noise.ts'
import { rmsDb } from '#audio/tone-detector.ts'

function take(noise: ComfortNoise, count = 20_000): Int16Array {
  return Int16Array.from({ length: count }, () => Math.round(noise.next()))
}

/** Correlation of neighbouring samples. */
function tiltOf(samples: Int16Array): number {
  let square = 0
  let product = 0
  for (let i = 1; i < samples.length; i += 1) {
    square += samples[i]! ** 2
    product += samples[i]! * samples[i - 1]!
  }
  return product / square
}

describe('ComfortNoise', () => {
  test.each([-0.6, 0, 0.5, 0.9])('has the level and the tilt that it is set to: %d', (tilt) => {
    const noise = new ComfortNoise()
    noise.set(327.67, tilt)
    const samples = take(noise)
    expect(Math.abs(rmsDb(samples) - (-40 + 3))).toBeLessThan(0.6)
    expect(Math.abs(tiltOf(samples) - tilt)).toBeLessThan(0.03)
  })

  test('is silent at first', () => {
    expect(new Set(take(new ComfortNoise(), 100))).toEqual(new Set([0]))
  })

  test('reads level and tilt from an RFC 3389 payload', () => {
    const noise = new ComfortNoise()
    // 40 dB below overload; the first reflection coefficient is (64 - 127) / 127 = -0.5.
    noise.read(Uint8Array.of(40, 64))
    const samples = take(noise)
    expect(Math.abs(rmsDb(samples) - (-40 + 3))).toBeLessThan(0.6)
    expect(tiltOf(samples)).toBeWithin(0.45, 0.55)
  })

  test('takes a coefficient that the RFC reserves for none', () => {
    const noise = new ComfortNoise()
    noise.read(Uint8Array.of(40, 255))
    expect(tiltOf(take(noise))).toBeWithin(-0.05, 0.05)
  })

  test('is another one in every call, so that two of them do not add up', () => {
    const [a, b] = [new ComfortNoise(), new ComfortNoise()]
    for (const noise of [a, b]) noise.set(1000, 0)
    const sum = Int16Array.from({ length: 20_000 }, () => Math.round(a.next() + b.next()))
    expect(rmsDb(sum)).toBeWithin(-27.3 + 3 - 0.6, -27.3 + 3 + 0.6)
  })

  test('ignores an empty payload, and stays bounded for any other', () => {
    const noise = new ComfortNoise()
    noise.read(new Uint8Array(0))
    expect(noise.next()).toBe(0)
    noise.read(Uint8Array.of(255, 255))
    for (const sample of take(noise)) expect(Math.abs(sample)).toBeLessThan(100)
  })
})
