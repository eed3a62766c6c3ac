import type { ReportBlock } from './rtcp-packet.ts'

/** A stream that is being received: a `JitterBuffer`. The counts begin anew with each SSRC. */
export interface ReceivedStream {
  /** `undefined` before the first packet. */
  readonly ssrc: number | undefined
  readonly clockRate: number
  readonly highestSequence: number
  /** How many packets were to come so far, and how many came, duplicates too. */
  readonly expected: number
  readonly arrived: number
  /** In timestamp units. */
  readonly jitter: number
}

/** In DLSR (RFC 3550 §6.4.1): 65536ths of a second. */
const UNITS_PER_MS = 65.536

/**
 * Reports on the stream that a leg receives (RFC 3550 §6.4.1, A.3): watches the counts of its
 * jitter buffer, through changes of the stream and of the buffer.
 */
export class ReceptionReport {
  #stream: ReceivedStream
  /** The stream as it was last looked at, */
  #ssrc: number | undefined
  #expected = 0
  #arrived = 0
  /** and when it was last reported. */
  #reportedExpected = 0
  #reportedArrived = 0
  /** Of streams before this one. */
  #formerExpected = 0
  #formerLost = 0
  #senderReport: { readonly ssrc: number; readonly ntp: number; readonly atMs: number } | undefined

  constructor(stream: ReceivedStream) {
    this.#stream = stream
  }

  /** Packets lost since the beginning. */
  get lost(): number {
    this.look()
    return this.#formerLost + this.#streamLost
  }

  /** Share of packets lost since the beginning, 0 to 1. */
  get lossShare(): number {
    const { lost } = this
    const expected = this.#formerExpected + this.#expected
    return expected === 0 ? 0 : lost / expected
  }

  get jitterMs(): number {
    return (this.#stream.jitter * 1000) / this.#stream.clockRate
  }

  /** Another buffer receives from now on: the codec has changed. */
  follow(stream: ReceivedStream): void {
    this.look()
    this.#settle()
    this.#stream = stream
    this.#ssrc = undefined
  }

  /** Notes how far the stream has come; often, lest the end of one be missed that is replaced. */
  look(): void {
    const { ssrc, expected, arrived } = this.#stream
    if (ssrc === undefined) return
    if (ssrc !== this.#ssrc || expected < this.#expected) this.#settle()
    this.#ssrc = ssrc
    this.#expected = expected
    this.#arrived = arrived
  }

  /** Notes the NTP time (its middle 32 bits) of a sender report that came at `nowMs`. */
  receiveSenderReport(ssrc: number, ntp: number, nowMs: number): void {
    this.#senderReport = { ssrc, ntp, atMs: nowMs }
  }

  /** The report on what came since the last one; `undefined` when nothing did. */
  next(nowMs: number): ReportBlock | undefined {
    this.look()
    const ssrc = this.#ssrc
    const expected = this.#expected - this.#reportedExpected
    const arrived = this.#arrived - this.#reportedArrived
    if (ssrc === undefined || arrived === 0) return undefined
    this.#reportedExpected = this.#expected
    this.#reportedArrived = this.#arrived
    // RFC 3550 A.3: duplicates may make it negative, which counts as none.
    const lost = Math.max(0, expected - arrived)
    const last = this.#senderReport?.ssrc === ssrc ? this.#senderReport : undefined
    return {
      ssrc,
      fractionLost: lost === 0 ? 0 : Math.min(255, Math.floor((256 * lost) / expected)),
      cumulativeLost: this.#expected - this.#arrived,
      highestSequence: this.#stream.highestSequence,
      jitter: this.#stream.jitter,
      lastSenderReport: last?.ntp ?? 0,
      delaySinceLast: last === undefined ? 0 : Math.round((nowMs - last.atMs) * UNITS_PER_MS),
    }
  }

  get #streamLost(): number {
    return Math.max(0, this.#expected - this.#arrived)
  }

  /** The stream has ended: its counts are kept, and those of another begin. */
  #settle(): void {
    this.#formerLost += this.#streamLost
    this.#formerExpected += this.#expected
    this.#expected = 0
    this.#arrived = 0
    this.#reportedExpected = 0
    this.#reportedArrived = 0
  }
}
