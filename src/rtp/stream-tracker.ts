import type { ReceivedPacket } from './packet-ring.ts'

/** A packet so far off the stream (RFC 3550 A.1) begins a new one, if the next follows it. */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100

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
  #timestamp = 0
  #ssrc: number | undefined
  /** What would follow a packet that did not fit the stream. */
  #straySsrc = 0
  #strayFollower = -1

  /**
   * Looks at the next packet as it arrived. The first of all begins a stream, and so does one of
   * another SSRC or of a distant sequence number when it follows another such one: a single packet
   * of somebody else changes nothing.
   */
  admit({ ssrc, sequenceNumber, timestamp }: ReceivedPacket): Membership {
    const offset = toSigned16(sequenceNumber - this.sequence)
    if (ssrc === this.#ssrc && offset < MAX_DROPOUT && offset > -MAX_MISORDER) {
      this.#strayFollower = -1
      return 'follows'
    }
    const isFollower = ssrc === this.#straySsrc && sequenceNumber === this.#strayFollower
    if (this.#ssrc !== undefined && !isFollower) {
      this.#straySsrc = ssrc
      this.#strayFollower = (sequenceNumber + 1) & 0xffff
      return 'stray'
    }
    this.#ssrc = ssrc
    this.#strayFollower = -1
    this.sequence = sequenceNumber
    this.position = timestamp
    this.#timestamp = timestamp
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
  }
}

function toSigned16(value: number): number {
  return (value << 16) >> 16
}
