import { expect, test } from 'bun:test'
import { SourceLimiter } from '#transport/sip/wire/source-limiter.ts'

test('a source has its burst, then its rate; others are not touched', () => {
  const limiter = new SourceLimiter({ perSecond: 2, burst: 3 })
  const at = (ms: number): boolean => limiter.allows('192.0.2.1', ms)
  expect([at(0), at(0), at(0), at(0)]).toEqual([true, true, true, false])
  expect([at(500), at(500)]).toEqual([true, false])
  expect(limiter.allows('192.0.2.2', 500)).toBe(true)
  expect(limiter.stats.refused).toBe(2)
})
