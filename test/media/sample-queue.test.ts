import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { SampleQueue } from '#media/sample-queue.ts'

describe('SampleQueue', () => {
  test('gives out what was put in, in order, whatever the sizes', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 30 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 40 }), (chunks, frameSize) => {
        const queue = new SampleQueue()
        let next = 0
        for (const size of chunks) queue.push(Int16Array.from({ length: size }, () => next++))
        expect(queue.length).toBe(next)
        const heard: number[] = []
        const frame = new Int16Array(frameSize)
        for (let count = queue.read(frame); count > 0; count = queue.read(frame)) {
          heard.push(...frame.subarray(0, count))
        }
        expect(heard).toEqual(Array.from({ length: next }, (_, i) => i))
        expect(queue.length).toBe(0)
      }),
    )
  })

  test('forgets what it is told to', () => {
    const queue = new SampleQueue()
    queue.push(new Int16Array(10))
    queue.read(new Int16Array(3))
    queue.clear()
    expect(queue.length).toBe(0)
    queue.push(Int16Array.of(1, 2))
    const frame = new Int16Array(4)
    expect(queue.read(frame)).toBe(2)
    expect([...frame.subarray(0, 2)]).toEqual([1, 2])
  })
})
