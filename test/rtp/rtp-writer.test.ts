import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseRtpPacket } from '#rtp/rtp-packet.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'

/** Writes `payload` as the packet of this frame of time, and parses it again. */
function send(writer: RtpWriter, payload: readonly number[] = [1, 2], payloadType = 0) {
  writer.payload.set(payload)
  const length = writer.write(payloadType, payload.length)
  return parseRtpPacket(writer.view(length).slice())!
}

describe('RtpWriter', () => {
  test('writes the header of RFC 3550 before the payload', () => {
    const writer = new RtpWriter({
      clockRate: 8000,
      ssrc: 0xfedcba98,
      sequenceNumber: 0x1234,
      timestamp: 0x89abcdef,
    })
    writer.payload.set([1, 2, 3])
    const packet = writer.view(writer.write(8, 3))
    expect(packet.toHex()).toBe('8088123489abcdeffedcba98010203')
  })

  test('counts sequence numbers by packets and timestamps by time, and wraps both', () => {
    const writer = new RtpWriter({
      clockRate: 48_000,
      sequenceNumber: 0xffff,
      timestamp: 0xffffffff,
    })
    const packets = [0, 1, 2].map(() => {
      const packet = send(writer)
      writer.advance(20)
      return packet
    })
    expect(packets.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0xffff, 0, 1])
    expect(packets.map(({ timestamp }) => timestamp)).toEqual([0xffffffff, 959, 1919])
    expect(writer.stats).toEqual({ packets: 3, payloadBytes: 6 })
  })

  test('marks the first packet and the first after a pause', () => {
    const writer = new RtpWriter({ clockRate: 8000, timestamp: 0, sequenceNumber: 5 })
    const sent = [true, true, false, false, true, true].flatMap((isSound) => {
      const packets = isSound ? [send(writer)] : []
      writer.advance(20)
      return packets
    })
    expect(sent.map(({ marker }) => marker)).toEqual([true, false, true, false])
    expect(sent.map(({ timestamp }) => timestamp)).toEqual([0, 160, 640, 800])
    expect(sent.map(({ sequenceNumber }) => sequenceNumber)).toEqual([5, 6, 7, 8])
  })

  test('goes on from its timestamp when the clock rate changes', () => {
    const writer = new RtpWriter({ clockRate: 8000, timestamp: 1000 })
    send(writer)
    writer.advance(20)
    writer.clockRate = 48_000
    expect(send(writer).timestamp).toBe(1160)
    writer.advance(20)
    expect(send(writer, [1], 111)).toMatchObject({ timestamp: 2120, payloadType: 111 })
  })

  test('writes events with their own timestamp into the same sequence', () => {
    const writer = new RtpWriter({ clockRate: 8000, timestamp: 160, sequenceNumber: 1 })
    send(writer)
    writer.advance(20)
    const event = { payload: Uint8Array.of(5, 10, 0, 160), timestamp: 100, marker: true }
    const packet = parseRtpPacket(writer.view(writer.writeEvent(101, event)))
    expect(packet).toMatchObject({ payloadType: 101, marker: true, timestamp: 100 })
    expect(packet).toMatchObject({ sequenceNumber: 2, payload: event.payload, ssrc: writer.ssrc })
    writer.advance(20)
    expect(send(writer)).toMatchObject({ marker: true, timestamp: 480, sequenceNumber: 3 })
  })

  test('begins each stream somewhere else, never near the end of the sequence', () => {
    const writers = Array.from({ length: 50 }, () => new RtpWriter({ clockRate: 8000 }))
    expect(new Set(writers.map(({ ssrc }) => ssrc)).size).toBeGreaterThan(45)
    expect(new Set(writers.map(({ timestamp }) => timestamp)).size).toBeGreaterThan(45)
    expect(writers.every(({ sequenceNumber }) => sequenceNumber < 0x8000)).toBe(true)
  })

  test('writes what a reader reads', () => {
    const payload = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 })
    fc.assert(
      fc.property(payload, fc.integer({ min: 0, max: 127 }), (bytes, payloadType) => {
        const writer = new RtpWriter({ clockRate: 8000 })
        const { timestamp, sequenceNumber, ssrc } = writer
        const packet = send(writer, bytes, payloadType)
        expect(packet).toMatchObject({ timestamp, sequenceNumber, ssrc, payloadType, marker: true })
        expect([...packet.payload]).toEqual(bytes)
      }),
    )
  })
})
