import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { packetKind } from '#rtp/packet-kind.ts'
import { parseRtpPacket, RtpReader } from '#rtp/rtp-packet.ts'

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''))

describe('RtpReader', () => {
  test('reads the fields of a packet', () => {
    const packet = parseRtpPacket(hex('80 88 12 34 89abcdef fedcba98 010203'), 17.5)
    expect(packet).toEqual({
      payloadType: 8,
      marker: true,
      sequenceNumber: 0x1234,
      timestamp: 0x89abcdef,
      ssrc: 0xfedcba98,
      payload: hex('010203'),
      arrivalMs: 17.5,
    })
  })

  test.each([
    ['contributing sources', '82 00 0001 00000002 00000003 11111111 22222222 aabb', 'aabb'],
    ['an extension', '90 00 0001 00000002 00000003 bede0001 10ff0000 aabb', 'aabb'],
    ['both', '91 00 0001 00000002 00000003 11111111 bede0000 aabb', 'aabb'],
    ['padding', 'a0 00 0001 00000002 00000003 aabb 000003', 'aabb'],
    ['all of it', 'b1 00 0001 00000002 00000003 11111111 bede0001 10ff0000 aabb 0002', 'aabb'],
    ['nothing but padding', 'a0 00 0001 00000002 00000003 000003', ''],
    ['no payload', '80 00 0001 00000002 00000003', ''],
  ])('finds the payload of a packet with %s', (_, bytes, payload) => {
    expect(parseRtpPacket(hex(bytes))?.payload).toEqual(hex(payload))
  })

  test.each([
    ['nothing', ''],
    ['half a header', '80 00 0001 00000002 000000'],
    ['another version', '40 00 0001 00000002 00000003 aabb'],
    ['sources that are not there', '8f 00 0001 00000002 00000003 aabb'],
    ['an extension without its length', '90 00 0001 00000002 00000003 be'],
    ['an extension that is not there', '90 00 0001 00000002 00000003 bede0002 10ff0000'],
    ['more padding than payload', 'a0 00 0001 00000002 00000003 aa03'],
    ['no padding where some is said to be', 'a0 00 0001 00000002 00000003 aa00'],
    ['padding that would reach into the header', 'a0 00 0001 00000002 00000003'],
  ])('refuses %s', (_, bytes) => {
    expect(parseRtpPacket(hex(bytes))).toBeUndefined()
  })

  test('heeds the length that it is told, and gives the same object each time', () => {
    const reader = new RtpReader()
    const bytes = hex('80 00 0001 00000002 00000003 aabbcc')
    const first = reader.read(bytes, 0, 13)
    expect(first?.payload).toEqual(hex('aa'))
    expect(reader.read(bytes, 0)).toBe(first!)
    expect(first?.payload).toEqual(hex('aabbcc'))
    expect(reader.read(bytes, 0, 11)).toBeUndefined()
    expect(reader.read(bytes, 0, 16)).toBeUndefined()
    expect(reader.read(new Uint8Array(4097).fill(0x80), 0)).toBeUndefined()
  })

  test('never throws, and never finds a payload outside the datagram', () => {
    const reader = new RtpReader()
    const first = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(first, fc.uint8Array({ maxLength: 120 }), (byte, rest) => {
        const bytes = Uint8Array.of(byte, ...rest)
        const packet = reader.read(bytes, 0)
        if (packet === undefined) return
        const { payload } = packet
        expect(payload.byteOffset).toBeGreaterThanOrEqual(12)
        expect(payload.byteOffset + payload.length).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 1000 },
    )
  })

  test('reads whatever can be written', () => {
    const reader = new RtpReader()
    fc.assert(
      fc.property(anyPacket(), ({ bytes, fields }) => {
        expect(parseRtpPacket(bytes)).toEqual({ ...fields, arrivalMs: 0 })
        expect(reader.read(bytes, 5)).toEqual({ ...fields, arrivalMs: 5 })
      }),
    )
  })
})

describe('packetKind', () => {
  test.each([
    ['rtp', '80 00'],
    ['rtp', 'bf ff'],
    ['rtp', '80 bf'],
    ['rtp', '80 e0'],
    ['rtcp', '80 c8'],
    ['rtcp', '81 cd'],
    ['stun', '00 01'],
    ['stun', '01 01'],
    ['dtls', '14 fe'],
    ['dtls', '3f fe'],
    ['unknown', '04 00'],
    ['unknown', '40 00'],
    ['unknown', 'c0 00'],
    ['unknown', '80'],
    ['unknown', ''],
  ] as const)('says %s of what begins %s', (kind, bytes) => {
    expect(packetKind(hex(bytes))).toBe(kind)
  })
})

/** Any packet that RFC 3550 allows, with what a reader should find in it. */
function anyPacket() {
  const uint32 = fc.integer({ min: 0, max: 0xffffffff })
  return fc
    .record({
      payloadType: fc.integer({ min: 0, max: 127 }),
      marker: fc.boolean(),
      sequenceNumber: fc.integer({ min: 0, max: 0xffff }),
      timestamp: uint32,
      ssrc: uint32,
      payload: fc.uint8Array({ maxLength: 200 }),
      sources: fc.array(uint32, { maxLength: 15 }),
      extension: fc.option(fc.array(uint32, { maxLength: 4 }), { nil: undefined }),
      padding: fc.integer({ min: 0, max: 255 }),
    })
    .map(({ sources, extension, padding, ...fields }) => {
      const head = Buffer.alloc(12)
      head[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extension ? 0x10 : 0) | sources.length
      head[1] = (fields.marker ? 0x80 : 0) | fields.payloadType
      head.writeUInt16BE(fields.sequenceNumber, 2)
      head.writeUInt32BE(fields.timestamp, 4)
      head.writeUInt32BE(fields.ssrc, 8)
      const extensionHead = extension ? [0xbede0000 + extension.length, ...extension] : []
      const tail = new Uint8Array(padding)
      if (padding > 0) tail[padding - 1] = padding
      const parts = [head, words(sources), words(extensionHead), fields.payload, tail]
      return { bytes: new Uint8Array(Buffer.concat(parts)), fields }
    })
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, 4 * i)
  })
  return bytes
}
