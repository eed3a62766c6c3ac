import type { ReceivedPacket } from '#rtp/packet-ring.ts'
import { canonicalAddress, isPrivateAddress, isUnspecified } from '../udp/ip-address.ts'
import type { ExpectedSource } from './rtp-port.ts'

/** `latched`: of the far end, which is at another place than before. `stranger`: of somebody else. */
export type Admission = 'known' | 'latched' | 'stranger'

/** A source that moves without being announced must have been silent at its old place for so long. */
const FOLLOW_AFTER_MS = 1000
/** A source of another address than a public one that was announced sends so many in a row first. */
const PROBATION_PACKETS = 5

interface Source {
  readonly address: string
  readonly port: number
  ssrc: number
}

/**
 * Knows where a call's far end is: packets are taken from there, and ours go there (symmetric RTP,
 * RFC 4961). What the SDP announces is only believed until packets come, for a NAT may have changed
 * it; after that a stranger can change nothing.
 *
 *   announced ──first packet──► latched ──silent, then the same SSRC from elsewhere──► latched
 *       ▲                          │
 *       └── the SDP names another place, or packets come from the very one that it names
 */
export class SourceLatch {
  #announced: ExpectedSource | undefined
  #source: Source | undefined
  /** Whether `#source` was found since the last announcement. */
  #isLatched = false
  #announcedAtMs = -Infinity
  #lastPacketMs = -Infinity
  #candidate: Source | undefined
  #candidateCount = 0
  #candidateSequence = 0

  /** Where packets are to be sent to. `undefined` when the far end wants none. */
  get address(): string | undefined {
    const { address } = (this.#isLatched ? this.#source : this.#announced) ?? {}
    return address === undefined || isUnspecified(address) ? undefined : address
  }

  get port(): number {
    return (this.#isLatched ? this.#source?.port : this.#announced?.port) ?? 0
  }

  get isLatched(): boolean {
    return this.#isLatched
  }

  /**
   * The SDP names `source`. The same one as before changes nothing; of another one, packets are
   * taken from the old place until the first comes from the new one. Returns whether it changed.
   */
  announce(source: ExpectedSource, nowMs: number): boolean {
    const address = canonicalAddress(source.address) ?? source.address
    const before = this.#announced
    this.#announced = { ...source, address }
    if (before?.address === address && before.port === source.port) return false
    this.#isLatched = isAt(this.#source, source.port, address)
    this.#announcedAtMs = nowMs
    this.#candidate = undefined
    return true
  }

  /** Says whether `packet`, which came from `port` of `address`, is the far end's. */
  admit(packet: ReceivedPacket, port: number, address: string): Admission {
    const source = this.#source
    if (source !== undefined && isAt(source, port, address)) return this.#stay(source, packet)
    if (!this.#mayLatch(packet, port, address)) return 'stranger'
    this.#source = { address, port, ssrc: packet.ssrc }
    this.#isLatched = true
    this.#candidate = undefined
    this.#lastPacketMs = packet.arrivalMs
    return 'latched'
  }

  /** Whether RTCP from `address` may be the far end's: its ports are often others. */
  admitsRtcp(address: string): boolean {
    return address === this.#source?.address || address === this.#announced?.address
  }

  /** A packet from where the last one came from. */
  #stay(source: Source, { ssrc, arrivalMs }: ReceivedPacket): Admission {
    this.#lastPacketMs = arrivalMs
    const isSame = this.#isLatched && source.ssrc === ssrc
    source.ssrc = ssrc
    if (isSame) return 'known'
    if (!this.#isLatched) {
      // The place of before an announcement: what was on its way, unless nothing else ever comes.
      const isStale = arrivalMs - this.#announcedAtMs < FOLLOW_AFTER_MS
      if (isStale || !this.#isExpected(source.address)) return 'known'
      this.#isLatched = true
    }
    return 'latched'
  }

  #mayLatch(packet: ReceivedPacket, port: number, address: string): boolean {
    const announced = this.#announced
    if (announced === undefined) return false
    // The SDP names it; nobody can receive what is sent there but who is there.
    if (isAt(announced, port, address)) return true
    if (this.#isLatched) return this.#hasMoved(packet)
    return this.#isExpected(address) || this.#passesProbation(packet, port, address)
  }

  #hasMoved({ ssrc, arrivalMs }: ReceivedPacket): boolean {
    return ssrc === this.#source?.ssrc && arrivalMs - this.#lastPacketMs >= FOLLOW_AFTER_MS
  }

  /** Whether the far end may be at `address`. */
  #isExpected(address: string): boolean {
    const announced = this.#announced
    if (announced === undefined) return false
    if (address === announced.address || address === announced.natAddress) return true
    // Behind a NAT it may be anywhere, unless it is known by the address of its signalling.
    return announced.natAddress === undefined && isPrivateAddress(announced.address)
  }

  /** A public address was announced, and this one is another: a stranger would hardly insist. */
  #passesProbation(packet: ReceivedPacket, port: number, address: string): boolean {
    const { ssrc, sequenceNumber } = packet
    const follows =
      isAt(this.#candidate, port, address) &&
      ssrc === this.#candidate?.ssrc &&
      sequenceNumber === this.#candidateSequence
    this.#candidateCount = follows ? this.#candidateCount + 1 : 1
    this.#candidateSequence = (sequenceNumber + 1) & 0xffff
    if (!follows) this.#candidate = { address, port, ssrc }
    return this.#candidateCount >= PROBATION_PACKETS
  }
}

function isAt(
  source: { readonly address: string; readonly port: number } | undefined,
  port: number,
  address: string,
): boolean {
  return source !== undefined && source.port === port && source.address === address
}
