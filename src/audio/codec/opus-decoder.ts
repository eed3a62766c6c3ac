import type { Decoder } from './codec.ts'
import { OpusLibrary } from './opus-library.ts'
import { hasOpusCopy } from './opus-packet.ts'

/** Opus makes audio, and guesses it, in pieces of 2.5 ms: so many a second. */
const PIECES_PER_SECOND = 400
/** The longest packet, in pieces: 120 ms. */
const MAX_PIECES = 48

export interface OpusDecoderOptions {
  /** 8000, 12,000, 16,000, 24,000 or 48,000, whatever the encoder's was. */
  readonly sampleRate: number
  /** Packets of the other kind are mixed down or doubled. Two channels come interleaved. */
  readonly channels: 1 | 2
}

/** Reads Opus packets of any length, kind and bandwidth (RFC 6716). */
export class OpusDecoder implements Decoder {
  readonly sampleRate: number
  readonly #channels: number
  readonly #library = OpusLibrary.shared
  readonly #state: number
  readonly #pieceSamples: number
  #isClosed = false

  /** @throws {AudioError} `unsupported_rate`. */
  constructor({ sampleRate = 48_000, channels = 1 }: Partial<OpusDecoderOptions> = {}) {
    this.sampleRate = sampleRate
    this.#channels = channels
    this.#pieceSamples = sampleRate / PIECES_PER_SECOND
    this.#state = this.#library.openDecoder(sampleRate, channels)
  }

  /** What does not fit into `samples` is left out. */
  decode(payload: Uint8Array, samples: Int16Array): number {
    // To libopus a packet without bytes is a lost one.
    if (this.#isClosed || payload.length === 0) return 0
    const count = this.#library.decode(this.#state, payload, MAX_PIECES * this.#pieceSamples, false)
    return this.#take(samples, 0, count)
  }

  /** The decoder moves on by whole pieces of 2.5 ms; what is over of the last one is left out. */
  conceal(samples: Int16Array): number {
    let at = 0
    while (!this.#isClosed && at < samples.length) {
      const wanted = this.#roundUp(samples.length - at)
      const count = this.#library.decode(this.#state, undefined, wanted, false)
      if (count === 0) break
      at += this.#take(samples, at, count)
    }
    return at
  }

  /**
   * Of a gap that is longer than what `next` says of it, the beginning is concealed; fills at most
   * 120 ms.
   */
  recover(next: Uint8Array, samples: Int16Array): number {
    if (this.#isClosed || next.length === 0) return this.conceal(samples)
    const wanted = this.#roundUp(samples.length)
    const count = this.#library.decode(this.#state, next, wanted, true)
    return count === 0 ? this.conceal(samples) : this.#take(samples, 0, count)
  }

  hasCopy(next: Uint8Array): boolean {
    return hasOpusCopy(next)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#library.close(this.#state)
  }

  /** Samples per channel of as many whole pieces as hold `length` samples of all channels. */
  #roundUp(length: number): number {
    const pieces = Math.ceil(length / this.#channels / this.#pieceSamples)
    return Math.min(pieces, MAX_PIECES) * this.#pieceSamples
  }

  #take(samples: Int16Array, at: number, count: number): number {
    const made = this.#library.samples
    const length = Math.min(count * this.#channels, samples.length - at)
    for (let i = 0; i < length; i += 1) samples[at + i] = made[i]!
    return length
  }
}
