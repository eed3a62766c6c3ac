import { Resampler } from '#audio/resampler.ts'
import type { Sink } from '#core/sink.ts'
import { SampleQueue } from '../sample-queue.ts'
import { RNNOISE_DELAY_SAMPLES, RNNOISE_RATE, RNNOISE_SAMPLES, type Rnnoise } from './rnnoise.ts'

/**
 * Cleans one stream at its own rate. Cleaned audio stands where the raw audio stood: a frame comes
 * out as long as it went in and with no delay inside it, but only when the `lookaheadSamples` that
 * follow have come in, which with frames of 20 ms is when the next one has.
 *
 *   rate ─► Resampler ─► 48 kHz, 480 at a time ─► RNNoise ─► first ones cut off ─► Resampler ─► rate
 */
export class DenoiseStream {
  readonly sampleRate: number
  /** At `sampleRate`: 15 ms of it at 8 kHz, 12.5 at 16, 11.7 at 24, and at 48 the 10 of RNNoise. */
  readonly lookaheadSamples: number
  readonly #rnnoise: Rnnoise
  readonly #state: number
  readonly #up: Resampler
  readonly #down: Resampler
  readonly #piece = new Int16Array(RNNOISE_SAMPLES)
  #pieceLength = 0
  /** What comes out of RNNoise before the first sample that went in does. */
  #toSkip: number
  readonly #cleaned = new SampleQueue()
  /** Lengths of the frames that went in and have not come out, oldest first. */
  readonly #lengths: number[] = []
  #frame = new Int16Array(0)

  /** Throws `AudioError` (`unsupported_rate`) for a rate that cannot be resampled. */
  constructor(rnnoise: Rnnoise, sampleRate: number) {
    this.sampleRate = sampleRate
    this.#rnnoise = rnnoise
    // Live, so that a frame of 20 ms makes two whole pieces and none has to wait for the next.
    this.#up = new Resampler(sampleRate, RNNOISE_RATE, { isLive: true })
    this.#down = new Resampler(RNNOISE_RATE, sampleRate)
    this.#toSkip = Math.round(this.#up.delaySamples) + RNNOISE_DELAY_SAMPLES
    this.lookaheadSamples = (this.#toSkip * sampleRate) / RNNOISE_RATE + this.#down.delaySamples
    this.#state = rnnoise.openState()
  }

  /** Takes the next frame and gives those that are ready, each valid until its receiver returns. */
  push(samples: Int16Array, onFrame: Sink<Int16Array>): void {
    this.#lengths.push(samples.length)
    this.#clean(this.#up.resample(samples))
    for (;;) {
      const length = this.#lengths[0]
      if (length === undefined || length > this.#cleaned.length) return
      this.#lengths.shift()
      if (this.#frame.length !== length) this.#frame = new Int16Array(length)
      this.#cleaned.read(this.#frame)
      onFrame(this.#frame)
    }
  }

  close(): void {
    this.#rnnoise.closeState(this.#state)
  }

  #clean(samples: Int16Array): void {
    for (let from = 0; from < samples.length; ) {
      const count = Math.min(samples.length - from, RNNOISE_SAMPLES - this.#pieceLength)
      this.#piece.set(samples.subarray(from, from + count), this.#pieceLength)
      this.#pieceLength += count
      from += count
      if (this.#pieceLength === RNNOISE_SAMPLES) this.#cleanPiece()
    }
  }

  #cleanPiece(): void {
    this.#pieceLength = 0
    this.#rnnoise.clean(this.#state, this.#piece)
    const skipped = Math.min(this.#toSkip, RNNOISE_SAMPLES)
    this.#toSkip -= skipped
    this.#cleaned.push(this.#down.resample(this.#piece.subarray(skipped)).slice())
  }
}
