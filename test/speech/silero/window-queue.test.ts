import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { WindowQueue } from '#speech/silero/window-queue.ts'

/** Samples counted from `from` on, so that each shows where it came from. */
const counted = (from: number, length: number) =>
  Int16Array.from({ length }, (_, index) => (from + index) % 30_000)

describe('WindowQueue', () => {
  test('hands out windows of 512 samples in order, with the time each became whole', () => {
    const queue = new WindowQueue(10)
    for (let frame = 0; frame < 4; frame += 1) queue.push(counted(frame * 320, 320), frame)
    expect(queue.length).toBe(2)

    const window = new Int16Array(512)
    expect([queue.oldestIndex, queue.oldestWholeAtMs]).toEqual([0, 1])
    queue.shift(window)
    expect(window).toEqual(counted(0, 512))
    expect([queue.oldestIndex, queue.oldestWholeAtMs]).toEqual([1, 3])
    queue.shift(window)
    expect(window).toEqual(counted(512, 512))
    expect(queue.length).toBe(0)
  })

  test('drops the oldest window when more than its bound wait, and says so', () => {
    const queue = new WindowQueue(3)
    expect(queue.push(counted(0, 3 * 512), 0)).toBe(0)
    expect(queue.push(counted(3 * 512, 512), 1)).toBe(1)
    expect([queue.length, queue.oldestIndex]).toEqual([3, 1])
    const window = new Int16Array(512)
    queue.shift(window)
    expect(window).toEqual(counted(512, 512))
  })

  test('loses nothing and keeps the order for any pieces, while reading and growing', () => {
    const steps = fc.array(fc.record({ push: fc.nat({ max: 3000 }), shift: fc.nat({ max: 4 }) }), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 40 }), (plan, maxWindows) => {
        const queue = new WindowQueue(maxWindows)
        const window = new Int16Array(512)
        let pushed = 0
        let dropped = 0
        let shifted = 0
        for (const step of plan) {
          dropped += queue.push(counted(pushed, step.push), 0)
          pushed += step.push
          for (let i = 0; i < step.shift && queue.length > 0; i += 1) {
            const index = queue.oldestIndex
            queue.shift(window)
            shifted += 1
            expect(window).toEqual(counted(index * 512, 512))
          }
          expect(queue.length).toBeLessThanOrEqual(maxWindows)
        }
        expect(queue.length + dropped + shifted).toBe(Math.floor(pushed / 512))
      }),
      { numRuns: 50 },
    )
  })
})
