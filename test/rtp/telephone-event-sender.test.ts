import { describe, expect, test } from 'bun:test'
import { TelephoneEventSender } from '#rtp/telephone-event-sender.ts'

/** What each tick sends, from timestamp 1000 on; `-` where audio may go. */
function ticks(sender: TelephoneEventSender, count: number, unitsPerTick = 160): string[] {
  return Array.from({ length: count }, (_, tick) => {
    const packet = sender.next(1000 + tick * unitsPerTick)
    if (packet === undefined) return '-'
    const { marker, timestamp, payload } = packet
    return `${marker ? 'M' : ' '} ${timestamp} ${payload.toHex()}`
  })
}

describe('TelephoneEventSender', () => {
  test('holds a key with growing duration, ends it three times and pauses', () => {
    const sender = new TelephoneEventSender({ clockRate: 8000 })
    expect(sender.press('5#')).toBe(true)
    expect(sender.isIdle).toBe(false)
    expect(ticks(sender, 12)).toEqual([
      'M 1000 050a00a0',
      '  1000 050a0140',
      '  1000 050a01e0',
      '  1000 050a0280',
      '  1000 058a0320',
      '  1000 058a0320',
      '  1000 058a0320',
      '-',
      '-',
      'M 2440 0b0a00a0',
      '  2440 0b0a0140',
      '  2440 0b0a01e0',
    ])
  })

  test('is idle after the last pause', () => {
    const sender = new TelephoneEventSender({ clockRate: 8000, attenuationDb: 7 })
    sender.press('0', { durationMs: 40, gapMs: 60 })
    expect(ticks(sender, 4)).toEqual([
      'M 1000 000700a0',
      '  1000 00870140',
      '  1000 00870140',
      '  1000 00870140',
    ])
    expect(sender.isIdle).toBe(false)
    expect(sender.next(0)).toBeUndefined()
    expect(sender.isIdle).toBe(true)
    expect(sender.next(0)).toBeUndefined()
  })

  test('pauses at least until the end has been repeated', () => {
    const sender = new TelephoneEventSender({ clockRate: 8000 })
    sender.press('12', { durationMs: 20, gapMs: 20 })
    expect(ticks(sender, 5)).toEqual([
      'M 1000 018a00a0',
      '  1000 018a00a0',
      '  1000 018a00a0',
      '-',
      'M 1640 028a00a0',
    ])
  })

  test('counts in the clock rate of the session', () => {
    const sender = new TelephoneEventSender({ clockRate: 48_000 })
    sender.press('D', { durationMs: 40 })
    expect(ticks(sender, 2, 960)).toEqual(['M 1000 0f0a03c0', '  1000 0f8a0780'])
  })

  test('tells a press that is too long for one duration in segments that join', () => {
    const sender = new TelephoneEventSender({ clockRate: 48_000 })
    sender.press('1', { durationMs: 1400 })
    const sent = ticks(sender, 73, 960)
    expect(sent.slice(66)).toEqual([
      '  1000 010afb40',
      '  1000 010aff00',
      '  1000 010affff',
      '  66535 018a0681',
      '  66535 018a0681',
      '  66535 018a0681',
      '-',
    ])
  })

  test('lets the key go when it is cleared, and forgets the others', () => {
    const sender = new TelephoneEventSender({ clockRate: 8000 })
    sender.press('12', { durationMs: 2000 })
    ticks(sender, 2)
    sender.clear()
    sender.clear()
    expect(ticks(sender, 5)).toEqual([
      '  1000 018a01e0',
      '  1000 018a01e0',
      '  1000 018a01e0',
      '-',
      '-',
    ])
    expect(sender.isIdle).toBe(true)
  })

  test('has room for 256 keys, and none for half of a request', () => {
    const sender = new TelephoneEventSender({ clockRate: 8000 })
    expect(sender.press('1'.repeat(255))).toBe(true)
    expect(sender.press('22')).toBe(false)
    expect(sender.press('2')).toBe(true)
    expect(sender.press('2')).toBe(false)
  })

  test('refuses what is no key', () => {
    const sender = new TelephoneEventSender({ clockRate: 8000 })
    expect(() => sender.press('1x')).toThrow(RangeError)
    expect(sender.isIdle).toBe(true)
  })
})
