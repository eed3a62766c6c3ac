/** Turns samples into payload bytes. Keeps the state of one stream; not shared between calls. */
export interface Encoder {
  /** Samples per second that `encode` expects. */
  readonly sampleRate: number
  /**
   * Encodes `samples` (mono, shape (n), n a whole number of the codec's units) into the start of
   * `payload`, which the caller made large enough, and returns how many bytes were written.
   * Never throws.
   */
  encode(samples: Int16Array, payload: Uint8Array): number
  /** Gives back native memory. Harmless to call twice. */
  close(): void
}

/** Turns payload bytes into samples. Keeps the state of one stream; not shared between calls. */
export interface Decoder {
  /** Samples per second that `decode` produces. */
  readonly sampleRate: number
  /**
   * Decodes `payload` into the start of `samples`, which the caller made large enough, and returns
   * how many samples were written. A payload that cannot be decoded gives 0. Never throws.
   */
  decode(payload: Uint8Array, samples: Int16Array): number
  /**
   * Fills `samples` with a guess of what a lost packet held, where the codec has one of its own
   * (Opus); absent elsewhere. Returns how many samples were written. Never throws.
   */
  conceal?(samples: Int16Array): number
  /**
   * Fills `samples` with what the lost packet just before `next` held, from the copy that `next`
   * may carry of it (Opus in-band FEC, RFC 6716 §2.1.7); without a copy it conceals. `next` must
   * still be decoded afterwards. Returns how many samples were written. Never throws.
   */
  recover?(next: Uint8Array, samples: Int16Array): number
  /** Whether `next` carries such a copy; there where `recover` is. Never throws. */
  hasCopy?(next: Uint8Array): boolean
  /** Gives back native memory. Harmless to call twice. */
  close(): void
}

/** What a leg needs to know about a codec before it makes an encoder or a decoder. */
export interface Codec {
  /** Lower-case name as on the wire: `pcm`, `pcmu`, `pcma`, `g722`, `opus`. */
  readonly name: string
  /** Samples per second of the audio. */
  readonly sampleRate: number
  /**
   * RTP timestamp units per second; differs from `sampleRate` for G.722 (RFC 3551 §4.5.2), and for
   * Opus, whose clock is 48,000 at any rate (RFC 7587 §4.1).
   */
  readonly clockRate: number
  /** Payload bytes per millisecond; absent where every packet has a length of its own (Opus). */
  readonly bytesPerMs?: number
  /** Bytes that the payload of one 20 ms frame may need at most. */
  readonly maxFrameBytes: number
  createEncoder(): Encoder
  createDecoder(): Decoder
}
