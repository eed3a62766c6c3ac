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
}

/** One far end of a call: its signalling and its media. */
export interface Leg {
  readonly type: LegType
  /** Samples per second that `send` expects. */
  readonly sendRate: number
  /** Counters of this leg, for the call's record. */
  readonly stats: Readonly<Record<string, number>>
  /**
   * Brings the far end to the point where media flows, and resolves with our SDP (empty where the
   * leg has none).
   */
  connect(handlers: LegHandlers): Promise<{ readonly sdp: string }>
  /** Sends one frame at `sendRate`. On the live path. */
  send(frame: AudioFrame): void
  /** Takes audio that came on the client's own socket; absent where audio comes another way. */
  receivePayload?(message: Uint8Array): void
  /** Ends signalling and media. Harmless to call twice. */
  hangup(cause: HangupCause): void
}
