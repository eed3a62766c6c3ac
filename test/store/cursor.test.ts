import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { decodeCursor, encodeCursor } from '#store/cursor.ts'
import { StoreError } from '#store/store-error.ts'

describe('cursor', () => {
  test('comes back as the place it was made of', () => {
    const place = fc.record({
      startedAt: fc.nat(Number.MAX_SAFE_INTEGER),
      recordId: fc.string({ minLength: 1, maxLength: 64 }).filter((id) => id.isWellFormed()),
    })
    fc.assert(fc.property(place, (at) => expect(decodeCursor(encodeCursor(at))).toEqual(at)))
  })

  test('is safe in a URL', () => {
    expect(encodeCursor({ startedAt: 1_700_000_000_000, recordId: 'a?>~' })).toMatch(/^[\w-]+$/)
  })

  test('of any other text is refused as bad_cursor, never with another error', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((it) => Buffer.from(it).toString('base64url')),
      fc.json().map((it) => Buffer.from(it).toString('base64url')),
    )
    fc.assert(
      fc.property(text, (cursor) => {
        try {
          decodeCursor(cursor)
        } catch (error) {
          expect(error).toBeInstanceOf(StoreError)
          expect((error as StoreError).code).toBe('bad_cursor')
        }
      }),
    )
  })
})
