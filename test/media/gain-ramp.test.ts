import { describe, expect, test } from 'bun:test'
import { GainRamp } from '#media/gain-ramp.ts'

const apply = (ramp: GainRamp, samples: Int16Array) => {
  const mix = new Int32Array(samples.length)
  ramp.addTo(mix, samples)
  return [...mix]
}

describe('GainRamp', () => {
  test('moves in a straight line, over any cut of the samples', () => {
    const whole = new GainRamp(8_000, 0)
    whole.moveTo(1)
    const expected = apply(whole, new Int16Array(80).fill(4_000))
    expect(expected.slice(0, 3)).toEqual([100, 200, 300])
    expect(expected.slice(39)).toEqual(new Array(41).fill(4_000))
    const pieces = new GainRamp(8_000, 0)
    pieces.moveTo(1)
    const cut = [7, 1, 40, 32].flatMap((length) =>
      apply(pieces, new Int16Array(length).fill(4_000)),
    )
    expect(cut).toEqual(expected)
    expect(pieces.isUnity).toBe(true)
  })

  test('turns round in the middle without a jump', () => {
    const ramp = new GainRamp(8_000, 1)
    ramp.moveTo(0)
    const down = apply(ramp, new Int16Array(20).fill(4_000))
    ramp.moveTo(1)
    const up = apply(ramp, new Int16Array(60).fill(4_000))
    expect(down.at(-1)).toBeWithin(1_999, 2_001)
    expect(up[0]).toBeWithin(2_049, 2_051)
    expect(up.at(-1)).toBe(4_000)
  })

  test('adds to what is in the mix, and adds nothing at gain 0', () => {
    const mix = Int32Array.of(1, 2, 3)
    new GainRamp(8_000, 2).addTo(mix, Int16Array.of(10, 20))
    expect([...mix]).toEqual([21, 42, 3])
    new GainRamp(8_000, 0).addTo(mix, Int16Array.of(10, 20))
    expect([...mix]).toEqual([21, 42, 3])
  })
})
