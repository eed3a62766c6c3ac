import type { AudioFrame } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '#media/processor.ts'
import type { VadDetector } from './vad-detector.ts'

/** Judges one stream, window by window, in the thread that hears it. On the live path. */
export interface VoiceJudge {
  readonly windowMs: number
  /** The rate at which it wants to hear a stream of `sampleRate`. */
  rateFor(sampleRate: number): number
  /** What comes from here on has this rate, one of those it wants. */
  start(sampleRate: number): void
  /** Takes `samples[from]` to before `samples[to]`, which may complete a window but not exceed it. */
  add(samples: Int16Array, from: number, to: number): void
  /** How likely the window is voice, 0 to 1; called once it is whole. The next one begins. */
  judge(): number
  /** Gives back native memory. Called once. */
  close(): void
}

export interface InlineDetectorParts {
  readonly type: string
  readonly judge: VoiceJudge
  readonly detector: VadDetector
  /** Called after each window that was judged. */
  readonly onWindow: () => void
  readonly onClose: Sink<InlineDetector>
}

/** Cuts the audio of one leg into windows for a judge, and times them by what has been received. */
export class InlineDetector implements Processor {
  readonly #parts: InlineDetectorParts
  readonly #windowMs: number
  #resampler: Resampler | undefined
  /** The rate of the frames; it may change within a stream. */
  #sampleRate = 0
  #receivedMs = 0
  #windowStartMs = 0
  #windowSamples = 0
  #filled = 0
  #isClosed = false

  constructor(parts: InlineDetectorParts) {
    this.#parts = parts
    this.#windowMs = parts.judge.windowMs
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    if (!this.#isClosed) this.#hear(frame)
    next(frame)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#parts.judge.close()
    this.#parts.onClose(this)
  }

  toString(): string {
    return `VadDetector(${this.#parts.type})`
  }

  #hear({ samples, sampleRate }: AudioFrame): void {
    if (sampleRate !== this.#sampleRate) this.#start(sampleRate)
    this.#receivedMs += (samples.length * 1000) / sampleRate
    this.#cut(this.#resampler?.resample(samples) ?? samples)
  }

  /** A new rate begins a new window; the few milliseconds of the one begun before are lost. */
  #start(sampleRate: number): void {
    const { judge } = this.#parts
    const rate = judge.rateFor(sampleRate)
    this.#sampleRate = sampleRate
    this.#resampler = rate === sampleRate ? undefined : new Resampler(sampleRate, rate)
    this.#windowSamples = Math.max(1, Math.round((rate * this.#windowMs) / 1000))
    this.#windowStartMs = this.#receivedMs
    this.#filled = 0
    judge.start(rate)
  }

  #cut(samples: Int16Array): void {
    const { judge } = this.#parts
    for (let from = 0; from < samples.length && !this.#isClosed; ) {
      const to = Math.min(samples.length, from + this.#windowSamples - this.#filled)
      judge.add(samples, from, to)
      this.#filled += to - from
      from = to
      if (this.#filled === this.#windowSamples) this.#endWindow()
    }
  }

  #endWindow(): void {
    const { judge, detector, onWindow } = this.#parts
    const startMs = this.#windowStartMs
    this.#windowStartMs = startMs + this.#windowMs
    this.#filled = 0
    const probability = judge.judge()
    onWindow()
    detector.push(startMs, this.#windowStartMs, probability)
  }
}
