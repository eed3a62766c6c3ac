import type { ReceivedPacket } from './packet-ring.ts'

/** A packet so far off the stream (RFC 3550 A.1) begins a new one, if the next follows it. */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100
/** While packets of the stream come, nobody else's take its place: a fork, or an attacker. */
const MIN_SILENCE_MS = 100

/** Whether a packet belongs to the stream, is the first of another one, or neither. */
export type Membership = 'follows' | 'begins' | 'stray'

/**
 * Knows which stream is being received, and counts its sequence numbers and timestamps on beyond
 * their 16 and 32 bits, from those of the newest packet.
 */
export class StreamTracker {
  /** The newest packet. */
  sequence = 0
  position = 0
  /** RFC 3550 A.3: the packet that the stream began with, and how many have come since. */
  firstSequence = 1
  received = 0
  #timestamp = 0
  #lastArrivalMs = 0
  #ssrc: number | undefined
  /** What would follow a packet that did not fit the stream. */
  #straySsrc = 0
  #strayFollower = -1

  /** Whose stream it is; `undefined` before the first packet. */
  get ssrc(): number | undefined {
    return this.#ssrc
  }

  /** Looks at the next packet as it arrived. The first of all begins a stream. */
  admit(packet: ReceivedPacket): Membership {
    const offset = toSigned16(packet.sequenceNumber - this.sequence)
    const fits = packet.ssrc === this.#ssrc && offset < MAX_DROPOUT && offset > -MAX_MISORDER
    if (!fits) return this.doubt(packet)
    this.#lastArrivalMs = packet.arrivalMs
    this.received += 1
    return 'follows'
  }

  /**
   * Takes a packet that does not fit the stream. It begins another one when it follows a packet
   * like it, and the stream has fallen silent if the SSRC is another: a single packet of somebody
   * else changes nothing, and two senders at once do not alternate.
   */
  doubt({ ssrc, sequenceNumber, timestamp, arrivalMs }: ReceivedPacket): Membership {
    const isFollower = ssrc === this.#straySsrc && sequenceNumber === this.#strayFollower
    const mayBegin = ssrc === this.#ssrc || arrivalMs - this.#lastArrivalMs >= MIN_SILENCE_MS
    if (this.#ssrc !== undefined && !(isFollower && mayBegin)) {
      this.#straySsrc = ssrc
      this.#strayFollower = (sequenceNumber + 1) & 0xffff
      return 'stray'
    }
    this.#ssrc = ssrc
    this.#strayFollower = -1
    this.#lastArrivalMs = arrivalMs
    this.sequence = sequenceNumber
    this.position = timestamp
    this.#timestamp = timestamp
    this.firstSequence = sequenceNumber
    this.received = 1
    return 'begins'
  }

  sequenceOf({ sequenceNumber }: ReceivedPacket): number {
    return this.sequence + toSigned16(sequenceNumber - this.sequence)
  }

  positionOf({ timestamp }: ReceivedPacket): number {
    return this.position + ((timestamp - this.#timestamp) | 0)
  }

  /** The newest packet is now this one, and its timestamp means `position`. */
  advance({ timestamp }: ReceivedPacket, sequence: number, position: number): void {
    this.sequence = sequence
    this.position = position
    this.#timestamp = timestamp
    this.#strayFollower = -1
  }
}

function toSigned16(value: number): number {
  return (value << 16) >> 16
}
