import type { Sink } from '#core/sink.ts'
import type { Processor } from '#media/processor.ts'

/** How voice is told from silence on one leg. */
export interface VadOptions {
  /** Probability from which a window counts as voice, 0 to 1. */
  readonly voiceThreshold: number
  /** Voice must last this long before it counts as speech. */
  readonly speechPaddingMs: number
  /** Silence must last this long before it ends speech. */
  readonly silencePaddingMs: number
  /** Report `silence` again whenever it has lasted another so long; also before any speech. */
  readonly silenceTimeoutMs?: number
}

/** Times are milliseconds of received audio since the first frame. */
export type VadEvent =
  | { readonly type: 'speaking'; readonly startMs: number }
  | {
      readonly type: 'silence'
      /** Where the silence began. */
      readonly startMs: number
      /** How long it has lasted. */
      readonly durationMs: number
      /** The speech before it; absent while nobody has spoken yet. */
      readonly speechStartMs?: number
      readonly speechDurationMs?: number
    }

/** A voice activity model. One for the whole process; it makes one detector per leg. */
export interface VadEngine {
  /** `silero`, `webrtc`, `energy`. */
  readonly type: string
  /** Makes the detector of one leg: a processor that passes frames on and reports to `onEvent`. */
  createDetector(options: VadOptions, onEvent: Sink<VadEvent>): Processor
  /** Ends Workers. */
  close(): Promise<void>
}
