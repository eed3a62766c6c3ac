import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ReplayWindow } from '#rtp/srtp/replay-window.ts'

const SIZE = 128

describe('ReplayWindow', () => {
  test('admits what a memory without end would, as far back as 127', () => {
    const step = fc.oneof(
      fc.integer({ min: -140, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 100, max: 300 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const window = new ReplayWindow()
        const taken = new Set<number>()
        let newest = -1
        for (const each of steps) {
          const index = newest + each
          const isWelcome = index >= 0 && index > newest - SIZE && !taken.has(index)
          expect(window.admits(index)).toBe(isWelcome)
          if (!isWelcome) continue
          window.take(index)
          taken.add(index)
          newest = Math.max(newest, index)
        }
      }),
    )
  })

  test('admits what was passed over, in the places of what has fallen out', () => {
    const window = new ReplayWindow()
    for (let index = 0; index < SIZE; index += 1) window.take(index)
    window.take(200)
    const indices = Array.from({ length: 210 }, (_, index) => index)
    const admitted = indices.filter((index) => window.admits(index))
    const passedOver = indices.filter((index) => index >= SIZE && index !== 200)
    expect(admitted).toEqual(passedOver)
    window.take(2000)
    expect(window.admits(1999 - 2 * SIZE)).toBe(false)
    expect(indices.every((index) => window.admits(1900 + (index % 100)))).toBe(true)
  })

  test('finds the index nearest to the newest', () => {
    const window = new ReplayWindow()
    expect(window.indexOf(65_000)).toBe(65_000)
    window.take(65_000)
    expect(window.indexOf(64_999)).toBe(64_999)
    expect(window.indexOf(2)).toBe(65_538)
    window.take(65_538)
    expect(window.indexOf(65_535)).toBe(65_535)
    window.clear()
    window.take(1)
    expect(window.indexOf(65_535)).toBe(-1)
    expect(window.admits(-1)).toBe(false)
  })
})
