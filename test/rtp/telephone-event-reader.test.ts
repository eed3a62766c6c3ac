import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseRtpPacket, type RtpPacket } from '#rtp/rtp-packet.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { TelephoneEventReader } from '#rtp/telephone-event-reader.ts'
import { TelephoneEventSender } from '#rtp/telephone-event-sender.ts'
import { seededRandom } from '../support/seeded-random.ts'

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''))

function packet(changes: Partial<RtpPacket> = {}): RtpPacket {
  return {
    payloadType: 101,
    marker: false,
    sequenceNumber: 1,
    timestamp: 160,
    ssrc: 1,
    payload: hex('05 0a 00 a0'),
    arrivalMs: 0,
    ...changes,
  }
}

function listen(clockRates: Iterable<[number, number]> = [[101, 8000]]) {
  const digits: string[] = []
  const reader = new TelephoneEventReader(new Map(clockRates), (digit) => digits.push(digit))
  return {
    digits,
    reader,
    hear: (...packets: readonly Partial<RtpPacket>[]): void => {
      for (const changes of packets) reader.receive(packet(changes))
    },
  }
}

/** All packets that press `keys`, as a sender in real time makes them. */
function pressed(keys: string, clockRate = 8000, durationMs = 100): RtpPacket[] {
  const writer = new RtpWriter({ clockRate, sequenceNumber: 0xfff0, timestamp: 0xfffff000 })
  const sender = new TelephoneEventSender({ clockRate })
  sender.press(keys, { durationMs })
  const packets: RtpPacket[] = []
  for (let tick = 0; !sender.isIdle; tick += 1) {
    const event = sender.next(writer.timestamp)
    if (event === undefined) writer.write(0, 160)
    else {
      const bytes = writer.view(writer.writeEvent(101, event)).slice()
      packets.push(parseRtpPacket(bytes, tick * 20)!)
    }
    writer.advance(20)
  }
  return packets
}

