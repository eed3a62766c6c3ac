/** One clause, as it is sent to the Worker. */
export interface FliteRequest {
  /** Printable ASCII with a letter or digit in it. */
  readonly text: string
  readonly speaker: string
  /** How much longer than normal everything takes. */
  readonly stretch: number
  /** Factor on the samples. */
  readonly gain: number
  /** Samples per second of the answer. */
  readonly sampleRate: number
  /** Silence after the last sound. */
  readonly pauseMs: number
}

/** What the Worker says: once that it has loaded, then one answer to each request, in order. */
export type FliteReply =
  | { readonly type: 'ready' }
  | { readonly type: 'audio'; readonly samples: Int16Array }
  | { readonly type: 'failure'; readonly message: string }
