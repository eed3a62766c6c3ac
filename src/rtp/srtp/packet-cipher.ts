/**
 * One packet on its way through a cipher, in place:
 *
 *   ├── header, clear ──┼──── body ────┤ ···· ├── tag ──┤
 *   0                   bodyAt         endAt  tagAt
 */
export interface CipherJob {
  bytes: Uint8Array
  bodyAt: number
  endAt: number
  tagAt: number
  ssrc: number
  /** The packet's index: 32 bits above (the rollover counter of RTP), 16 below. */
  indexHigh: number
  indexLow: number
  /** What is authenticated after the packet: rollover counter of RTP, flag and index of RTCP. */
  word: number
}

/** Protects packets of one kind in one direction. */
export interface PacketCipher {
  /** Encrypts the body and writes the tag. */
  seal(job: CipherJob): void
  /** Decrypts the body; false, and all as it was, when the tag is wrong. Never throws. */
  open(job: CipherJob): boolean
}

/** No packet is longer. */
export const MAX_PACKET_BYTES = 2048
