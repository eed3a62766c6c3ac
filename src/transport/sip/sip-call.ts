import type { CustomHeaders } from './custom-headers.ts'
import type { SipAddress } from './wire/sip-address.ts'

/** Why and by whom a call has ended. */
export interface SipCallEnd {
  /** `fault`: neither end wanted it. */
  readonly by: 'local' | 'remote' | 'fault'
  /**
   * A short lower-case word: `hangup`, `remote_bye`, `canceled`, `rejected`, `busy`, `no_answer`,
   * `no_ack`, `session_expired`, `bad_sdp`, `unreachable`, `peer_gone`, `server_shutdown`.
   */
  readonly reason: string
  /** The SIP status that goes with it, where there is one. */
  readonly code?: number
  /** The cause in a sentence, for people. */
  readonly cause?: string
}

/** An inbound REFER: the far end wants us to call somebody else. Nothing is dialled by itself. */
export interface TransferRequest {
  /** The URI of Refer-To. */
  readonly target: string
  readonly referredBy: string | undefined
  /** Tells the far end how it went (RFC 3515 §2.4.4): 200, or the status of the failure. */
  finish(status: number): void
}

/** What both kinds of calls tell, at any time until `onEnded`, which is the last, and comes once. */
export interface SipCallHandlers {
  readonly onEnded: (end: SipCallEnd) => void
  /** A key pressed on the far end, told by INFO. */
  readonly onDtmf?: (digit: string, durationMs: number) => void
  /** Absent: transfers are declined. */
  readonly onTransferRequest?: (request: TransferRequest) => void
}

export interface Provisional {
  readonly code: number
  readonly reason: string
  /** Whether it came with SDP, so that audio is to be heard before the answer. */
  readonly hasEarlyMedia: boolean
}

export interface Rejection {
  readonly code: number
  readonly reason: string
  /** What Reason and Warning headers add. */
  readonly cause: string | undefined
  /** Where a 3xx points; never dialled by itself. */
  readonly contacts: readonly string[]
}

export interface OutboundHandlers extends SipCallHandlers {
  readonly onProvisional?: (provisional: Provisional) => void
  /** The far end has answered; `sdp` is what it said last. */
  readonly onAnswered?: (answer: { readonly sdp: string }) => void
  /** The far end has refused; `onEnded` follows. */
  readonly onRejected?: (rejection: Rejection) => void
}

export interface HangupOptions {
  /** Headers of the BYE. */
  readonly headers?: CustomHeaders
  /** What `onEnded` shall tell; default `hangup`, `canceled` or `rejected`. */
  readonly reason?: string
}

export interface ReferOptions {
  readonly headers?: CustomHeaders
}

/** What can be done with a call that is answered. */
export interface EstablishedCall {
  /** Ends the call in whatever state it is. Harmless to call twice. Throws `bad_header`. */
  hangup(options?: HangupOptions): void
  /** Offers the media as it is to be now: hold, resume, another address. Rejects with `refused`. */
  reoffer(): Promise<void>
  /** Sends a key as INFO, for far ends without telephone-event. */
  sendDtmf(digit: string, durationMs: number): Promise<void>
  /**
   * Asks the far end to call `target` in our place and resolves with the final status it reports
   * of that; undefined when it hung up without a report.
   */
  refer(target: string, options?: ReferOptions): Promise<number | undefined>
}

/** The far end of an inbound call, as its INVITE says. */
export interface InboundDescription {
  readonly callId: string
  readonly requestUri: string
  /** The URIs of From and To. */
  readonly from: string
  readonly to: string
  readonly displayName: string
  /** `Name: value` of every header, as received. */
  readonly headers: readonly string[]
  /** Absent: the far end wants our offer (RFC 3261 §13.2.1). */
  readonly offer: string | undefined
  readonly source: SipAddress
}
