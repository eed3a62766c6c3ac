import { formatRtcp, type SentRtcpPacket } from './format-rtcp.ts'
import { parseRtcp } from './parse-rtcp.ts'
import { type ReceivedStream, ReceptionReport } from './reception-report.ts'
import type { ReceiverReport, ReportBlock, RtcpPacket, SenderReport } from './rtcp-packet.ts'

/** A stream that is being sent: an `RtpWriter`. */
export interface SentStream {
  readonly ssrc: number
  readonly clockRate: number
  /** Of the next packet. */
  readonly timestamp: number
  readonly stats: { readonly packets: number; readonly payloadBytes: number }
}

export interface RtcpSessionOptions {
  readonly sent: SentStream
  readonly received: ReceivedStream
  /** Names this end in all its streams; should tell nothing of the host (RFC 7022). */
  readonly cname: string
  /** Wall clock (ms since 1970) when the clock of `nowMs` stood at zero. */
  readonly epochMs: number
  readonly intervalMs?: number
  /** Gives 0 to 1. */
  readonly random?: () => number
}

/** How the call is doing, as both ends see it. `undefined` is not known yet. */
export interface RtcpStats {
  readonly roundTripMs: number | undefined
  /** Of what we receive, over all the call. */
  readonly lost: number
  readonly lossShare: number
  readonly jitterMs: number
  /** Of what the far end receives: over all the call, since its last report, and at present. */
  readonly remoteLost: number | undefined
  readonly remoteLossShare: number | undefined
  readonly remoteJitterMs: number | undefined
  readonly compoundsSent: number
  readonly compoundsReceived: number
  readonly malformed: number
}

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_OFFSET_SECONDS = 2_208_988_800
/** Longer ones are errors of the far end's arithmetic. */
const MAX_ROUND_TRIP_MS = 30_000
const NTP_UNITS_PER_MS = 65.536

/**
 * RTCP of one leg, a stream each way (RFC 3550 §6): what to send and when, and what the far end
 * says of the network. Has no clock: times are passed in, in ms of one monotonic clock.
 *
 * Deviates from RFC 3550 §6.3: with two parties there is no crowd to be thinned out, so the
 * interval is 5 s, half of that at first, times 0.5 to 1.5, and is not reconsidered.
 */
export class RtcpSession {
  readonly #sent: SentStream
  readonly #reception: ReceptionReport
  readonly #cname: string
  readonly #epochMs: number
  readonly #intervalMs: number
  readonly #random: () => number
  #nextMs: number | undefined
  #reportedPackets = 0
  #remote: ReportBlock | undefined
  #roundTripMs: number | undefined
  #hasLeft = false
  #compoundsSent = 0
  #compoundsReceived = 0
  #malformed = 0

  constructor(options: RtcpSessionOptions) {
    this.#sent = options.sent
    this.#reception = new ReceptionReport(options.received)
    this.#cname = options.cname
    this.#epochMs = options.epochMs
    this.#intervalMs = options.intervalMs ?? 5000
    this.#random = options.random ?? Math.random
  }

  /** Whether the far end has said goodbye. */
  get hasLeft(): boolean {
    return this.#hasLeft
  }

  get stats(): RtcpStats {
    const remote = this.#remote
    return {
      roundTripMs: this.#roundTripMs,
      lost: this.#reception.lost,
      lossShare: this.#reception.lossShare,
      jitterMs: this.#reception.jitterMs,
      remoteLost: remote?.cumulativeLost,
      remoteLossShare: remote === undefined ? undefined : remote.fractionLost / 256,
      remoteJitterMs:
        remote === undefined ? undefined : (remote.jitter * 1000) / this.#sent.clockRate,
      compoundsSent: this.#compoundsSent,
      compoundsReceived: this.#compoundsReceived,
      malformed: this.#malformed,
    }
  }

  /** Another jitter buffer receives from now on: the codec has changed. */
  follow(received: ReceivedStream): void {
    this.#reception.follow(received)
  }

