import type { ReceivedStream } from '#rtp/reception-report.ts'
import { RtcpSession, type RtcpStats, type SentStream } from '#rtp/rtcp-session.ts'
import type { RtpPort } from './rtp-port.ts'
import type { SourceLatch } from './source-latch.ts'
import type { SrtpPair } from './srtp-pair.ts'

export interface RtcpChannelOptions {
  readonly srtp: SrtpPair
  readonly sent: SentStream
  readonly received: ReceivedStream
  readonly intervalMs?: number | undefined
}

/** RTCP of one call: where it comes from and goes to, beside its audio. */
export class RtcpChannel {
  readonly #port: RtpPort
  readonly #latch: SourceLatch
  readonly #srtp: SrtpPair
  readonly #session: RtcpSession
  /** Where the far end wants it, as far as the SDP says, */
  #announcedPort = 0
  /** and where it sends it from. */
  #latchedPort: number | undefined
  #isMuxed = false

  constructor(port: RtpPort, latch: SourceLatch, options: RtcpChannelOptions) {
    const { srtp, sent, received, intervalMs } = options
    this.#srtp = srtp
    this.#port = port
    this.#latch = latch
    this.#session = new RtcpSession({
      sent,
      received,
      // RFC 7022 §4.2: a name that lasts as long as the call, and says nothing.
      cname: crypto.randomUUID(),
      epochMs: performance.timeOrigin,
      ...(intervalMs !== undefined && { intervalMs }),
    })
  }

  get stats(): RtcpStats {
    return this.#session.stats
  }

  /** The SDP says that the far end wants it at `rtcpPort`, which is `rtpPort` if both share one. */
  announce(rtpPort: number, rtcpPort = rtpPort + 1): void {
    if (rtcpPort !== this.#announcedPort) this.#latchedPort = undefined
    this.#announcedPort = rtcpPort
    this.#isMuxed = rtcpPort === rtpPort
  }

  /** Audio is received by another jitter buffer from now on. */
  follow(received: ReceivedStream): void {
    this.#session.follow(received)
  }

  /** Takes a datagram; returns whether it is the far end's. */
  receive(bytes: Uint8Array, port: number, address: string): boolean {
    if (!this.#latch.admitsRtcp(address)) return false
    const opened = this.#srtp.unprotectRtcp(bytes)
    if (opened === undefined) return false
    if (address === this.#latch.address) this.#latchedPort = port
    this.#session.receive(opened, performance.now())
    return true
  }

  /** Sends what is due. To be called at every tick. */
  tick(nowMs: number): void {
    const compound = this.#session.poll(nowMs)
    if (compound !== undefined) this.#send(compound)
  }

  /** Says goodbye. */
  close(): void {
    this.#send(this.#session.goodbye(performance.now()))
  }

  #send(compound: Uint8Array): void {
    const { address, port } = this.#latch
    if (address === undefined || port === 0) return
    const bytes = this.#srtp.protectRtcp(compound)
    if (this.#isMuxed) this.#port.sendRtp(bytes, port, address)
    else this.#port.sendRtcp(bytes, this.#latchedPort ?? this.#announcedPort, address)
  }
}
