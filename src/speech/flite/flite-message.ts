/** One clause to speak, as it goes to the Worker. */
export interface FliteRequest {
  readonly text: string
  readonly speaker: string
  /** Multiplier of the pace. */
  readonly speed: number
  /** 0 to 10; 5 is normal. */
  readonly volume: number
  readonly sampleRate: number
  /** Milliseconds of silence behind the clause. */
  readonly pauseMs: number
}

/** What comes back: the audio, empty when there is nothing to say, or what went wrong. */
export type FliteReply = { readonly samples: Int16Array } | { readonly failure: string }
