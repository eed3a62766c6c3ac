import type { Codec, Decoder, Encoder } from '#audio/codec/codec.ts'
import { type AudioFrame, frameSamples, PTIME_MS } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { HangupCause, Leg, LegHandlers } from '../leg.ts'

/**
 * A client that sends nothing for so long, after what it sent last would have been played, is heard
 * as silent, so that speech before it can end.
 */
const QUIET_AFTER_MS = 300
/** A client may send its audio in bursts as long as this and is not taken for silent between them. */
const MAX_BURST_MS = 1000
const QUIET_CHECK_MS = 100

interface IncomingFrame extends AudioFrame {
  position: number
}

/**
 * The leg whose audio travels in binary messages of the client's own WebSocket: raw payload bytes
 * of one codec, both ways, without a header. Up, a message may have any size; down, every message
 * is one frame. A client may stop sending while its user is silent; the gap is filled with silence.
 */
export class WebSocketLeg implements Leg {
  readonly type = 'websocket'
  readonly sendRate: number
  readonly stats = { receivedBytes: 0, receivedFrames: 0, filledFrames: 0, sentFrames: 0 }
  readonly #encoder: Encoder
  readonly #decoder: Decoder
  readonly #sendPayload: Sink<Uint8Array>
  readonly #payload: Uint8Array
  readonly #frame: IncomingFrame
  /** Bytes of a frame that is not complete yet; bound: one frame. */
  readonly #rest: Uint8Array
  #restBytes = 0
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
    this.#decoder = codec.createDecoder()
    this.#sendPayload = sendPayload
    this.#payload = new Uint8Array(codec.maxFrameBytes)
    this.#rest = new Uint8Array(codec.maxFrameBytes)
    this.#frame = { samples: new Int16Array(frameSamples(sampleRate)), sampleRate, position: 0 }
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
    const frameBytes = this.#rest.length
    this.#noteArrival((message.length * PTIME_MS) / frameBytes)
    let offset = 0
    if (this.#restBytes > 0) {
      offset = Math.min(frameBytes - this.#restBytes, message.length)
      this.#keepRest(message.subarray(0, offset))
      if (this.#restBytes < frameBytes) return
      this.#restBytes = 0
      this.#receiveFrame(this.#rest)
    }
    // The usual message is one whole frame; it needs no view of its own.
    if (offset === 0 && message.length === frameBytes) {
      this.#receiveFrame(message)
      return
    }
    for (; offset + frameBytes <= message.length; offset += frameBytes) {
      this.#receiveFrame(message.subarray(offset, offset + frameBytes))
    }
    if (offset < message.length) this.#keepRest(message.subarray(offset))
  }

  send(frame: AudioFrame): void {
    if (this.#handlers === undefined) return
    // Every codec here has a constant rate, so that a frame always fills the payload.
    this.#encoder.encode(frame.samples, this.#payload)
    this.stats.sentFrames += 1
    this.#sendPayload(this.#payload)
  }

  hangup(_cause: HangupCause): void {
    if (this.#handlers === undefined) return
    this.#handlers = undefined
    clearInterval(this.#quietTimer)
    this.#encoder.close()
    this.#decoder.close()
  }

  #noteArrival(durationMs: number): void {
    const nowMs = performance.now()
    // It wears off at twice the pace, so that neither a fast clock nor a late packet adds up.
    const leftMs = Math.max(0, this.#burstMs - 2 * (nowMs - this.#lastMessageMs))
    this.#burstMs = Math.min(MAX_BURST_MS, leftMs + durationMs)
    this.#lastMessageMs = nowMs
    this.#heardUntilMs = nowMs
  }

  #keepRest(bytes: Uint8Array): void {
    this.#rest.set(bytes, this.#restBytes)
    this.#restBytes += bytes.length
  }

  #receiveFrame(payload: Uint8Array): void {
    this.#decoder.decode(payload, this.#frame.samples)
    this.stats.receivedFrames += 1
    this.#passOn()
  }

  #fillQuiet(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lastMessageMs < this.#burstMs + QUIET_AFTER_MS) return
    for (; this.#heardUntilMs + PTIME_MS <= nowMs; this.#heardUntilMs += PTIME_MS) {
      this.#frame.samples.fill(0)
      this.stats.filledFrames += 1
      this.#passOn()
    }
  }

  #passOn(): void {
    this.#handlers?.onFrame(this.#frame)
    this.#frame.position += this.#frame.samples.length
  }
}
