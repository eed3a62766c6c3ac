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
  /** Gives back native memory. Harmless to call twice. */
  close(): void
}

/** What a leg needs to know about a codec before it makes an encoder or a decoder. */
export interface Codec {
  /** Lower-case name as on the wire: `pcm`, `pcmu`, `pcma`, `g722`. */
  readonly name: string
  /** Samples per second of the audio. */
  readonly sampleRate: number
  /** RTP timestamp units per second; differs from `sampleRate` for G.722 (RFC 3551 §4.5.2). */
  readonly clockRate: number
  /** Payload bytes per millisecond; every codec of this kind has a constant rate. */
  readonly bytesPerMs: number
  createEncoder(): Encoder
  createDecoder(): Decoder
}
