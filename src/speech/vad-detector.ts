import type { Sink } from '#core/sink.ts'
import type { VadEvent, VadOptions } from './vad.ts'

/** Voice has to fall this far below the threshold to end: Silero's own hysteresis. */
const HYSTERESIS = 0.15
/** With a low threshold the lower one stays above what silence scores. */
const MIN_RELEASE_THRESHOLD = 0.01

/**
 * Turns the probabilities of successive windows into speech and silence.
 *
 * A window is voiced from `voiceThreshold` on, and stays voiced until the probability falls below
 * `voiceThreshold` - 0.15. Padding is measured on unbroken runs:
 *
 *   probability  ▁▁▁▁▇▁▁▁▁▁▇▇▇▇▇▇▇▇▁▇▇▇▇▇▇▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
 *                    │     ├──┤    │      ├──────┤
 *              a burst  padding  a pause   padding └► silence (startMs: ├, durationMs: ├──┤)
 *              is nothing      └► speaking (startMs: ├)
 *
 * Between two windows there may be a gap; it continues what was before it.
 */
export class VadDetector {
  readonly #options: VadOptions
  readonly #onEvent: Sink<VadEvent>
  readonly #releaseThreshold: number
  #isVoiced = false
  #isSpeaking = false
  /** Where the run of windows that speaks against `isSpeaking` began, if there is one. */
  #runStartMs: number | undefined
  /** Where the silence began that is or was last; the stream begins with one. */
  #silenceStartMs: number | undefined
  /** The silence is reported again once it has lasted this long. */
  #repeatAtMs: number
  #speechStartMs = 0
  #speechDurationMs: number | undefined

  constructor(options: VadOptions, onEvent: Sink<VadEvent>) {
    this.#options = options
    this.#onEvent = onEvent
    this.#releaseThreshold = Math.max(options.voiceThreshold - HYSTERESIS, MIN_RELEASE_THRESHOLD)
    this.#repeatAtMs = this.#nextRepeatMs(0)
  }

  /** Takes the next window: where it lies in the stream, and how likely it is voice, 0 to 1. */
  push(startMs: number, endMs: number, probability: number): void {
    this.#silenceStartMs ??= startMs
    this.#isVoiced =
      probability >= (this.#isVoiced ? this.#releaseThreshold : this.#options.voiceThreshold)
    if (this.#isVoiced === this.#isSpeaking) this.#runStartMs = undefined
    else this.#runStartMs ??= startMs
    if (this.#isSpeaking) this.#checkSilence(endMs)
    else this.#checkSpeech(endMs)
  }

  /** In silence: a run of voice may be speech; without one the silence goes on. */
  #checkSpeech(endMs: number): void {
    const startMs = this.#runStartMs
    if (startMs === undefined) {
      this.#checkRepeat(endMs)
      return
    }
    if (endMs - startMs < this.#options.speechPaddingMs) return
    this.#isSpeaking = true
    this.#runStartMs = undefined
    this.#speechStartMs = startMs
    this.#onEvent({ type: 'speaking', startMs })
  }

  /** In speech: a run without voice may be its end. */
  #checkSilence(endMs: number): void {
    const startMs = this.#runStartMs
    if (startMs === undefined || endMs - startMs < this.#options.silencePaddingMs) return
    this.#isSpeaking = false
    this.#runStartMs = undefined
    this.#silenceStartMs = startMs
    this.#speechDurationMs = startMs - this.#speechStartMs
    this.#emitSilence(startMs, endMs)
  }

  #checkRepeat(endMs: number): void {
    const startMs = this.#silenceStartMs ?? endMs
    if (endMs - startMs >= this.#repeatAtMs) this.#emitSilence(startMs, endMs)
  }

  #emitSilence(startMs: number, endMs: number): void {
    const durationMs = endMs - startMs
    this.#repeatAtMs = this.#nextRepeatMs(durationMs)
    this.#onEvent({
      type: 'silence',
      startMs,
      durationMs,
      ...(this.#speechDurationMs === undefined
        ? {}
        : { speechStartMs: this.#speechStartMs, speechDurationMs: this.#speechDurationMs }),
    })
  }

  /** The next whole multiple of the timeout, so that late windows do not shift the rhythm. */
  #nextRepeatMs(durationMs: number): number {
    const timeoutMs = this.#options.silenceTimeoutMs
    if (timeoutMs === undefined || timeoutMs <= 0) return Number.POSITIVE_INFINITY
    return (Math.floor(durationMs / timeoutMs) + 1) * timeoutMs
  }
}
