/** What a receiver says of one stream (RFC 3550 §6.4.1). */
export interface ReportBlock {
  /** Of the stream that it is about. */
  readonly ssrc: number
  /** Share of packets lost since the last report, in 256ths. */
  readonly fractionLost: number
  /** Packets lost since the beginning; below zero when more were duplicated. 24 bits. */
  readonly cumulativeLost: number
  readonly highestSequence: number
  /** In timestamp units. */
  readonly jitter: number
  /** Middle 32 bits of the NTP time of the last sender report, 0 for none, */
  readonly lastSenderReport: number
  /** and how long ago that came, in 65536ths of a second. */
  readonly delaySinceLast: number
}

export interface SenderReport {
  readonly type: 'senderReport'
  readonly ssrc: number
  /** Wall clock: seconds since 1900, and 2^32nds of a second. */
  readonly ntpSeconds: number
  readonly ntpFraction: number
  /** The same moment in the timestamps of the stream. */
  readonly timestamp: number
  readonly packets: number
  readonly payloadBytes: number
  readonly reports: readonly ReportBlock[]
}

export interface ReceiverReport {
  readonly type: 'receiverReport'
  readonly ssrc: number
  readonly reports: readonly ReportBlock[]
}

/** The canonical name of a source; other items are passed over. */
export interface SourceDescription {
  readonly type: 'sourceDescription'
  readonly sources: readonly { readonly ssrc: number; readonly cname: string }[]
}

export interface Goodbye {
  readonly type: 'goodbye'
  readonly ssrcs: readonly number[]
  readonly reason?: string
}

/** Feedback about a stream (RFC 4585 §6.1): 205 transport (1 NACK), 206 payload (1 PLI). */
export interface Feedback {
  readonly type: 'feedback'
  readonly packetType: number
  readonly format: number
  readonly senderSsrc: number
  readonly mediaSsrc: number
}

export type RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | Feedback

/** Packet types of RFC 3550 §12.1 and RFC 4585 §6.1. */
export const RTCP_TYPES = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  goodbye: 203,
  transportFeedback: 205,
  payloadFeedback: 206,
} as const

/** Of SDES: the item that every source must have. */
export const CNAME_ITEM = 1
