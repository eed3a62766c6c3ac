import { AudioError } from '#audio/audio-error.ts'
import { AnyFileDecoder } from '#audio/file/any-file-decoder.ts'
import type { DecodedAudio } from '#audio/file/file-decoder.ts'
import { Resampler } from '#audio/resampler.ts'
import type { Sink } from '#core/sink.ts'
import { MediaError } from './media-error.ts'

/** Bytes decoded in one go, so that the jobs of other calls get their turn. */
const SLICE_BYTES = 2 * 1024
/** How far the decoder may be ahead of the player. */
const AHEAD_SECONDS = 2
/** Audio is handed over in pieces of this length; the first and the last may be shorter. */
const PIECE_SECONDS = 0.1

export interface DecodeJobOptions {
  /** A longer file is an error when it gets there. */
  readonly maxSeconds: number
}

/** Turns the bytes of one file into samples at the rate of a leg, no further ahead than is needed. */
export class DecodeJob {
  readonly #sampleRate: number
  readonly #onAudio: Sink<Int16Array<ArrayBuffer>>
  readonly #maxSamples: number
  readonly #abort = new AbortController()
  readonly #decoder = new AnyFileDecoder()
  readonly #piece: Int16Array
  #pieceLength = 0
  #resampler: Resampler | undefined
  #aheadSamples = 0
  #sentSamples = 0
  #onRoom: (() => void) | undefined

  /** `onAudio` is given samples of its own, shape (n), n at least 1. */
  constructor(
    sampleRate: number,
    onAudio: Sink<Int16Array<ArrayBuffer>>,
    { maxSeconds }: DecodeJobOptions,
  ) {
    this.#sampleRate = sampleRate
    this.#onAudio = onAudio
    this.#maxSamples = maxSeconds * sampleRate
    this.#piece = new Int16Array(Math.ceil(PIECE_SECONDS * sampleRate))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /**
   * Decodes what `open` opens to its end; resolves when the last sample has been handed over. When
   * the bytes break off, what has come is handed over first. Throws `MediaError`, or the reason of
   * `signal` after `close`.
   */
  async run(open: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
    try {
      for await (const chunk of await open(this.signal)) {
        for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
          await this.#deliver(await this.#decoder.decode(chunk.subarray(at, at + SLICE_BYTES)))
          await this.#giveWay()
        }
      }
      await this.#deliver(await this.#decoder.flush())
      if (this.#resampler !== undefined) await this.#send(this.#resampler.flush())
    } catch (error) {
      throw toMediaError(error)
    } finally {
      if (!this.signal.aborted) this.#handOver()
      this.#decoder.close()
    }
  }

  /** The player has used so many samples. */
  played(samples: number): void {
    this.#aheadSamples -= samples
    this.#wake()
  }

  /** Stops as soon as may be; `run` then rejects. */
  close(): void {
    this.#abort.abort()
    this.#wake()
  }

  async #deliver(audio: readonly DecodedAudio[]): Promise<void> {
    for (const { samples, sampleRate } of audio) {
      if (this.#resampler?.fromRate !== sampleRate) {
        const previous = this.#resampler
        this.#resampler = new Resampler(sampleRate, this.#sampleRate)
        if (previous !== undefined) await this.#send(previous.flush())
      }
      await this.#send(this.#resampler.resample(samples))
    }
  }

  /** Waits until there is room for more, so that an endless file never piles up. */
  async #send(samples: Int16Array): Promise<void> {
    if (this.#sentSamples > this.#maxSamples) {
      const hours = this.#maxSamples / this.#sampleRate / 3600
      throw new MediaError('too_large', `url: the file is longer than ${hours} hours`)
    }
    for (let from = 0; from < samples.length; ) {
      const part = samples.subarray(from, from + this.#piece.length - this.#pieceLength)
      this.#piece.set(part, this.#pieceLength)
      this.#pieceLength += part.length
      from += part.length
      if (this.#pieceLength === this.#piece.length || this.#sentSamples === 0) this.#handOver()
      if (this.#aheadSamples >= AHEAD_SECONDS * this.#sampleRate) await this.#room()
    }
  }

  #handOver(): void {
    if (this.#pieceLength === 0) return
    this.#aheadSamples += this.#pieceLength
    this.#sentSamples += this.#pieceLength
    this.#onAudio(this.#piece.slice(0, this.#pieceLength))
    this.#pieceLength = 0
  }

  async #room(): Promise<void> {
    while (this.#aheadSamples >= AHEAD_SECONDS * this.#sampleRate) {
      this.signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve
      })
    }
    this.signal.throwIfAborted()
  }

  /** Between two slices every other job of this Worker may run. */
  async #giveWay(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.signal.throwIfAborted()
  }

  #wake(): void {
    this.#onRoom?.()
    this.#onRoom = undefined
  }
}

function toMediaError(error: unknown): unknown {
  if (!(error instanceof AudioError)) return error
  const isFormat = error.code === 'unsupported_format' || error.code === 'unsupported_rate'
  const code = isFormat ? 'unsupported' : 'decode'
  return new MediaError(code, `url: ${error.message}`, { cause: error })
}
