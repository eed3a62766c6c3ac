import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { formatRtcp, type SentRtcpPacket } from '#rtp/format-rtcp.ts'
import { parseRtcp } from '#rtp/parse-rtcp.ts'

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''))

const REPORT = {
  ssrc: 0xaabbccdd,
  fractionLost: 64,
  cumulativeLost: -2,
  highestSequence: 0x0001fffe,
  jitter: 17,
  lastSenderReport: 0xfedcba98,
  delaySinceLast: 0x00018000,
}
const REPORT_HEX = 'aabbccdd 40fffffe 0001fffe 00000011 fedcba98 00018000'

describe('formatRtcp', () => {
  test('writes the packets of RFC 3550 one after the other', () => {
    const bytes = formatRtcp([
      {
        type: 'senderReport',
        ssrc: 1,
        ntpSeconds: 0xe9000000,
        ntpFraction: 0x80000000,
        timestamp: 160,
        packets: 3,
        payloadBytes: 480,
        reports: [REPORT],
      },
      { type: 'sourceDescription', sources: [{ ssrc: 1, cname: 'abcde' }] },
      { type: 'goodbye', ssrcs: [1], reason: 'bye' },
    ])
    expect(bytes).toEqual(
      hex(
        `81c8000c 00000001 e9000000 80000000 000000a0 00000003 000001e0 ${REPORT_HEX}` +
          '81ca0003 00000001 01056162 63646500' +
          '81cb0002 00000001 03627965',
      ),
    )
  })

  test('cuts texts that are too long, between characters', () => {
    const [packet] = parseRtcp(
      formatRtcp([{ type: 'goodbye', ssrcs: [7], reason: 'ä'.repeat(200) }]),
    )!
    expect(packet).toEqual({ type: 'goodbye', ssrcs: [7], reason: 'ä'.repeat(127) })
  })
})

describe('parseRtcp', () => {
  test('passes over packets that it does not know, and items of sources but their names', () => {
    const bytes = hex(
      `81c90007 00000001 ${REPORT_HEX}` +
        '80cc0003 00000001 4e414d45 00000000' +
        '82ca0006 00000001 0203616263 010178 00000000 00000002 010179 00',
    )
    expect(parseRtcp(bytes)).toEqual([
      { type: 'receiverReport', ssrc: 1, reports: [REPORT] },
      {
        type: 'sourceDescription',
        sources: [
          { ssrc: 1, cname: 'x' },
          { ssrc: 2, cname: 'y' },
        ],
      },
    ])
  })

  test.each([
    ['NACK', '81cd0003 00000001 00000002 00010000', 205, 1],
    ['PLI', '81ce0002 00000001 00000002', 206, 1],
  ])('tolerates feedback: %s', (_, bytes, packetType, format) => {
    const feedback = { type: 'feedback', packetType, format, senderSsrc: 1, mediaSsrc: 2 } as const
    expect(parseRtcp(hex(bytes))).toEqual([feedback])
  })

  test('leaves out padding', () => {
    const packets = parseRtcp(hex('80c90001 00000001 a1cb0002 00000001 00000004'))
    expect(packets).toEqual([
      { type: 'receiverReport', ssrc: 1, reports: [] },
      { type: 'goodbye', ssrcs: [1] },
    ])
  })

  test('takes as many reports as are there', () => {
    const [packet] = parseRtcp(hex(`9fc90007 00000001 ${REPORT_HEX}`))!
    expect(packet).toEqual({ type: 'receiverReport', ssrc: 1, reports: [REPORT] })
  })

  test.each([
    ['nothing', ''],
    ['half a header', '80c9'],
    ['another version', '40c90001 00000001'],
    ['a length beyond the datagram', '80c90002 00000001'],
    ['bytes behind the last packet', '80c90001 00000001 80'],
    ['more padding than packet', 'a0c90001 00000009'],
  ])('refuses %s', (_, bytes) => {
    expect(parseRtcp(hex(bytes))).toBeUndefined()
  })

  test.each([
    ['sender report', '80c80001 00000001'],
    ['receiver report', '80c90000'],
    ['goodbye', '82cb0001 00000001'],
    ['feedback', '81cd0001 00000001'],
  ])('passes over a %s that is cut short', (_, bytes) => {
    expect(parseRtcp(hex(bytes))).toEqual([])
  })

  test('never throws', () => {
    const type = fc.integer({ min: 199, max: 208 })
    fc.assert(
      fc.property(type, fc.nat(31), fc.uint8Array({ maxLength: 80 }), (packetType, count, body) => {
        const words = Math.floor(body.length / 4)
        const bytes = Uint8Array.of(0x80 | count, packetType, 0, words, ...body.slice(0, 4 * words))
        expect(parseRtcp(bytes)).toBeArray()
        parseRtcp(body)
      }),
      { numRuns: 2000 },
    )
  })

  test('reads whatever can be written', () => {
    const packets = fc.array(fc.oneof(senderReport, receiverReport, description, goodbye), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(packets, (sent) => {
        expect(parseRtcp(formatRtcp(sent))).toEqual(sent)
      }),
    )
  })
})

const uint32 = fc.nat(0xffffffff)
const report = fc.record({
  ssrc: uint32,
  fractionLost: fc.nat(255),
  cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
  highestSequence: uint32,
  jitter: uint32,
  lastSenderReport: uint32,
  delaySinceLast: uint32,
})
const reports = fc.array(report, { maxLength: 31 })
const senderReport: fc.Arbitrary<SentRtcpPacket> = fc.record({
  type: fc.constant('senderReport' as const),
  ssrc: uint32,
  ntpSeconds: uint32,
  ntpFraction: uint32,
  timestamp: uint32,
  packets: uint32,
  payloadBytes: uint32,
  reports,
})
const receiverReport: fc.Arbitrary<SentRtcpPacket> = fc.record({
  type: fc.constant('receiverReport' as const),
  ssrc: uint32,
  reports,
})
const text = fc.string({ maxLength: 60, unit: 'grapheme-ascii' })
const description: fc.Arbitrary<SentRtcpPacket> = fc.record({
  type: fc.constant('sourceDescription' as const),
  sources: fc.array(fc.record({ ssrc: uint32, cname: text }), { maxLength: 3 }),
})
const goodbye: fc.Arbitrary<SentRtcpPacket> = fc.record(
  {
    type: fc.constant('goodbye' as const),
    ssrcs: fc.array(uint32, { maxLength: 3 }),
    reason: text,
  },
  { requiredKeys: ['type', 'ssrcs'] },
)
