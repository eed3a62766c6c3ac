import type { ReceivedPacket } from './packet-ring.ts'
import { readUint32 } from './uint32.ts'

/** One RTP packet, parsed. */
export interface RtpPacket extends ReceivedPacket {
  readonly payloadType: number
  /** Begins a stretch of sound, or a telephone-event. */
  readonly marker: boolean
}

type MutablePacket = { -readonly [Field in keyof RtpPacket]: RtpPacket[Field] }

/** Of the header without contributing sources and extension. */
const FIXED_BYTES = 12
const VERSION = 2
/** No datagram that is read is longer. */
const MAX_BYTES = 4096

/**
 * Parses the RTP packets of one stream or of many into one object that is used again for each.
 *
 *    0               1               2               3
 *   ├───┬─┬─┬───────┼─┬─────────────┼───────────────┴───────────────┤
 *   │V=2│P│X│  CC   │M│     PT      │        sequence number        │
 *   ├───┴─┴─┴───────┴─┴─────────────┴───────────────────────────────┤
 *   │                           timestamp                           │
 *   ├───────────────────────────────────────────────────────────────┤
 *   │                             SSRC                              │
 *   ├───────────────────────────────────────────────────────────────┤
 *   │ CC sources (CSRC), if X an extension, payload, if P padding   │   RFC 3550 §5.1
 */
export class RtpReader {
  readonly #packet = createPacket()
  /** A copy of the datagram: a view of itself would be the most costly part of reading it. */
  readonly #bytes = new Uint8Array(MAX_BYTES)
  /** Views of `#bytes` by where they end; all begin at `#viewsFrom`. */
  #views: Uint8Array[] = []
  #viewsFrom = 0

  /**
   * The packet in the first `length` of `bytes`; `undefined` when there is none that is
   * well-formed, or the datagram is longer than 4096 bytes. Borrowed with its payload, which is a
   * copy: valid until the next call. Contributing sources, extension and padding are passed over.
   * Never throws.
   */
  read(bytes: Uint8Array, arrivalMs: number, length = bytes.length): RtpPacket | undefined {
    if (bytes.length > MAX_BYTES || !isWellFormed(bytes, length)) return undefined
    this.#bytes.set(bytes)
    readHeader(this.#packet, bytes, arrivalMs)
    this.#packet.payload = this.#view(payloadStart(bytes, length), payloadEnd(bytes, length))
    return this.#packet
  }

  #view(from: number, to: number): Uint8Array {
    if (from !== this.#viewsFrom) this.#views = []
    this.#viewsFrom = from
    this.#views[to] ??= this.#bytes.subarray(from, to)
    return this.#views[to]
  }
}

/** Parses one packet, into an object of its own with a view of `bytes` for its payload. */
export function parseRtpPacket(bytes: Uint8Array, arrivalMs = 0): RtpPacket | undefined {
  const { length } = bytes
  if (!isWellFormed(bytes, length)) return undefined
  const packet = createPacket()
  readHeader(packet, bytes, arrivalMs)
  packet.payload = bytes.subarray(payloadStart(bytes, length), payloadEnd(bytes, length))
  return packet
}

/**
 * Where the payload begins, after contributing sources and extension: what SRTP leaves in the
 * clear. Beyond `length` when the header is cut short; `bytes` has at least 12.
 */
export function payloadStart(bytes: Uint8Array, length: number): number {
  const start = FIXED_BYTES + 4 * (bytes[0]! & 0x0f)
  const hasExtension = (bytes[0]! & 0x10) !== 0
  if (!hasExtension) return start
  if (start + 4 > length) return length + 1
  // RFC 3550 §5.3.1: the length counts words, without the one it stands in.
  return start + 4 + 4 * ((bytes[start + 2]! << 8) | bytes[start + 3]!)
}

function createPacket(): MutablePacket {
  return {
    payloadType: 0,
    marker: false,
    sequenceNumber: 0,
    timestamp: 0,
    ssrc: 0,
    payload: new Uint8Array(0),
    arrivalMs: 0,
  }
}

function isWellFormed(bytes: Uint8Array, length: number): boolean {
  if (length < FIXED_BYTES || length > bytes.length || bytes[0]! >> 6 !== VERSION) return false
  return payloadStart(bytes, length) <= payloadEnd(bytes, length)
}

function readHeader(packet: MutablePacket, bytes: Uint8Array, arrivalMs: number): void {
  packet.marker = bytes[1]! >= 0x80
  packet.payloadType = bytes[1]! & 0x7f
  packet.sequenceNumber = (bytes[2]! << 8) | bytes[3]!
  packet.timestamp = readUint32(bytes, 4)
  packet.ssrc = readUint32(bytes, 8)
  packet.arrivalMs = arrivalMs
}

/** Where the payload ends; before everything when the padding makes no sense. */
function payloadEnd(bytes: Uint8Array, length: number): number {
  const hasPadding = (bytes[0]! & 0x20) !== 0
  if (!hasPadding) return length
  // RFC 3550 §5.1: the last byte counts the padding, itself included.
  const padding = bytes[length - 1]!
  return padding === 0 ? -1 : length - padding
}
