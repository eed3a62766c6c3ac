import { writeUint32 } from './uint32.ts'

/** Of the header that is written: no contributing sources, no extension. */
const HEADER_BYTES = 12
/** Room after the payload for what SRTP appends: a tag of 16 bytes at most. */
const TRAILER_BYTES = 16
const VERSION_BITS = 0x80
const MARKER_BIT = 0x80

export interface RtpWriterOptions {
  /** Timestamp units per second. */
  readonly clockRate: number
  readonly maxPayloadBytes?: number
  /** Where the stream begins; random (RFC 3550 §5.1), unless a test wants to know. */
  readonly ssrc?: number
  readonly sequenceNumber?: number
  readonly timestamp?: number
}

/** What a packet beside the audio says of itself: a telephone-event, for one. */
export interface EventPacket {
  readonly payload: Uint8Array
  readonly timestamp: number
  readonly marker: boolean
}

/**
 * Writes the packets of one outgoing stream, all into one buffer. Each frame of time is one round:
 *
 *   encode into `payload` ─► `write` ─► (SRTP in place) ─► `view` ─► socket ─► `advance`
 *
 * A round without `write` is a pause; the audio after it carries the marker.
 */
export class RtpWriter {
  readonly ssrc: number
  /** Header, payload, and 16 bytes for SRTP. Whoever calls `write` may change it until the next. */
  readonly buffer: Uint8Array
  /** The place of the next payload in `buffer`: encoders write here. */
  readonly payload: Uint8Array
  /** Timestamp units per second; may change with the codec, and the timestamp goes on from there. */
  clockRate: number
  /** As sender reports count: header not included, beyond 32 bits. */
  readonly stats = { packets: 0, payloadBytes: 0 }
  #sequenceNumber: number
  #timestamp: number
  #hasWritten = false
  #isContinuous = false
  /** Views of the start of `buffer`, by length. */
  readonly #views: Uint8Array[] = []

  constructor(options: RtpWriterOptions) {
    const { clockRate, maxPayloadBytes = 1500 } = options
    const [ssrc, timestamp, sequenceNumber] = crypto.getRandomValues(new Uint32Array(3))
    this.clockRate = clockRate
    this.ssrc = options.ssrc ?? ssrc!
    this.#timestamp = options.timestamp ?? timestamp!
    // In the lower half, so that losing the first packets cannot hide a rollover from SRTP.
    this.#sequenceNumber = options.sequenceNumber ?? sequenceNumber! & 0x7fff
    this.buffer = new Uint8Array(HEADER_BYTES + maxPayloadBytes + TRAILER_BYTES)
    this.payload = this.buffer.subarray(HEADER_BYTES, HEADER_BYTES + maxPayloadBytes)
    writeUint32(this.buffer, 8, this.ssrc)
  }

  /** Of the next packet of audio. */
  get timestamp(): number {
    return this.#timestamp
  }

  /** Of the next packet. */
  get sequenceNumber(): number {
    return this.#sequenceNumber
  }

  /**
   * Makes a packet of the first `payloadBytes` of `payload`, for the present frame of time. Returns
   * the length of the packet, from the start of `buffer`.
   */
  write(payloadType: number, payloadBytes: number): number {
    const marker = !this.#isContinuous && !this.#hasWritten
    this.#hasWritten = true
    return this.#finish(withMarker(payloadType, marker), this.#timestamp, payloadBytes)
  }

  /** Makes a packet of `event`, which has a timestamp of its own; otherwise like `write`. */
  writeEvent(payloadType: number, event: EventPacket): number {
    const { payload, timestamp, marker } = event
    this.payload.set(payload)
    return this.#finish(withMarker(payloadType, marker), timestamp, payload.length)
  }

  /** The first `length` bytes of `buffer`: the packet to be sent, valid until the next `write`. */
  view(length: number): Uint8Array {
    this.#views[length] ??= this.buffer.subarray(0, length)
    return this.#views[length]
  }

  /** Time goes on, whether a packet was written or not; by more than a frame after a pause. */
  advance(ms: number): void {
    this.#timestamp = (this.#timestamp + Math.round((ms * this.clockRate) / 1000)) >>> 0
    this.#isContinuous = this.#hasWritten
    this.#hasWritten = false
  }
  #finish(typeByte: number, timestamp: number, payloadBytes: number): number {
    const { buffer } = this
    buffer[0] = VERSION_BITS
    buffer[1] = typeByte
    buffer[2] = this.#sequenceNumber >> 8
    buffer[3] = this.#sequenceNumber
    writeUint32(buffer, 4, timestamp)
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
    this.stats.packets += 1
    this.stats.payloadBytes += payloadBytes
    return HEADER_BYTES + payloadBytes
  }
}

function withMarker(payloadType: number, marker: boolean): number {
  return marker ? payloadType | MARKER_BIT : payloadType
}
