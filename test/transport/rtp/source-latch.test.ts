import { describe, expect, test } from 'bun:test'
import { SourceLatch } from '#transport/rtp/source-latch.ts'

const FAR = '198.51.100.7'
const OTHER = '203.0.113.66'

interface Sent {
  readonly ssrc?: number
  readonly sequenceNumber?: number
  readonly atMs?: number
}

function packet({ ssrc = 1, sequenceNumber = 1, atMs = 0 }: Sent = {}) {
  return { ssrc, sequenceNumber, arrivalMs: atMs, timestamp: 0, payload: new Uint8Array(160) }
}

function announced(address = FAR, port = 4000, natAddress?: string): SourceLatch {
  const latch = new SourceLatch()
  latch.announce({ address, port, ...(natAddress !== undefined && { natAddress }) }, 0)
  return latch
}

const targetOf = ({ address, port }: SourceLatch) => `${address}:${port}`

describe('SourceLatch', () => {
  test('sends to the announced place until packets come', () => {
    const latch = announced()
    expect(targetOf(latch)).toBe(`${FAR}:4000`)
    expect(latch.isLatched).toBe(false)
  })

  test('knows the announced place by any spelling', () => {
    const latch = announced('2001:DB8::0:1')
    expect(latch.admit(packet(), 4000, '2001:db8::1')).toBe('latched')
    expect(latch.admit(packet(), 4000, '2001:db8::1')).toBe('known')
  })

  test('follows another port of the announced address at once', () => {
    const latch = announced()
    expect(latch.admit(packet(), 5555, FAR)).toBe('latched')
    expect(targetOf(latch)).toBe(`${FAR}:5555`)
  })

  test('takes the first that comes when a private address was announced', () => {
    const latch = announced('192.168.1.20')
    expect(latch.admit(packet(), 61_000, FAR)).toBe('latched')
    expect(targetOf(latch)).toBe(`${FAR}:61000`)
    expect(latch.admit(packet(), 61_000, OTHER)).toBe('stranger')
  })

  test('takes nobody but the source of the signalling where that is known', () => {
    const latch = announced('192.168.1.20', 4000, FAR)
    expect(latch.admit(packet(), 61_000, OTHER)).toBe('stranger')
    expect(latch.admit(packet(), 61_000, FAR)).toBe('latched')
  })

  test('lets nobody in who comes after the far end, whatever he sends', () => {
    const latch = announced()
    latch.admit(packet(), 4000, FAR)
    for (let i = 0; i < 200; i += 1) {
      const atMs = i * 20
      latch.admit(packet({ sequenceNumber: i, atMs }), 4000, FAR)
      const sent = { ssrc: i % 2, sequenceNumber: i, atMs }
      expect(latch.admit(packet(sent), 4000, OTHER)).toBe('stranger')
      expect(latch.admit(packet(sent), 4002, FAR)).toBe('stranger')
    }
    expect(targetOf(latch)).toBe(`${FAR}:4000`)
  })

  test('lets another address than an announced public one in only when it insists', () => {
    const latch = announced()
    for (let i = 0; i < 4; i += 1) {
      expect(latch.admit(packet({ sequenceNumber: (65_534 + i) & 0xffff }), 9, OTHER)).toBe(
        'stranger',
      )
    }
    expect(latch.admit(packet({ sequenceNumber: 2 }), 9, OTHER)).toBe('latched')
  })

  test('gives way to the announced place when somebody else was first', () => {
    const latch = announced('192.168.1.20')
    latch.admit(packet({ ssrc: 9 }), 9, OTHER)
    expect(latch.admit(packet(), 4000, '192.168.1.20')).toBe('latched')
    expect(latch.admit(packet({ ssrc: 9 }), 9, OTHER)).toBe('stranger')
    expect(targetOf(latch)).toBe('192.168.1.20:4000')
  })

  test('follows the same SSRC to another place after the old one fell silent', () => {
    const latch = announced()
    latch.admit(packet({ ssrc: 7, atMs: 0 }), 4000, FAR)
    expect(latch.admit(packet({ ssrc: 7, atMs: 500 }), 7000, FAR)).toBe('stranger')
    expect(latch.admit(packet({ ssrc: 8, atMs: 5000 }), 7000, FAR)).toBe('stranger')
    expect(latch.admit(packet({ ssrc: 7, atMs: 5000 }), 7000, FAR)).toBe('latched')
    expect(targetOf(latch)).toBe(`${FAR}:7000`)
  })

  test('sends to a newly announced place at once, and hears the old one until then', () => {
    const latch = announced()
    latch.admit(packet(), 4000, FAR)
    expect(latch.announce({ address: FAR, port: 6000 }, 1000)).toBe(true)
    expect(targetOf(latch)).toBe(`${FAR}:6000`)
    expect(latch.admit(packet({ atMs: 1010 }), 4000, FAR)).toBe('known')
    expect(targetOf(latch)).toBe(`${FAR}:6000`)
    expect(latch.admit(packet({ ssrc: 2, atMs: 1020 }), 6000, FAR)).toBe('latched')
    expect(latch.admit(packet({ atMs: 1030 }), 4000, FAR)).toBe('stranger')
  })

  test('comes back to the old place when nothing else ever comes', () => {
    const latch = announced('10.0.0.5')
    latch.admit(packet(), 4000, FAR)
    latch.announce({ address: '10.0.0.5', port: 6000 }, 1000)
    expect(latch.admit(packet({ atMs: 1500 }), 4000, FAR)).toBe('known')
    expect(latch.admit(packet({ atMs: 2500 }), 4000, FAR)).toBe('latched')
    expect(targetOf(latch)).toBe(`${FAR}:4000`)
  })

  test('stays latched when the same place is announced again', () => {
    const latch = announced('10.0.0.5')
    latch.admit(packet(), 61_000, FAR)
    expect(latch.announce({ address: '10.0.0.5', port: 4000 }, 1000)).toBe(false)
    expect(targetOf(latch)).toBe(`${FAR}:61000`)
  })

  test('sends nothing to nobody', () => {
    expect(announced('0.0.0.0').address).toBeUndefined()
    expect(announced('::').address).toBeUndefined()
    expect(new SourceLatch().address).toBeUndefined()
  })
})
