import {
  CNAME_ITEM,
  type Goodbye,
  type ReceiverReport,
  type ReportBlock,
  RTCP_TYPES,
  type SenderReport,
  type SourceDescription,
} from './rtcp-packet.ts'

export type SentRtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye

const VERSION_BITS = 0x80
const MAX_TEXT_BYTES = 255
const utf8 = new TextEncoder()
const textBytes = new Uint8Array(MAX_TEXT_BYTES)

/** A compound packet of `packets`: a report first (RFC 3550 §6.1). Texts are cut at 255 bytes. */
export function formatRtcp(packets: readonly SentRtcpPacket[]): Uint8Array {
  return Buffer.concat(packets.map(formatPacket))
}

function formatPacket(packet: SentRtcpPacket): Uint8Array {
  switch (packet.type) {
    case 'senderReport':
      return finish(RTCP_TYPES.senderReport, packet.reports.length, [
        ...uint32(packet.ssrc, packet.ntpSeconds, packet.ntpFraction, packet.timestamp),
        ...uint32(packet.packets, packet.payloadBytes),
        ...packet.reports.flatMap(formatReport),
      ])
    case 'receiverReport':
      return finish(RTCP_TYPES.receiverReport, packet.reports.length, [
        ...uint32(packet.ssrc),
        ...packet.reports.flatMap(formatReport),
      ])
    case 'sourceDescription':
      return finish(
        RTCP_TYPES.sourceDescription,
        packet.sources.length,
        packet.sources.flatMap(({ ssrc, cname }) => {
          const item = [CNAME_ITEM, ...formatText(cname), 0]
          return [...uint32(ssrc), ...padded(item)]
        }),
      )
    case 'goodbye':
      return finish(RTCP_TYPES.goodbye, packet.ssrcs.length, [
        ...uint32(...packet.ssrcs),
        ...(packet.reason === undefined ? [] : padded(formatText(packet.reason))),
      ])
  }
}

function formatReport(report: ReportBlock): number[] {
  const lost = Math.max(-0x800000, Math.min(0x7fffff, report.cumulativeLost))
  return uint32(
    report.ssrc,
    (report.fractionLost << 24) | (lost & 0xffffff),
    report.highestSequence,
    report.jitter,
    report.lastSenderReport,
    report.delaySinceLast,
  )
}

/** Puts the header before the body, which is a whole number of words long. */
function finish(packetType: number, count: number, body: readonly number[]): Uint8Array {
  const words = body.length / 4
  return Uint8Array.of(VERSION_BITS | count, packetType, words >> 8, words, ...body)
}

function formatText(text: string): number[] {
  const { written } = utf8.encodeInto(text, textBytes)
  return [written, ...textBytes.subarray(0, written)]
}

function padded(bytes: readonly number[]): number[] {
  return [...bytes, ...new Uint8Array((4 - (bytes.length % 4)) % 4)]
}

/** Each value modulo 2^32, in network order. */
function uint32(...values: readonly number[]): number[] {
  return values.flatMap((value) => {
    const word = value >>> 0
    return [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff]
  })
}
