import type { SipAddress, SipProtocol } from './sip-address.ts'

/** A whole message, as text, and who sent it. */
export type ReceiveText = (text: string, source: SipAddress) => void

/** Sockets of one protocol that carry whole SIP messages. */
export interface Channel {
  readonly protocol: SipProtocol
  /** The local port that listens. */
  readonly port: number
  readonly stats: Readonly<Record<string, number>>
  /** Resolves when the message has been handed to the system; rejects with `unreachable`. */
  send(text: string, to: SipAddress): Promise<void>
  /** Harmless to call twice. */
  close(): void
}

/** Where a channel listens. */
export interface Listen {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}