describe('TelephoneEventReader', () => {
  test.each([
    ['its three end packets', ['05 8a 03 20', '05 8a 03 20', '05 8a 03 20']],
    ['all packets of it', ['05 0a 00 a0', '05 0a 01 40', '05 8a 01 e0']],
    ['packets that have been overtaken', ['05 8a 01 e0', '05 0a 00 a0', '05 0a 01 40']],
    ['its first packet alone', ['05 0a 00 a0']],
    ['a packet that is longer than it need be', ['05 0a 00 a0 00 00 00 00 00']],
  ])('reports a key once for %s', (_, payloads) => {
    const { digits, hear } = listen()
    hear(...payloads.map((payload) => ({ payload: hex(payload) })))
    expect(digits).toEqual(['5'])
  })

  test('knows the sixteen keys, and ignores other events', () => {
    const { digits, reader, hear } = listen()
    for (let event = 0; event < 256; event += 1) {
      hear({ timestamp: event * 2000, payload: Uint8Array.of(event, 10, 0, 160) })
    }
    expect(digits.join('')).toBe('0123456789*#ABCD')
    expect(reader.stats).toEqual({ presses: 16, malformed: 0, ignored: 240 })
  })

  test('takes only the payload types that were negotiated, and says which packets it took', () => {
    const { digits, reader } = listen([
      [96, 8000],
      [110, 48_000],
    ])
    expect(reader.receive(packet({ payloadType: 101 }))).toBe(false)
    expect(reader.receive(packet({ payloadType: 0 }))).toBe(false)
    expect(reader.receive(packet({ payloadType: 96, timestamp: 1 }))).toBe(true)
    expect(reader.receive(packet({ payloadType: 110, timestamp: 2000 }))).toBe(true)
    expect(reader.receive(packet({ payloadType: 96, payload: hex('05 0a 00') }))).toBe(true)
    expect(digits).toEqual(['5', '5'])
    expect(reader.stats.malformed).toBe(1)
  })

  test('reports the same key again when it is pressed again, without marker and ends', () => {
    const { digits, hear } = listen()
    hear(
      { timestamp: 0, sequenceNumber: 1, payload: hex('05 0a 00 a0') },
      { timestamp: 0, sequenceNumber: 2, payload: hex('05 0a 01 40') },
      { timestamp: 1600, sequenceNumber: 9, payload: hex('05 0a 00 a0') },
      { timestamp: 3200, sequenceNumber: 16, payload: hex('05 8a 03 20') },
    )
    expect(digits).toEqual(['5', '5', '5'])
  })

  test.each([
    ['its marker', { marker: true, sequenceNumber: 3, timestamp: 160 }],
    ['packets between', { sequenceNumber: 20, timestamp: 160 }],
    ['the time since', { sequenceNumber: 3, timestamp: 1000 }],
    ['the time since, as long as one can be', { sequenceNumber: 3, timestamp: 0xffff }],
  ])('knows a second press that only its end tells of by %s', (_, second) => {
    const { digits, hear } = listen()
    hear({ sequenceNumber: 1, timestamp: 0, payload: hex('05 8a 00 a0') })
    hear({ payload: hex('05 8a 01 e0'), ...second })
    expect(digits).toEqual(['5', '5'])
  })

  test('does not report a key again whose end is repeated after the next one has begun', () => {
    const { digits, hear } = listen()
    hear(
      { timestamp: 0, payload: hex('01 8a 03 20') },
      { timestamp: 1440, payload: hex('02 0a 00 a0'), marker: true },
      { timestamp: 0, payload: hex('01 8a 03 20') },
      { timestamp: 1440, payload: hex('02 8a 03 20') },
    )
    expect(digits).toEqual(['1', '2'])
  })

  test.each([8000, 48_000])('reports a press of five seconds once at %d Hz', (clockRate) => {
    const { digits, reader } = listen([[101, clockRate]])
    const packets = [...pressed('7', clockRate, 5000), ...pressed('8', clockRate, 20_000)]
    for (const each of packets) reader.receive(each)
    expect(digits).toEqual(['7', '8'])
  })

  test('reports a key once whose timestamp grows while it is held', () => {
    const { digits, hear } = listen()
    hear(
      ...[1, 2, 3, 4, 5, 6, 7].map((tick) => {
        const duration = 160 * Math.min(5, tick)
        const payload = Uint8Array.of(5, tick < 5 ? 10 : 0x8a, duration >> 8, duration)
        return { timestamp: 160 * tick, sequenceNumber: tick, marker: tick === 1, payload }
      }),
    )
    expect(digits).toEqual(['5'])
  })

  test('reports a key once whose repeated ends have timestamps of their own', () => {
    const { digits, hear } = listen()
    hear(
      { sequenceNumber: 1, timestamp: 0, payload: hex('01 0a 00 a0'), marker: true },
      { sequenceNumber: 2, timestamp: 0, payload: hex('01 0a 01 40') },
      { sequenceNumber: 3, timestamp: 0, payload: hex('01 8a 01 e0') },
      { sequenceNumber: 4, timestamp: 160, payload: hex('01 8a 01 e0') },
      { sequenceNumber: 5, timestamp: 320, payload: hex('01 8a 01 e0') },
    )
    expect(digits).toEqual(['1'])
  })

  test('reports the keys of a sender whose timestamp stands still', () => {
    const { digits, hear } = listen()
    const press = (event: number, sequenceNumber: number) => {
      const [low, high] = [sequenceNumber, sequenceNumber + 1]
      const begin = { sequenceNumber: low, payload: Uint8Array.of(event, 10, 0, 160) }
      const end = { sequenceNumber: high, payload: Uint8Array.of(event, 138, 3, 32) }
      hear(begin, end, begin, end)
    }
    press(1, 0xfffd)
    press(2, 0xffff)
    press(2, 1)
    press(2, 3)
    press(1, 5)
    expect(digits.join('')).toBe('12221')
  })

  test('reads several events of one packet, each in its time', () => {
    const { digits, hear } = listen()
    const both = { timestamp: 0, payload: hex('01 8a 03 20  02 8a 03 20') }
    hear(both, both, { timestamp: 800, payload: hex('02 8a 03 20') })
    expect(digits).toEqual(['1', '2'])
  })

  test('goes on when timestamps or the stream begin anew', () => {
    const { digits, hear } = listen()
    hear({ timestamp: 90_000 }, { timestamp: 10 }, { timestamp: 10, ssrc: 2 })
    expect(digits).toEqual(['5', '5', '5'])
  })

  test.each([8000, 48_000])('loses and doubles no key on a bad network at %d Hz', (clockRate) => {
    const keys = '1123*#00AD55598'
    for (let seed = 1; seed <= 50; seed += 1) {
      const random = seededRandom(seed)
      const arrivals = pressed(keys, clockRate)
        .filter(() => random() >= 0.05)
        .flatMap((each) => (random() < 0.05 ? [each, each] : [each]))
        .map((each) => ({ ...each, arrivalMs: each.arrivalMs + 30 * random() }))
        .sort((a, b) => a.arrivalMs - b.arrivalMs)
      const { digits, reader } = listen([[101, clockRate]])
      for (const each of arrivals) reader.receive(each)
      expect(digits.join('')).toBe(keys)
    }
  })

  test('never throws, and says nothing but keys', () => {
    const { digits, reader } = listen()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(0xffff), (payload, timestamp) => {
        reader.receive(packet({ payload, timestamp }))
      }),
    )
    expect(digits.every((digit) => /^[0-9*#A-D]$/.test(digit))).toBe(true)
  })
})
