import { expect, test } from 'bun:test'
import { SPECTRUM_SAMPLES, SpectrumPair } from '#media/echo/spectrum-pair.ts'

test('SpectrumPair keeps two tones apart and finds each in its bin', () => {
  const pair = new SpectrumPair()
  for (let i = 0; i < SPECTRUM_SAMPLES; i += 1) {
    const angle = (2 * Math.PI * i) / SPECTRUM_SAMPLES
    pair.set(i, Math.cos(20 * angle), 2 * Math.sin(61 * angle))
  }
  pair.transform()
  const first = pair.firstPower(19, 22)
  const second = pair.secondPower(60, 63)
  expect(second / first).toBeCloseTo(4, 6)
  expect(pair.firstPower(1, 18) + pair.firstPower(23, 128)).toBeLessThan(first * 1e-6)
  expect(pair.secondPower(1, 59) + pair.secondPower(64, 128)).toBeLessThan(second * 1e-6)
})
