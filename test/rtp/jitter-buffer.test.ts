import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { JitterBuffer, type JitterBufferOptions } from '#rtp/jitter-buffer.ts'
import type { ReceivedPacket } from '#rtp/packet-ring.ts'
import {
  bursty,
  type Carried,
  carry,
  type NetworkOptions,
  replay,
  type SenderOptions,
  send,
  uniform,
} from './network.ts'

const PACKET_UNITS = 160

/** What was pulled: the number in the payload, `lost` or `empty`. */
type Heard = number | 'lost' | 'empty'

/** A packet of 20 ms at 8 kHz, in time unless told otherwise; its payload is its number. */
function packet(number: number, changes: Partial<ReceivedPacket> = {}): ReceivedPacket {
  return {
    sequenceNumber: (100 + number) & 0xffff,
    timestamp: (7000 + PACKET_UNITS * number) >>> 0,
    ssrc: 1,
    payload: Uint8Array.of(number),
    arrivalMs: 20 * number,
    ...changes,
  }
}

function pull(buffer: JitterBuffer, nowMs: number, units = PACKET_UNITS): Heard {
  const pulled = buffer.pull(nowMs)
  if (pulled !== 'packet') return pulled
  buffer.advance(units)
  return buffer.packet!.payload[0]!
}

/** A buffer that has been given `numbers` and has played up to the one before `from`. */
function playing(numbers: readonly number[], from = 5, options?: JitterBufferOptions) {
  const buffer = new JitterBuffer(8000, options)
  for (const number of numbers) if (number < from) buffer.receive(packet(number))
  for (let number = 0; number < from; number += 1) {
    expect(pull(buffer, 20 * number + 60)).toBe(number)
  }
  for (const number of numbers) if (number >= from) buffer.receive(packet(number))
  return { buffer, pull: (number: number): Heard => pull(buffer, 20 * number + 60) }
}

interface Run extends Carried {
  readonly buffer: JitterBuffer
  readonly heard: Heard[]
  readonly delaysMs: number[]
}

function run(sender: SenderOptions, network: NetworkOptions, options?: JitterBufferOptions): Run {
  const { ptimeMs = 20, unitsPerMs = 8 } = sender
  const sent = send({ payloadOf: (i) => Uint8Array.of(i & 0xff, i >> 8, i >> 16), ...sender })
  const carried = carry(sent, network)
  const buffer = new JitterBuffer(unitsPerMs * 1000, options)
  const heard: Heard[] = []
  const delaysMs: number[] = []
  const untilMs = carried.arrivals.at(-1)!.arrivalMs + 500
  replay(
    carried.arrivals,
    { untilMs, everyMs: ptimeMs },
    (received) => buffer.receive(received),
    (nowMs) => {
      const pulled = buffer.pull(nowMs)
      if (pulled !== 'packet') {
        heard.push(pulled)
        return
      }
      const { payload } = buffer.packet!
      heard.push(payload[0]! + (payload[1]! << 8) + (payload[2]! << 16))
      delaysMs.push(buffer.delayMs)
      buffer.advance(ptimeMs * unitsPerMs)
    },
  )
  return { ...carried, buffer, heard, delaysMs }
}

function numbers(heard: readonly Heard[]): number[] {
  return heard.filter((item) => typeof item === 'number')
}

function count(heard: readonly Heard[], what: Heard): number {
  return heard.filter((item) => item === what).length
}