  /**
   * What is to be sent at `nowMs`; mostly nothing. To be called with every tick of the pacer, which
   * makes the timestamp of `sent` that of `nowMs`.
   */
  poll(nowMs: number): Uint8Array | undefined {
    this.#reception.look()
    this.#nextMs ??= nowMs + this.#spread(this.#intervalMs / 2)
    if (nowMs < this.#nextMs) return undefined
    this.#nextMs = nowMs + this.#spread(this.#intervalMs)
    this.#compoundsSent += 1
    return formatRtcp(this.#compound(nowMs))
  }

  /** The last that is to be sent. */
  goodbye(nowMs: number, reason?: string): Uint8Array {
    this.#compoundsSent += 1
    const ssrcs = [this.#sent.ssrc]
    const goodbye = { type: 'goodbye', ssrcs, ...(reason === undefined ? {} : { reason }) } as const
    return formatRtcp([...this.#compound(nowMs), goodbye])
  }

  /** Takes a compound packet that came at `nowMs`. Never throws. */
  receive(bytes: Uint8Array, nowMs: number): void {
    const packets = parseRtcp(bytes)
    if (packets === undefined) {
      this.#malformed += 1
      return
    }
    this.#compoundsReceived += 1
    for (const packet of packets) this.#take(packet, nowMs)
  }

  #take(packet: RtcpPacket, nowMs: number): void {
    switch (packet.type) {
      case 'senderReport': {
        const { ssrc, ntpSeconds, ntpFraction } = packet
        this.#reception.receiveSenderReport(ssrc, middleBits(ntpSeconds, ntpFraction), nowMs)
        this.#takeReports(packet.reports, nowMs)
        break
      }
      case 'receiverReport':
        this.#takeReports(packet.reports, nowMs)
        break
      case 'goodbye':
        this.#hasLeft = true
        break
      case 'sourceDescription':
      case 'feedback':
        break
    }
  }

  #takeReports(reports: readonly ReportBlock[], nowMs: number): void {
    const report = reports.find(({ ssrc }) => ssrc === this.#sent.ssrc)
    if (report === undefined) return
    this.#remote = report
    if (report.lastSenderReport === 0) return
    const [seconds, fraction] = this.#ntpTime(nowMs)
    const sent = (report.lastSenderReport + report.delaySinceLast) >>> 0
    // Modulo 2^32: 18 hours. Clocks are read at odd moments, so it may come out just below zero.
    const roundTripMs = ((middleBits(seconds, fraction) - sent) | 0) / NTP_UNITS_PER_MS
    if (roundTripMs < -MAX_ROUND_TRIP_MS || roundTripMs > MAX_ROUND_TRIP_MS) return
    this.#roundTripMs = Math.max(0, roundTripMs)
  }

  #compound(nowMs: number): SentRtcpPacket[] {
    const { ssrc } = this.#sent
    const cname = this.#cname
    return [this.#report(nowMs), { type: 'sourceDescription', sources: [{ ssrc, cname }] }]
  }

  /** RFC 3550 §6.4: a sender report when something was sent since the last one. */
  #report(nowMs: number): SenderReport | ReceiverReport {
    const { ssrc, timestamp, stats } = this.#sent
    const block = this.#reception.next(nowMs)
    const reports = block === undefined ? [] : [block]
    if (stats.packets === this.#reportedPackets) return { type: 'receiverReport', ssrc, reports }
    this.#reportedPackets = stats.packets
    const { packets, payloadBytes } = stats
    const [ntpSeconds, ntpFraction] = this.#ntpTime(nowMs)
    const counts = { timestamp, packets, payloadBytes }
    return { type: 'senderReport', ssrc, ntpSeconds, ntpFraction, ...counts, reports }
  }

  #ntpTime(nowMs: number): readonly [seconds: number, fraction: number] {
    const seconds = (this.#epochMs + nowMs) / 1000 + NTP_OFFSET_SECONDS
    const whole = Math.floor(seconds)
    return [whole >>> 0, Math.floor((seconds - whole) * 2 ** 32)]
  }

  #spread(ms: number): number {
    return ms * (0.5 + this.#random())
  }
}

/** The 32 bits in the middle of an NTP time: 65536ths of a second, for 18 hours. */
function middleBits(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0
}
