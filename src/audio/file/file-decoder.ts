/** A stretch of decoded audio. */
export interface DecodedAudio {
  /** Mono, shape (n), n at least 1. Belongs to the receiver. */
  readonly samples: Int16Array
  /** Samples per second; may change from one stretch to the next in a chained stream. */
  readonly sampleRate: number
}

/**
 * Decodes an audio file as its bytes come. One for each file. Damage in the middle of a file is
 * skipped where the format has a way to find the next frame.
 */
export interface FileDecoder {
  /**
   * Takes the next bytes, any number of them, and gives the audio they complete; one call at a
   * time. Throws `AudioError` if the file cannot be read any further.
   */
  decode(chunk: Uint8Array): Promise<readonly DecodedAudio[]>
  /** No more bytes will come: gives the rest. Throws `AudioError`. */
  flush(): Promise<readonly DecodedAudio[]>
  /** Gives back native memory; not while a call is under way. Harmless to call twice. */
  close(): void
}
