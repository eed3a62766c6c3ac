import { CNAME_ITEM, type ReportBlock, RTCP_TYPES, type RtcpPacket } from './rtcp-packet.ts'

const HEADER_BYTES = 4
const REPORT_BLOCK_BYTES = 24
const VERSION = 2
const utf8 = new TextDecoder()

/**
 * Parses a compound packet:
 *
 *    0               1               2               3
 *   ├───┬─┬─────────┼───────────────┼───────────────────────────────┤
 *   │V=2│P│  count  │ packet type   │   length in words, less one   │  … and the next packet
 *   └───┴─┴─────────┴───────────────┴───────────────────────────────┘
 *
 * Packets of unknown types, and those too short for what they say, are passed over. `undefined`
 * when the packets do not add up to the datagram. Feedback alone is taken too (RFC 5506). Never
 * throws.
 */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packets: RtcpPacket[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + HEADER_BYTES > bytes.length || view.getUint8(at) >> 6 !== VERSION) return undefined
    const end = at + HEADER_BYTES + 4 * view.getUint16(at + 2)
    if (end > bytes.length) return undefined
    const hasPadding = (view.getUint8(at) & 0x20) !== 0
    const size = end - at - (hasPadding ? view.getUint8(end - 1) : 0)
    if (size < HEADER_BYTES) return undefined
    const packet = parsePacket(new DataView(view.buffer, view.byteOffset + at, size))
    if (packet !== undefined) packets.push(packet)
    at = end
  }
  return packets
}

function parsePacket(view: DataView): RtcpPacket | undefined {
  const count = view.getUint8(0) & 0x1f
  const packetType = view.getUint8(1)
  switch (packetType) {
    case RTCP_TYPES.senderReport:
      return parseSenderReport(view, count)
    case RTCP_TYPES.receiverReport:
      if (view.byteLength < 8) return undefined
      return {
        type: 'receiverReport',
        ssrc: view.getUint32(4),
        reports: parseReports(view, 8, count),
      }
    case RTCP_TYPES.sourceDescription:
      return { type: 'sourceDescription', sources: parseSources(view, count) }
    case RTCP_TYPES.goodbye:
      return parseGoodbye(view, count)
    case RTCP_TYPES.transportFeedback:
    case RTCP_TYPES.payloadFeedback:
      if (view.byteLength < 12) return undefined
      return {
        type: 'feedback',
        packetType,
        format: count,
        senderSsrc: view.getUint32(4),
        mediaSsrc: view.getUint32(8),
      }
    default:
      return undefined
  }
}

function parseSenderReport(view: DataView, count: number): RtcpPacket | undefined {
  if (view.byteLength < 28) return undefined
  return {
    type: 'senderReport',
    ssrc: view.getUint32(4),
    ntpSeconds: view.getUint32(8),
    ntpFraction: view.getUint32(12),
    timestamp: view.getUint32(16),
    packets: view.getUint32(20),
    payloadBytes: view.getUint32(24),
    reports: parseReports(view, 28, count),
  }
}

/** As many of the `count` blocks as are there. */
function parseReports(view: DataView, start: number, count: number): ReportBlock[] {
  const room = Math.floor((view.byteLength - start) / REPORT_BLOCK_BYTES)
  return Array.from({ length: Math.min(count, room) }, (_, i) => {
    const at = start + i * REPORT_BLOCK_BYTES
    return {
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      // 24 bits with a sign.
      cumulativeLost: (view.getUint32(at + 4) << 8) >> 8,
      highestSequence: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastSenderReport: view.getUint32(at + 16),
      delaySinceLast: view.getUint32(at + 20),
    }
  })
}

/** RFC 3550 §6.5: per source items of type, length and text, ended by 0 and filled up to a word. */
function parseSources(view: DataView, count: number): { ssrc: number; cname: string }[] {
  const sources: { ssrc: number; cname: string }[] = []
  let at = HEADER_BYTES
  for (let i = 0; i < count && at + 4 <= view.byteLength; i += 1) {
    const ssrc = view.getUint32(at)
    at += 4
    while (at + 2 <= view.byteLength && view.getUint8(at) !== 0) {
      const cname = view.getUint8(at) === CNAME_ITEM ? parseText(view, at + 1) : undefined
      if (cname !== undefined) sources.push({ ssrc, cname })
      at += 2 + view.getUint8(at + 1)
    }
    at = 4 * (Math.floor(at / 4) + 1)
  }
  return sources
}

function parseGoodbye(view: DataView, count: number): RtcpPacket | undefined {
  const end = HEADER_BYTES + 4 * count
  if (end > view.byteLength) return undefined
  const ssrcs = Array.from({ length: count }, (_, i) => view.getUint32(HEADER_BYTES + 4 * i))
  const reason = end < view.byteLength ? parseText(view, end) : undefined
  return { type: 'goodbye', ssrcs, ...(reason === undefined ? {} : { reason }) }
}

/** Text after its length; `undefined` when it is cut short. */
function parseText(view: DataView, at: number): string | undefined {
  const start = at + 1
  const length = view.getUint8(at)
  if (start + length > view.byteLength) return undefined
  return utf8.decode(new Uint8Array(view.buffer, view.byteOffset + start, length))
}
