import type { Codec, Encoder } from '#audio/codec/codec.ts'
import { type AudioFrame, frameSamples, PTIME_MS } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { HangupCause, Leg, LegHandlers } from '../leg.ts'
import { createPayloadReader, type PayloadReader } from './payload-reader.ts'

/**
 * A client that sends nothing for so long, after what it sent last would have been played, is heard
 * as silent, so that speech before it can end.
 */
const QUIET_AFTER_MS = 300
/** A client may send its audio in bursts as long as this and is not taken for silent between them. */
const MAX_BURST_MS = 1000
const QUIET_CHECK_MS = 100
/** A process that slept longer than this fills in no more of its sleep. */
const MAX_FILL_MS = 5_000

interface IncomingFrame extends AudioFrame {
  samples: Int16Array
  position: number
}

/**
 * The leg whose audio travels in binary messages of the client's own WebSocket: raw payload bytes
 * of one codec, both ways, without a header. Up, a message may have any size (of Opus it is one
 * packet); down, every message is one frame. A client may stop sending while its user is silent; the
 * gap is filled with silence.
 */
export class WebSocketLeg implements Leg {
  readonly type = 'websocket'
  readonly sendRate: number
  readonly stats = {
    receivedBytes: 0,
    receivedFrames: 0,
    filledFrames: 0,
    sentFrames: 0,
    badMessages: 0,
  }
  readonly #encoder: Encoder
  readonly #reader: PayloadReader
  readonly #sendPayload: Sink<Uint8Array>
  readonly #payload: Uint8Array
  readonly #frame: IncomingFrame
  readonly #silence: Int16Array
  #handlers: LegHandlers | undefined
  #quietTimer: ReturnType<typeof setInterval> | undefined
  #lastMessageMs = 0
  /** How much audio came lately before its time: that of a burst, which lasts until the next. */
  #burstMs = 0
  /** Up to when (`performance.now()`) there is audio for every moment, received or filled in. */
  #heardUntilMs = 0

  /** `sendPayload` gets a buffer that is valid until it returns. */
  constructor(codec: Codec, sendPayload: Sink<Uint8Array>) {
    const { sampleRate } = codec
    this.sendRate = sampleRate
    this.#encoder = codec.createEncoder()
    this.#reader = createPayloadReader(codec, (samples) => {
      this.stats.receivedFrames += 1
      this.#passOn(samples)
    })
    this.#sendPayload = sendPayload
    this.#payload = new Uint8Array(codec.maxFrameBytes)
    this.#silence = new Int16Array(frameSamples(sampleRate))
    this.#frame = { samples: this.#silence, sampleRate, position: 0 }
  }

  connect(handlers: LegHandlers): Promise<{ readonly sdp: string }> {
    this.#handlers = handlers
    return Promise.resolve({ sdp: '' })
  }

  /** Takes one binary message of the client, of any size. */
  receivePayload(message: Uint8Array): void {
    if (this.#handlers === undefined) return
    this.stats.receivedBytes += message.length
    this.#quietTimer ??= setInterval(() => this.#fillQuiet(), QUIET_CHECK_MS)
    this.#noteArrival(this.#reader.read(message))
    this.stats.badMessages = this.#reader.badMessages
  }

  send(frame: AudioFrame): void {
    if (this.#handlers === undefined) return
    const bytes = this.#encoder.encode(frame.samples, this.#payload)
    this.stats.sentFrames += 1
    // A codec with a constant rate always fills the payload; it needs no view of its own.
    this.#sendPayload(
      bytes === this.#payload.length ? this.#payload : this.#payload.subarray(0, bytes),
    )
  }

  hangup(_cause: HangupCause): void {
    this.#handlers = undefined
    clearInterval(this.#quietTimer)
    this.#encoder.close()
    this.#reader.close()
  }

  #noteArrival(durationMs: number): void {
    const nowMs = performance.now()
    // It wears off at twice the pace, so that neither a fast clock nor a late packet adds up.
    const leftMs = Math.max(0, this.#burstMs - 2 * (nowMs - this.#lastMessageMs))
    this.#burstMs = Math.min(MAX_BURST_MS, leftMs + durationMs)
    this.#lastMessageMs = nowMs
    this.#heardUntilMs = nowMs
  }

  #fillQuiet(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lastMessageMs < this.#burstMs + QUIET_AFTER_MS) return
    this.#heardUntilMs = Math.max(this.#heardUntilMs, nowMs - MAX_FILL_MS)
    for (; this.#heardUntilMs + PTIME_MS <= nowMs; this.#heardUntilMs += PTIME_MS) {
      this.stats.filledFrames += 1
      this.#passOn(this.#silence)
    }
  }

  #passOn(samples: Int16Array): void {
    this.#frame.samples = samples
    this.#handlers?.onFrame(this.#frame)
    this.#frame.position += samples.length
  }
}