describe('JitterBuffer', () => {
  test('holds the first packet for the start delay', () => {
    const buffer = new JitterBuffer(8000, { startDelayMs: 60 })
    expect(buffer.pull(0)).toBe('empty')
    for (let number = 0; number < 4; number += 1) {
      buffer.receive(packet(number))
      expect(pull(buffer, 20 * number + 1)).toBe(number < 3 ? 'empty' : 0)
    }
    expect(buffer.delayMs).toBe(61)
    expect(buffer.stats.underruns).toBe(0)
  })

  test('copies the payload', () => {
    const buffer = new JitterBuffer(8000)
    const payload = Uint8Array.of(9)
    buffer.receive(packet(0, { payload }))
    payload[0] = 1
    expect(pull(buffer, 100)).toBe(9)
  })

  test('gives packets in order, whatever order they come in', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4, 7, 5, 6])
    expect([5, 6, 7].map(pull)).toEqual([5, 6, 7])
    expect(buffer.stats).toMatchObject({ received: 8, reordered: 2, lost: 0 })
  })

  test('begins with the earliest of the packets that came before the first pull', () => {
    const buffer = new JitterBuffer(8000)
    for (const number of [2, 0, 1]) buffer.receive(packet(number))
    expect([60, 80, 100].map((nowMs) => pull(buffer, nowMs))).toEqual([0, 1, 2])
    expect(buffer.stats).toMatchObject({ lost: 0, late: 0, reordered: 2 })
  })

  test('reports a missing packet as lost, with the one after it', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4, 6, 7])
    expect(pull(5)).toBe('lost')
    expect(buffer.lostUnits).toBe(160)
    expect(buffer.next).toEqual(Uint8Array.of(6))
    expect([6, 7].map(pull)).toEqual([6, 7])
    expect(buffer.next).toBeUndefined()
    expect(buffer.stats.lost).toBe(1)
  })

  test('reports each of several missing packets, the last one with what follows', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4, 7])
    expect(pull(5)).toBe('lost')
    expect(buffer.next).toBeUndefined()
    expect(pull(6)).toBe('lost')
    expect(buffer.next).toEqual(Uint8Array.of(7))
    expect(pull(7)).toBe(7)
    expect(buffer.stats.lost).toBe(2)
  })

  test('drops duplicates, before and after they are played', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4, 5, 5])
    expect(pull(5)).toBe(5)
    buffer.receive(packet(5))
    buffer.receive(packet(3))
    expect(pull(6)).toBe('empty')
    expect(buffer.stats).toMatchObject({ duplicated: 3, lost: 0, late: 0 })
  })

  test('drops what comes after it was given up, and then no longer calls it lost', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4, 6, 7])
    expect([5, 6].map(pull)).toEqual(['lost', 6])
    buffer.receive(packet(5))
    expect(pull(7)).toBe(7)
    expect(buffer.stats).toMatchObject({ lost: 0, late: 1 })
    buffer.receive(packet(5))
    expect(buffer.stats).toMatchObject({ late: 1, duplicated: 1 })
  })

  test('plays what came too late but is still next, and counts the underrun', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    expect(pull(5)).toBe('empty')
    expect(pull(6)).toBe('empty')
    buffer.receive(packet(5, { arrivalMs: 190 }))
    buffer.receive(packet(6, { arrivalMs: 195 }))
    expect(pull(7)).toBe(5)
    expect(buffer.delayMs).toBe(100)
    expect(pull(8)).toBe(6)
    expect(buffer.stats).toMatchObject({ underruns: 1, lost: 0, late: 0 })
  })

  test('does not conceal a loss again that an underrun has covered', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    expect(pull(5)).toBe('empty')
    buffer.receive(packet(6))
    expect(pull(6)).toBe(6)
    expect(buffer.stats).toMatchObject({ lost: 1, underruns: 0 })
  })

  test('takes a pause of the sender for a pause, and makes up the delay anew behind it', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    expect([5, 6, 7, 8].map(pull)).toEqual(['empty', 'empty', 'empty', 'empty'])
    // Silence suppression: 1 s later the sequence goes on as if nothing had been.
    for (const [sequenceNumber, number] of [[105, 50] as const, [106, 51] as const]) {
      buffer.receive(packet(number, { sequenceNumber }))
    }
    expect([47, 48, 49].map(pull)).toEqual(['empty', 'empty', 'empty'])
    expect([50, 51].map(pull)).toEqual([50, 51])
    expect(buffer.stats).toMatchObject({ lost: 0, underruns: 0, resyncs: 0 })
    expect(buffer.delayMs).toBe(60)
  })

  test('counts what is lost around a pause, and nothing else', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    buffer.receive(packet(50, { sequenceNumber: 106 }))
    expect([5, 6, 49].map(pull)).toEqual(['empty', 'empty', 'empty'])
    expect(pull(50)).toBe(50)
    expect(buffer.stats.lost).toBe(1)
  })

  test('leaves out packets without audio, which are not lost', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    for (const number of [5, 6]) {
      buffer.receive(packet(number, { timestamp: 7800, payload: new Uint8Array(0) }))
    }
    buffer.receive(packet(7))
    expect([5, 6, 7].map(pull).at(-1)).toBe(7)
    expect(buffer.stats).toMatchObject({ lost: 0, overflowed: 0, resyncs: 0 })
  })

  test('and does not wait for them when audio goes on beside them', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    buffer.receive(packet(5, { timestamp: 7000, payload: new Uint8Array(0) }))
    for (const number of [5, 6]) buffer.receive(packet(number, { sequenceNumber: 101 + number }))
    expect([5, 6].map(pull)).toEqual([5, 6])
    expect(buffer.stats).toMatchObject({ lost: 0, resyncs: 0 })
  })

  test('takes the doubled packets of a long event for no new stream', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    for (let number = 5; number < 100; number += 1) {
      const event = packet(number, { timestamp: 7800, payload: new Uint8Array(0) })
      buffer.receive(event)
      buffer.receive(event)
    }
    buffer.receive(packet(100))
    expect(pull(100)).toBe(100)
    expect(buffer.stats).toMatchObject({ resyncs: 0, strays: 0, duplicated: 95, lost: 0 })
  })

  test('survives the wrap of sequence number and timestamp', () => {
    const wrap = { firstSequence: 65_500, firstTimestamp: 2 ** 32 - 8000, packets: 200 }
    const { heard, buffer } = run(wrap, { delayMs: uniform(30) })
    expect(numbers(heard)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(buffer.stats).toMatchObject({ lost: 0, resyncs: 0, strays: 0 })
    expect(buffer.highestSequence).toBe(65_699)
  })

  test('plays on when the timestamps begin anew, in either direction', () => {
    for (const jump of [2 ** 31 - 5, 100_000, -40_000, -(2 ** 31) + 5, -320]) {
      const { buffer, pull } = playing([0, 1, 2, 3, 4, 5])
      for (const number of [6, 7, 8]) {
        const timestamp = (7000 + PACKET_UNITS * number + jump) >>> 0
        buffer.receive(packet(number, { timestamp }))
      }
      expect([5, 6, 7, 8].map(pull)).toEqual([5, 6, 7, 8])
      expect(buffer.stats).toMatchObject({ lost: 0, resyncs: 1, underruns: 0 })
    }
  })

  test('changes to another SSRC when two packets of it follow each other in a silence', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    for (const number of [5, 6, 7, 8, 9, 10, 11, 12, 13]) {
      buffer.receive(packet(number, { ssrc: 2, timestamp: number * 160 }))
    }
    // The last packet of the first one came 100 ms before packet 9.
    expect([9, 10, 11, 12].map(pull)).toEqual([9, 10, 11, 12])
    expect(buffer.stats).toMatchObject({ strays: 4, resyncs: 1, lost: 0 })
  })

  test('does not change while both send', () => {
    for (const [everyMs, spreadMs] of [
      [20, 30],
      [10, 0],
    ] as const) {
      const ours = carry(send({ packets: 500 }), { delayMs: uniform(spreadMs), seed: 3 })
      const other = send({ packets: 500, ssrc: 2, ptimeMs: everyMs, startMs: 103 })
      const theirs = carry(other, { delayMs: uniform(spreadMs), seed: 4 })
      const buffer = new JitterBuffer(8000)
      const arrivals = [...ours.arrivals, ...theirs.arrivals].toSorted(
        (a, b) => a.arrivalMs - b.arrivalMs,
      )
      for (const received of arrivals) if (received.arrivalMs < 9900) buffer.receive(received)
      expect(buffer.stats.resyncs).toBe(0)
    }
  })

  test('begins anew when a sender does so with the sequence numbers of a second ago', () => {
    for (const timestamp of [7000, 3_000_000_000]) {
      const { buffer, pull } = playing([0, 1, 2, 3, 4])
      for (const number of [80, 81, 82, 83]) {
        const changes = { sequenceNumber: 20 + number, timestamp: timestamp + 160 * (number - 80) }
        buffer.receive(packet(number, changes))
      }
      expect([81, 82, 83].map(pull)).toEqual([81, 82, 83])
      expect(buffer.stats).toMatchObject({ strays: 1, resyncs: 1, duplicated: 0 })
    }
  })

  test('counts what receiver reports say of loss, as RFC 3550 A.3 has it', () => {
    const buffer = new JitterBuffer(8000)
    expect([buffer.expected, buffer.arrived, buffer.ssrc]).toEqual([0, 0, undefined])
    for (const number of [65_435, 65_436, 65_438, 65_436]) {
      buffer.receive(packet(0, { sequenceNumber: number + 100 - 3 }))
    }
    expect([buffer.expected, buffer.arrived]).toEqual([4, 4])
    buffer.receive(packet(0, { sequenceNumber: 1 }))
    expect(buffer.highestSequence).toBe(65_537)
    expect([buffer.expected, buffer.arrived]).toEqual([6, 5])
    buffer.receive(packet(0, { sequenceNumber: 30_000, ssrc: 9 }))
    expect([buffer.expected, buffer.arrived, buffer.ssrc]).toEqual([6, 5, 1])
    for (const number of [10, 11]) buffer.receive(packet(number, { ssrc: 9 }))
    expect([buffer.expected, buffer.arrived, buffer.ssrc]).toEqual([1, 1, 9])
  })

  test('counts what a jump of the sequence passes over, and still knows the last of it', () => {
    const buffer = new JitterBuffer(8000)
    buffer.receive(packet(0))
    buffer.receive(packet(2900))
    // The first one, which was held, is not lost, and 63 may yet come.
    expect(buffer.stats.lost).toBe(2900 - 63 - 1)
    buffer.receive(packet(2899))
    expect(pull(buffer, 58_100)).toBe(2899 & 0xff)
    expect(buffer.stats.lost).toBe(2899 - 1)
  })

  test('does not take new timestamps for jitter', () => {
    const { buffer } = playing([0, 1, 2, 3, 4])
    for (const number of [5, 6]) {
      buffer.receive(packet(number, { timestamp: 4_000_000_000 + number * 160 }))
    }
    for (const number of [11, 12, 13]) {
      buffer.receive(packet(number, { ssrc: 2, timestamp: number * 160 }))
    }
    expect(buffer.stats.resyncs).toBe(2)
    expect(buffer.jitter).toBe(0)
  })

  test('is not disturbed by single packets of somebody else', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    for (const number of [5, 6, 7]) {
      buffer.receive(packet(number, { ssrc: 3, sequenceNumber: 40_000 + number }))
      buffer.receive(packet(number))
    }
    buffer.receive(packet(8, { sequenceNumber: 30_000 }))
    expect([5, 6, 7].map(pull)).toEqual([5, 6, 7])
    expect(buffer.stats).toMatchObject({ strays: 4, resyncs: 0 })
  })

  test('begins anew when the sequence does', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    for (const number of [5, 6, 7, 8]) {
      buffer.receive(packet(number, { sequenceNumber: 30_000 + number, timestamp: number * 160 }))
    }
    expect([5, 6, 7, 8].map(pull).filter((item) => item !== 'empty')).toEqual([6, 7, 8])
    expect(buffer.stats).toMatchObject({ strays: 1, resyncs: 1 })
  })

  test('drops the oldest when more packets come than it holds', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4], 5, { capacity: 8 })
    for (let number = 5; number < 25; number += 1) buffer.receive(packet(number))
    expect(pull(22)).toBe(17)
    expect(buffer.isDisjoint).toBe(true)
    expect(buffer.stats).toMatchObject({ overflowed: 12, lost: 0 })
  })

  test('drops payloads longer than it may hold', () => {
    const buffer = new JitterBuffer(8000, { maxPayloadBytes: 3 })
    buffer.receive(packet(0, { payload: new Uint8Array(4) }))
    expect(buffer.pull(100)).toBe('empty')
    expect(buffer.stats.overflowed).toBe(1)
  })

  test('brings a delay beyond its bound back to the longest target at once', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4], 5, { maxDelayMs: 200 })
    // The network stalls for 600 ms and then delivers everything.
    for (let number = 5; number < 35; number += 1) expect(pull(number)).toBe('empty')
    for (let number = 5; number < 36; number += 1) {
      buffer.receive(packet(number, { arrivalMs: 740 }))
    }
    expect(pull(35)).toBeGreaterThan(25)
    expect(buffer.delayMs).toBeLessThanOrEqual(200)
    expect(buffer.isDisjoint).toBe(true)
    expect(buffer.stats.overflowed).toBeGreaterThan(15)
  })

  test('urges to shrink what waits too long, until the target is near', () => {
    const { buffer, pull } = playing([0, 1, 2, 3, 4])
    expect(pull(5)).toBe('empty')
    expect(pull(6)).toBe('empty')
    const urges: (string | undefined)[] = []
    for (let number = 5; number < 400; number += 1) {
      buffer.receive(packet(number))
      pull(number + 2)
      urges.push(buffer.urge)
    }
    // Nobody follows the urge here, while the target relaxes.
    expect(urges.at(-1)).toBe('shrink')
    expect(buffer.delayMs).toBe(100)
    expect(buffer.targetDelayMs).toBe(20)
  })

  describe('on a simulated network', () => {
    const MINUTE = 3000

    test.each([1, 2, 3])('counts exactly what was lost and duplicated (seed %d)', (seed) => {
      for (const lossShare of [0.01, 0.05, 0.2]) {
        const network = { seed, lossShare, duplicateShare: 0.02, delayMs: uniform(25) }
        const { buffer, heard, lost, duplicated } = run({ packets: MINUTE }, network)
        expect(buffer.stats).toMatchObject({ lost, duplicated, overflowed: 0, resyncs: 0 })
        const played = numbers(heard)
        expect(played).toEqual(played.toSorted((a, b) => a - b))
        expect(played).toHaveLength(MINUTE - lost - buffer.stats.late)
      }
    })

    test.each([10, 20, 30, 60])('with packets of %d ms', (ptimeMs) => {
      const network = { lossShare: 0.05, delayMs: uniform(15) }
      const { buffer, heard, lost } = run({ packets: 1000, ptimeMs }, network)
      expect(buffer.stats.lost).toBe(lost)
      expect(numbers(heard)).toHaveLength(1000 - lost - buffer.stats.late)
    })

    test('waits no longer than jitter makes it', () => {
      for (const [spreadMs, highestMs] of [
        [0, 20],
        [10, 20],
        [40, 45],
        [80, 85],
      ] as const) {
        const { buffer } = run({ packets: MINUTE }, { delayMs: uniform(spreadMs) })
        expect(buffer.targetDelayMs).toBeWithin(Math.max(20, spreadMs - 10), highestMs + 1)
      }
    })

    test('waits longer at once after a spike, and less again within seconds', () => {
      const targets: number[] = []
      const buffer = new JitterBuffer(8000)
      const delayMs = (_: () => number, sentMs: number): number =>
        30 + Math.max(0, 150 - Math.max(0, sentMs - 10_000)) * (sentMs >= 10_000 ? 1 : 0)
      const { arrivals } = carry(send({ packets: 1500 }), { delayMs })
      replay(
        arrivals,
        { untilMs: 30_000 },
        (received) => buffer.receive(received),
        () => targets.push(buffer.targetDelayMs),
      )
      expect(targets[9900 / 20]!).toBeLessThan(25)
      expect(targets[10_240 / 20]!).toBeGreaterThan(140)
      expect(targets[13_000 / 20]!).toBeGreaterThan(60)
      expect(targets[24_000 / 20]!).toBeLessThan(25)
    })

    test.each([250, 500, 900])(
      'gets over timestamps that stood still for %d ms within seconds',
      (pauseMs) => {
        const later = { firstSequence: 1300, firstTimestamp: 5000 + 300 * 160 }
        const sent = [
          ...send({ packets: 300 }),
          ...send({ packets: 400, startMs: 6000 + pauseMs, ...later }),
        ]
        const { arrivals } = carry(sent, { delayMs: uniform(6) })
        const buffer = new JitterBuffer(8000)
        const pulls: Heard[] = []
        replay(
          arrivals,
          { untilMs: arrivals.at(-1)!.arrivalMs },
          (received) => buffer.receive(received),
          (nowMs) => pulls.push(pull(buffer, nowMs)),
        )
        const back = Math.ceil((6000 + pauseMs) / 20) + 20
        expect(pulls.slice(back).every((item) => typeof item === 'number')).toBe(true)
        expect(buffer.stats.overflowed).toBe(0)
        expect(buffer.targetDelayMs).toBeLessThan(30)
      },
    )

    test('does not wait longer for single packets that others have overtaken', () => {
      const delayMs = (_: () => number, sentMs: number): number =>
        sentMs % 3000 === 2000 ? 200 : 30
      const { buffer } = run({ packets: MINUTE }, { delayMs })
      expect(buffer.stats.reordered).toBe(20)
      expect(buffer.targetDelayMs).toBe(20)
    })

    test('measures the interarrival jitter of RFC 3550', () => {
      // By hand: J(1) = 80 / 16 = 5, J(2) = 5 + (40 - 5) / 16 = 7.1875, J(3) = 7.1875 · 15 / 16.
      const byHand = new JitterBuffer(8000)
      for (const [number, lateMs] of [0, 10, 5, 5].entries()) {
        byHand.receive(packet(number, { arrivalMs: 20 * number + lateMs }))
      }
      expect(byHand.jitter).toBe(Math.round((7.1875 * 15) / 16))
      const even = run({ packets: MINUTE }, {})
      expect(even.buffer.jitter).toBe(0)
      // The mean difference of two uniform delays is a third of their spread: 10 ms, 80 units.
      const uneven = run({ packets: MINUTE }, { delayMs: uniform(30) })
      expect(uneven.buffer.jitter).toBeWithin(50, 110)
    })

    test('loses nothing to reordering within the delay', () => {
      const network = { delayMs: uniform(60), seed: 4 }
      const { buffer, heard } = run({ packets: MINUTE }, network, { startDelayMs: 80 })
      expect(buffer.stats.reordered).toBeGreaterThan(300)
      expect(count(heard, 'lost')).toBeLessThan(MINUTE * 0.03)
      expect(buffer.stats.lost).toBe(0)
    })

    test('keeps its bounds through bursts and spikes', () => {
      const network = { delayMs: bursty(15, 250, 7000), lossShare: 0.02 }
      const { buffer, delaysMs, lost } = run({ packets: MINUTE }, network, { maxDelayMs: 200 })
      expect(Math.max(...delaysMs)).toBeLessThanOrEqual(260)
      expect(buffer.stats.lost).toBe(lost)
    })
  })

  test('never throws, and holds to its bounds, whatever comes', () => {
    const wild = fc.record({
      sequenceNumber: fc.oneof(
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 40 }),
      ),
      timestamp: fc.oneof(
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 9000 }),
      ),
      ssrc: fc.integer({ min: 1, max: 2 }),
      payload: fc.uint8Array({ maxLength: 12 }),
      stepMs: fc.oneof(fc.constant(0), fc.constant(20), fc.integer({ min: 0, max: 5000 })),
      pulls: fc.integer({ min: 0, max: 3 }),
    })
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 200 }), (packets) => {
        const buffer = new JitterBuffer(8000, { capacity: 16, maxPayloadBytes: 10 })
        let nowMs = 0
        for (const { stepMs, pulls, ...received } of packets) {
          nowMs += stepMs
          buffer.receive({ ...received, arrivalMs: nowMs })
          for (let i = 0; i < pulls; i += 1) {
            pull(buffer, nowMs)
            if (buffer.packet !== undefined) {
              expect(buffer.delayMs).toBeFinite()
              expect(buffer.packet.payload.length).toBeWithin(1, 11)
            }
            expect(buffer.lostUnits).toBeWithin(0, 961)
          }
          expect(buffer.targetDelayMs).toBeWithin(20, 301)
          expect(buffer.stats.lost).toBeGreaterThanOrEqual(0)
        }
        // What is left is no more than the ring holds.
        let left = 0
        while (pull(buffer, nowMs + 1e7) !== 'empty') left += 1
        expect(left).toBeLessThanOrEqual(16)
      }),
      { numRuns: 300 },
    )
  })
})
