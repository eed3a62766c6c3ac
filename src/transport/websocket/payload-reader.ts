import type { Codec, Decoder } from '#audio/codec/codec.ts'
import { frameSamples, PTIME_MS } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'

/** Longest packet of Opus, 120 ms (RFC 6716 §2.1.4). */
const MAX_PACKET_FRAMES = 6

/** Makes frames of 20 ms of the binary messages of a client. */
export interface PayloadReader {
  /** Messages that could not be decoded. */
  readonly badMessages: number
  /**
   * Takes one message of any size and hands on each frame as it becomes whole. Returns how many
   * milliseconds of audio were in the message.
   */
  read(message: Uint8Array): number
  close(): void
}

/** `onFrame` gets samples of 20 ms, valid until it returns. */
export function createPayloadReader(codec: Codec, onFrame: Sink<Int16Array>): PayloadReader {
  const decoder = codec.createDecoder()
  return codec.bytesPerMs === undefined
    ? new PacketReader(decoder, onFrame)
    : new ByteReader(codec.maxFrameBytes, decoder, onFrame)
}

/** Of a codec with a constant rate a message may begin and end anywhere, as a file that is sent. */
class ByteReader implements PayloadReader {
  readonly badMessages = 0
  readonly #decoder: Decoder
  readonly #onFrame: Sink<Int16Array>
  readonly #samples: Int16Array
  /** Bytes of a frame that is not complete yet; bound: one frame. */
  readonly #rest: Uint8Array
  #restBytes = 0

  constructor(frameBytes: number, decoder: Decoder, onFrame: Sink<Int16Array>) {
    this.#decoder = decoder
    this.#onFrame = onFrame
    this.#samples = new Int16Array(frameSamples(decoder.sampleRate))
    this.#rest = new Uint8Array(frameBytes)
  }

  read(message: Uint8Array): number {
    this.#cut(message)
    return (message.length * PTIME_MS) / this.#rest.length
  }

  close(): void {
    this.#decoder.close()
  }

  #cut(message: Uint8Array): void {
    const frameBytes = this.#rest.length
    let offset = 0
    if (this.#restBytes > 0) {
      offset = Math.min(frameBytes - this.#restBytes, message.length)
      this.#keepRest(message.subarray(0, offset))
      if (this.#restBytes < frameBytes) return
      this.#restBytes = 0
      this.#decode(this.#rest)
    }
    // The usual message is one whole frame; it needs no view of its own.
    if (offset === 0 && message.length === frameBytes) {
      this.#decode(message)
      return
    }
    for (; offset + frameBytes <= message.length; offset += frameBytes) {
      this.#decode(message.subarray(offset, offset + frameBytes))
    }
    if (offset < message.length) this.#keepRest(message.subarray(offset))
  }

  #decode(payload: Uint8Array): void {
    this.#decoder.decode(payload, this.#samples)
    this.#onFrame(this.#samples)
  }

  #keepRest(bytes: Uint8Array): void {
    this.#rest.set(bytes, this.#restBytes)
    this.#restBytes += bytes.length
  }
}

/** Of a codec with packets a message is one packet, 2.5 to 120 ms of audio. */
class PacketReader implements PayloadReader {
  badMessages = 0
  readonly #decoder: Decoder
  readonly #onFrame: Sink<Int16Array>
  readonly #packet: Int16Array
  readonly #samples: Int16Array
  #count = 0

  constructor(decoder: Decoder, onFrame: Sink<Int16Array>) {
    this.#decoder = decoder
    this.#onFrame = onFrame
    this.#samples = new Int16Array(frameSamples(decoder.sampleRate))
    this.#packet = new Int16Array(this.#samples.length * MAX_PACKET_FRAMES)
  }

  read(message: Uint8Array): number {
    let count = this.#decoder.decode(message, this.#packet)
    if (count === 0) {
      this.badMessages += 1
      count = this.#decoder.conceal?.(this.#samples) ?? 0
      this.#packet.set(this.#samples.subarray(0, count))
    }
    for (let at = 0; at < count; ) {
      const part = this.#packet.subarray(at, Math.min(count, at + this.#room))
      this.#samples.set(part, this.#count)
      this.#count += part.length
      at += part.length
      if (this.#room > 0) continue
      this.#count = 0
      this.#onFrame(this.#samples)
    }
    return (count * 1000) / this.#decoder.sampleRate
  }

  close(): void {
    this.#decoder.close()
  }

  get #room(): number {
    return this.#samples.length - this.#count
  }
}
