import type { SpeechError } from './speech-error.ts'

/** How to speak. Absent means the provider's default. */
export interface SynthesisOptions {
  /** Voice name, as the provider spells it. */
  readonly speaker?: string
  /** Multiplier of the normal pace: 1 is normal, 2 twice as fast. */
  readonly speed?: number
  /** 0 to 10; 5 is normal. */
  readonly volume?: number
  /** Samples per second that `onAudio` must deliver. */
  readonly sampleRate: number
  /** Replaces the text in the cache key, where the caller knows better what is the same. */
  readonly cacheKey?: string
  /** Provider-specific settings, passed through. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/**
 * What a synthesis reports. Order: for each clause `onClause`, then its `onAudio`s; at the end one
 * of `onEnd` and `onError`. Nothing is reported after `close`.
 */
export interface SynthesisHandlers {
  /** The audio that follows speaks `text`, a piece of what was pushed, verbatim. */
  onClause(text: string): void
  /** Mono samples at the asked rate; they belong to the receiver. */
  onAudio(samples: Int16Array): void
  /** All text was spoken. `isCached` when no audio had to be made. */
  onEnd(result: { readonly isCached: boolean }): void
  /** The synthesis is over; audio delivered before it stands. */
  onError(error: SpeechError): void
}

/** One utterance: text goes in, in pieces or whole, and audio comes out in order. */
export interface Synthesis {
  /** Appends text; pieces are joined verbatim, so a word may be split over two. */
  push(text: string): void
  /** Speaks what has been pushed, even where no clause has ended yet; more text may follow. */
  flush(): void
  /** No more text will come. */
  finish(): void
  /**
   * Back-pressure: while closed (`false`) no further clause is begun. Audio of the clause under
   * way may still arrive.
   */
  setFlow(isOpen: boolean): void
  /** Stops at once and forgets the rest. Harmless to call twice. */
  close(): void
}

/** A text-to-speech engine. One for the whole process; it makes one `Synthesis` per utterance. */
export interface Synthesizer {
  readonly provider: string
  /** Voices that `speaker` may name, the default first; empty when the provider does not say. */
  readonly speakers: readonly string[]
  /**
   * Begins an utterance. Returns at once; what cannot be done is reported by `onError`, never
   * before this call has returned.
   */
  open(options: SynthesisOptions, handlers: SynthesisHandlers): Synthesis
  /** Ends Workers and connections. */
  close(): Promise<void>
}
