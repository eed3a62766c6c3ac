import type { Codec, Decoder, Encoder } from '#audio/codec/codec.ts'
import { type AudioFrame, frameSamples, PTIME_MS } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { HangupCause, Leg, LegHandlers } from '../leg.ts'

interface IncomingFrame extends AudioFrame {
  position: number
}

/**
 * The leg whose audio travels in binary messages of the client's own WebSocket: raw payload bytes
 * of one codec, both ways, without a header. Up, a message may have any size; down, every message
 * is one frame.
 */
export class WebSocketLeg implements Leg {
  readonly type = 'websocket'
  readonly sendRate: number
  readonly stats = { receivedBytes: 0, receivedFrames: 0, sentFrames: 0 }
  readonly #encoder: Encoder
  readonly #decoder: Decoder
  readonly #sendPayload: Sink<Uint8Array>
  readonly #payload: Uint8Array
  readonly #frame: IncomingFrame
  /** Bytes of a frame that is not complete yet; bound: one frame. */
  readonly #rest: Uint8Array
  #restBytes = 0
  #handlers: LegHandlers | undefined

  /** `sendPayload` gets a buffer that is valid until it returns. */
  constructor(codec: Codec, sendPayload: Sink<Uint8Array>) {
    const { sampleRate } = codec
    this.sendRate = sampleRate
    this.#encoder = codec.createEncoder()
    this.#decoder = codec.createDecoder()
    this.#sendPayload = sendPayload
    this.#payload = new Uint8Array(codec.bytesPerMs * PTIME_MS)
    this.#rest = new Uint8Array(codec.bytesPerMs * PTIME_MS)
    this.#frame = { samples: new Int16Array(frameSamples(sampleRate)), sampleRate, position: 0 }
  }

  connect(handlers: LegHandlers): Promise<{ readonly sdp: string }> {
    this.#handlers = handlers
    return Promise.resolve({ sdp: '' })
  }

  /** Takes one binary message of the client, of any size. */
  receivePayload(message: Uint8Array): void {
    this.stats.receivedBytes += message.length
    const frameBytes = this.#rest.length
    let offset = 0
    if (this.#restBytes > 0) {
      offset = Math.min(frameBytes - this.#restBytes, message.length)
      this.#keepRest(message.subarray(0, offset))
      if (this.#restBytes < frameBytes) return
      this.#restBytes = 0
      this.#receiveFrame(this.#rest)
    }
    for (; offset + frameBytes <= message.length; offset += frameBytes) {
      this.#receiveFrame(message.subarray(offset, offset + frameBytes))
    }
    this.#keepRest(message.subarray(offset))
  }

  send(frame: AudioFrame): void {
    if (this.#handlers === undefined) return
    const bytes = this.#encoder.encode(frame.samples, this.#payload)
    this.stats.sentFrames += 1
    this.#sendPayload(this.#payload.subarray(0, bytes))
  }

  hangup(_cause: HangupCause): void {
    if (this.#handlers === undefined) return
    this.#handlers = undefined
    this.#encoder.close()
    this.#decoder.close()
  }

  #keepRest(bytes: Uint8Array): void {
    this.#rest.set(bytes, this.#restBytes)
    this.#restBytes += bytes.length
  }

  #receiveFrame(payload: Uint8Array): void {
    const handlers = this.#handlers
    if (handlers === undefined) return
    const { samples } = this.#frame
    this.#decoder.decode(payload, samples)
    this.stats.receivedFrames += 1
    handlers.onFrame(this.#frame)
    this.#frame.position += samples.length
  }
}
