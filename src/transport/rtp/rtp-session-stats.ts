import type { PlayedStats } from './rtp-receiver.ts'

/** For the call's record. Packets and bytes (of payload) of the call's far end, and ours. */
export interface RtpSessionStats extends PlayedStats {
  readonly codec: string | undefined
  /** Where packets go to. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number
  /** Whether packets have come from there. */
  readonly isLatched: boolean
  readonly packetsReceived: number
  readonly bytesReceived: number
  readonly packetsSent: number
  readonly bytesSent: number
  readonly jitterMs: number
  /** By RTCP: `undefined` while the far end has not reported. */
  readonly roundTripMs: number | undefined
  readonly remoteLost: number | undefined
  readonly remoteLossShare: number | undefined
  readonly remoteJitterMs: number | undefined
  /** Packets of somebody else, of no sense, of another payload type, and before `configure`. */
  readonly strangers: number
  readonly malformed: number
  readonly unknownPayloadTypes: number
  readonly early: number
  /** Packets that SRTP refused. */
  readonly refused: number
  /** Packets that the system did not take. */
  readonly unsent: number
  /** Frames of silence that filled ticks, and frames that there was no tick for. */
  readonly silentFrames: number
  readonly trimmedFrames: number
  readonly droppedFrames: number
}
