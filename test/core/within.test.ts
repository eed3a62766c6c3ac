import { describe, expect, test } from 'bun:test'
import { within } from '#core/within.ts'
import { rejection } from '../support/rejection.ts'

describe('within', () => {
  test('gives what comes in time', async () => {
    expect(await within(Promise.resolve(7), 1_000)).toBe(7)
  })

  test('gives undefined for what does not', async () => {
    expect(await within(new Promise(() => undefined), 5)).toBeUndefined()
  })

  test('passes a rejection on', async () => {
    expect((await rejection(within(Promise.reject(new Error('no')), 1_000))).message).toBe('no')
  })
})
