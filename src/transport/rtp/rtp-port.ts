/** Takes one datagram of a far end that may be the call's; `bytes` is the receiver's to keep. */
export type PacketSink = (bytes: Uint8Array, port: number, address: string) => void

export interface RtpPortHandlers {
  readonly onRtp: PacketSink
  readonly onRtcp: PacketSink
}

/** Where a far end said that it receives, and so most likely sends from. */
export interface ExpectedSource {
  /** IP address. */
  readonly address: string
  readonly port: number
  /**
   * Another address that packets may come from: that of the signalling, where the far end announces
   * one of its private network.
   */
  readonly natAddress?: string
  /** From `a=ssrc` (RFC 5576), where it is known. */
  readonly ssrc?: number
}

/** What one call sends and receives its packets through. */
export interface RtpPort {
  /** As bound: what the SDP says unless another address is known to the outside. */
  readonly address: string
  readonly port: number
  /** Where RTCP arrives; `port` where both share one. */
  readonly rtcpPort: number
  /** Hands over datagrams from now on: those that are RTP and RTCP by their looks. */
  attach(handlers: RtpPortHandlers): void
  /** Says whose packets are waited for, until `claim` says whose they are. */
  expect(source: ExpectedSource): void
  /** Says which source the call's packets turned out to come from. */
  claim(ssrc: number, port: number, address: string): void
  /** Returns whether the system took it. Never throws. */
  sendRtp(bytes: Uint8Array, port: number, address: string): boolean
  sendRtcp(bytes: Uint8Array, port: number, address: string): boolean
  /** Frees the port. Harmless to call twice. */
  close(): void
}
