import { DTMF_SAMPLE_RATE, DtmfReader } from '#audio/dtmf-reader.ts'
import type { AudioFrame } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from './processor.ts'

/**
 * Finds keys that a caller presses in the sound itself, on legs that have no other way to tell:
 * telephone-event (RFC 4733) is for those that do.
 */
export class DtmfDetector implements Processor {
  readonly #reader: DtmfReader
  #resampler: Resampler | undefined

  /** `onKey` gets one of `0-9 * # A-D`, once per press. */
  constructor(onKey: Sink<string>) {
    this.#reader = new DtmfReader(onKey)
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    this.#reader.read(this.#atReaderRate(frame))
    next(frame)
  }

  close(): void {}

  toString(): string {
    return 'DtmfDetector'
  }

  #atReaderRate({ samples, sampleRate }: AudioFrame): Int16Array {
    if (sampleRate === DTMF_SAMPLE_RATE) return samples
    if (this.#resampler?.fromRate !== sampleRate) {
      this.#resampler = new Resampler(sampleRate, DTMF_SAMPLE_RATE, { isLive: true })
    }
    return this.#resampler.resample(samples)
  }
}
