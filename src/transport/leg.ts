import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'

export type LegType = 'websocket' | 'webrtc' | 'sip'

/** Why a call ended, for the wire, the record and the metrics. */
export interface HangupCause {
  /** Short lower-case word, or the text of the `hangup` command. */
  readonly reason: string
  /** `caller`, `callee`, `user`, `system`, or the text of the `hangup` command. */
  readonly initiator: string
  /** Present when the call ended by a fault: what broke, for people. */
  readonly fault?: string
}

/** What a leg tells the call, after `connect`. Every one may arrive at any time until `hangup`. */
export interface LegHandlers {
  /** Decoded audio of the far end; the frame is borrowed. */
  readonly onFrame: Sink<AudioFrame>
  /** The far end is gone, or the leg broke. At most once, never after `hangup`. */
  readonly onHangup: Sink<HangupCause>
  /** It rings at the far end, before it answers; with early media, there is something to hear. */
  readonly onRinging?: Sink<{ readonly hasEarlyMedia: boolean }>
  /** A key that the far end has pressed, where the leg does not need the sound to tell. */
  readonly onDigit?: Sink<string>
  /** The far end asks us to call somebody else in its place; nothing is done by itself. */
  readonly onTransferRequest?: Sink<{ readonly target: string; readonly referredBy?: string }>
  /** The far end has put us on hold, or takes us back. */
  readonly onHold?: Sink<boolean>
}

/** The far end does not take the call. */
export class LegRejection extends Error {
  override readonly name = 'LegRejection'
  /** SIP status code. */
  readonly status: number
  readonly hangupCause: HangupCause

  /** `reason` is what the far end says, for people. */
  constructor(status: number, reason: string, hangupCause: HangupCause) {
    super(reason)
    this.status = status
    this.hangupCause = hangupCause
  }
}

/** One far end of a call: its signalling and its media. */
export interface Leg {
  readonly type: LegType
  /** Samples per second that `send` expects. */
  readonly sendRate: number
  /** Whether keys come by `onDigit`, so that they need not be looked for in the sound. */
  readonly hasDigits?: boolean
  /** Keys are being pressed by `pressKeys`; what is given to `send` meanwhile is lost. */
  readonly isPressing?: boolean
  /** Counters of this leg, for the call's record. */
  readonly stats: Readonly<Record<string, number>>
  /**
   * Brings the far end to the point where media flows, and resolves with our SDP (empty where the
   * leg has none). Rejects with `LegRejection` when the far end does not want to.
   */
  connect(handlers: LegHandlers): Promise<{ readonly sdp: string }>
  /** Sends one frame at `sendRate`. On the live path. */
  send(frame: AudioFrame): void
  /** Takes audio that came on the client's own socket; absent where audio comes another way. */
  receivePayload?(message: Uint8Array): void
  /**
   * Presses keys (each of `0-9 * # A-D`) by other means than sound; false where they must be heard,
   * or too many wait. Absent where there are no other means.
   */
  pressKeys?(keys: string, timing: { readonly durationMs: number; readonly gapMs: number }): boolean
  /**
   * Asks the far end to call `target` in our place; resolves with the SIP status of that, undefined
   * when the far end does not say. Absent where there is no such thing.
   */
  transfer?(target: string): Promise<number | undefined>
  /** Ends signalling and media. Harmless to call twice. */
  hangup(cause: HangupCause): void
}
