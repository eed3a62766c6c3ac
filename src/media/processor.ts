import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'

/**
 * One station of a receive pipeline. It may pass a frame on, change it (into a buffer of its own),
 * or turn it into none or several; detectors pass it on unchanged and report on the side.
 * Runs on the live path: synchronous, no throw, no log.
 */
export interface Processor {
  process(frame: AudioFrame, next: Sink<AudioFrame>): void
  /** Ends timers and gives back native memory. Harmless to call twice. */
  close(): void
  /** How the processor shows in a printed pipeline, e.g. `VadDetector(silero)`. */
  toString(): string
}
