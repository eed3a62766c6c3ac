import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseRange } from '#server/byte-range.ts'

describe('parseRange', () => {
  test.each([
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=5-', { first: 5, last: 9 }],
    ['bytes=5-99', { first: 5, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['BYTES= 1-2 ', { first: 1, last: 2 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=-', undefined],
    ['lines=0-1', undefined],
    ['', undefined],
    [null, undefined],
  ])('%p of ten bytes', (header, range) => {
    expect(parseRange(header, 10)).toEqual(range as never)
  })

  test('is always inside the file', () => {
    const number = fc.oneof(
      fc.constant(''),
      fc.nat().map(String),
      fc.bigInt({ min: 0n }).map(String),
    )
    fc.assert(
      fc.property(fc.tuple(number, number), fc.nat(1000), ([from, to], size) => {
        const range = parseRange(`bytes=${from}-${to}`, size)
        if (typeof range !== 'object') return
        expect(range.first).toBeGreaterThanOrEqual(0)
        expect(range.first).toBeLessThanOrEqual(range.last)
        expect(range.last).toBeLessThan(size)
      }),
    )
  })
})
