import type { Codec } from '#audio/codec/codec.ts'
import { frameSamples } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import type { ReceivedPacket } from '#rtp/packet-ring.ts'
import { Playout } from '#rtp/playout.ts'

/** What a payload type of a session stands for. */
export interface PayloadFormat {
  readonly codec: Codec
  readonly payloadType: number
  readonly comfortNoiseType?: number | undefined
}

/** What is received of one codec of a session, at the session's own rate. */
export class PlayoutStream {
  readonly format: PayloadFormat
  readonly playout: Playout
  /** Whether sound of the far end has been heard. */
  hasSounded = false
  readonly #resampler: Resampler | undefined
  readonly #native: Int16Array

  constructor(format: PayloadFormat, sampleRate: number) {
    const { codec, comfortNoiseType } = format
    this.format = format
    this.playout = new Playout(codec, comfortNoiseType === undefined ? {} : { comfortNoiseType })
    this.#native = new Int16Array(frameSamples(codec.sampleRate))
    if (codec.sampleRate !== sampleRate) {
      this.#resampler = new Resampler(codec.sampleRate, sampleRate, { isLive: true })
    }
  }

  /** Whether packets of `payloadType` are of this stream. */
  takes(payloadType: number): boolean {
    const { format } = this
    return payloadType === format.payloadType || payloadType === format.comfortNoiseType
  }

  receive(packet: ReceivedPacket): void {
    this.playout.receive(packet)
  }

  /** Fills `samples`, one frame. */
  pull(samples: Int16Array, nowMs: number): void {
    if (this.#resampler === undefined) {
      this.playout.pull(samples, nowMs)
    } else {
      this.playout.pull(this.#native, nowMs)
      samples.set(this.#resampler.resample(this.#native).subarray(0, samples.length))
    }
    this.hasSounded ||= this.playout.buffer.packet !== undefined
  }

  close(): void {
    this.playout.close()
  }
}
