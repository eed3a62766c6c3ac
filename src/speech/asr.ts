import type { AudioFrame } from '#audio/frame.ts'
import type { SpeechError } from './speech-error.ts'

/** What to listen for. Absent means the provider's default. */
export interface RecognitionOptions {
  readonly language?: string
  readonly model?: string
  /** Samples per second of the frames that `write` will get. */
  readonly sampleRate: number
  /** Provider-specific settings, passed through. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A piece of transcript: the whole hypothesis for `index`, never an increment. */
export interface Transcript {
  /** Counts sentences per call from 0 and never goes back, not even over a reconnect. */
  readonly index: number
  readonly text: string
  /** No further hypothesis with this index follows. */
  readonly isFinal: boolean
  /** Milliseconds of received audio from the first frame to where the sentence begins and ends. */
  readonly startMs: number
  readonly endMs: number
}

/** What a recognition reports. Nothing is reported after `close`. */
export interface RecognitionHandlers {
  onTranscript(transcript: Transcript): void
  /** The recognition is over; transcripts delivered before it stand. */
  onError(error: SpeechError): void
}

/** One leg being listened to. */
export interface Recognition {
  /** Takes one frame, which is borrowed. On the live path: queues, never blocks, never throws. */
  write(frame: AudioFrame): void
  /** Stops at once. Harmless to call twice. */
  close(): void
}

/** A speech-to-text engine. One for the whole process; it makes one `Recognition` per leg. */
export interface Recognizer {
  readonly provider: string
  /**
   * Begins to listen. Returns at once; what cannot be done is reported by `onError`, never before
   * this call has returned.
   */
  open(options: RecognitionOptions, handlers: RecognitionHandlers): Recognition
  /** Ends Workers and connections. */
  close(): Promise<void>
}
