import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Peaks } from '#media/recorder/peaks.ts'

const RATE = 8000
const silence = (count: number) => new Int16Array(count)

test('a point stands for 10 ms of a short recording, a begun one counts', () => {
  const peaks = new Peaks(RATE)
  const left = silence(200)
  left[79] = -32_768
  left[80] = 1280
  left[190] = 255
  peaks.push(left, silence(200).fill(127))
  expect(peaks.toTable()).toEqual({ intervalMs: 10, left: [255, 10, 1], right: [0, 0, 0] })
})

test('a long one has at most a thousand points, and its peaks are where they were', () => {
  const peaks = new Peaks(RATE)
  for (let second = 0; second < 3600; second += 1) {
    const left = silence(RATE)
    if (second === 1800) left[0] = 12_800
    peaks.push(left, silence(RATE))
  }
  const { intervalMs, left, right } = peaks.toTable()
  expect(left.length).toBeGreaterThanOrEqual(500)
  expect(left.length).toBeLessThanOrEqual(1000)
  expect(right.length).toBe(left.length)
  expect(left.indexOf(100)).toBe(Math.floor(1_800_000 / intervalMs))
  expect(left.filter((point) => point !== 0)).toEqual([100])
})

test('do not depend on how the audio is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 20 }), (sizes) => {
      const total = sizes.reduce((sum, size) => sum + size, 0)
      const samples = Int16Array.from({ length: total }, (_, i) => (i * 7919) % 32_768)
      const [whole, cut] = [new Peaks(RATE), new Peaks(RATE)]
      whole.push(samples, samples)
      let at = 0
      for (const size of sizes) {
        cut.push(samples.subarray(at, at + size), samples.subarray(at, at + size))
        at += size
      }
      expect(cut.toTable()).toEqual(whole.toTable())
    }),
  )
})
