import type { Codec } from '#audio/codec/codec.ts'
import type { SrtpKey } from '#rtp/srtp/srtp-profile.ts'
import type { ExpectedSource } from './rtp-port.ts'

/** As in SDP, seen from us: `sendonly` when we hold, `recvonly` when we are held. */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** What both sides have agreed to. Payload types are the same both ways unless `sendPayloadType`. */
export interface RtpFormat {
  readonly codec: Codec
  /** What we receive it as: what our SDP says. */
  readonly payloadType: number
  /** What we send it as: what the far end's SDP says, where that differs. */
  readonly sendPayloadType?: number
  readonly telephoneEventType?: number
  readonly sendTelephoneEventType?: number
  /** Timestamp units per second of telephone-events, where it is not that of the codec. */
  readonly telephoneEventRate?: number
  readonly comfortNoiseType?: number
  /** How long packets that we send are: 10, 20, 30, 40 or 60; others are 20. */
  readonly ptimeMs: number
  readonly remote: RemoteAddress
  readonly direction: MediaDirection
  /** Where packets are protected: the keys of both sides. */
  readonly srtp?: SrtpKeys
}

export interface SrtpKeys {
  /** Ours, as in our SDP, and that of the far end. */
  readonly send: SrtpKey
  readonly receive: SrtpKey
}

export interface RemoteAddress extends ExpectedSource {
  /** Where RTCP goes: `port` if both share one, else one more unless `a=rtcp` says another. */
  readonly rtcpPort?: number
}
