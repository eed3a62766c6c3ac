import { AudioError } from '#audio/audio-error.ts'
import { createFileDecoder } from '#audio/file/create-file-decoder.ts'
import type { DecodedAudio, FileDecoder } from '#audio/file/file-decoder.ts'
import { id3Bytes, SNIFF_BYTES, sniffFormat } from '#audio/file/sniff.ts'
import { Resampler } from '#audio/resampler.ts'
import type { Sink } from '#core/sink.ts'
import { MediaError } from './media-error.ts'

/** Bytes decoded in one go, so that the jobs of other calls get their turn. */
const SLICE_BYTES = 8 * 1024
/** How far the decoder may be ahead of the player. */
const AHEAD_SECONDS = 2
/** So much of an ID3 tag tells its length. */
const ID3_HEADER_BYTES = 10
/** Sample rates that a file may have. */
const MIN_RATE = 4_000
const MAX_RATE = 384_000

/** Turns the bytes of one file into samples at the rate of a leg, no further ahead than is needed. */
export class DecodeJob {
  readonly #sampleRate: number
  readonly #onAudio: Sink<Int16Array>
  readonly #abort = new AbortController()
  #decoder: FileDecoder | undefined
  #resampler: Resampler | undefined
  #aheadSamples = 0
  #sentSamples = 0
  #onRoom: (() => void) | undefined

  constructor(sampleRate: number, onAudio: Sink<Int16Array>) {
    this.#sampleRate = sampleRate
    this.#onAudio = onAudio
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /**
   * Decodes `bytes` to their end; resolves when the last sample has been handed over.
   *
   * @throws {MediaError}
   */
  async run(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      // Some taggers put their tag in front of the one that is there.
      const audio = withoutTag(withoutTag(bytes))
      for await (const piece of withHead(audio, SNIFF_BYTES)) {
        for (let at = 0; at < piece.length; at += SLICE_BYTES) {
          await this.#decode(piece.subarray(at, at + SLICE_BYTES))
        }
      }
      await this.#finish()
    } catch (error) {
      throw toMediaError(error)
    } finally {
      this.#decoder?.close()
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

  async #decode(slice: Uint8Array): Promise<void> {
    this.#decoder ??= createFileDecoder(sniffFormat(slice.subarray(0, SNIFF_BYTES)))
    await this.#deliver(await this.#decoder.decode(slice))
    // Between two slices every other job of this Worker may run.
    await new Promise((resolve) => setImmediate(resolve))
    this.#abort.signal.throwIfAborted()
  }

  async #finish(): Promise<void> {
    if (this.#decoder === undefined) throw new MediaError('decode', 'url: the file is empty')
    await this.#deliver(await this.#decoder.flush())
    if (this.#resampler !== undefined) await this.#send(this.#resampler.flush())
    if (this.#sentSamples === 0)
      throw new MediaError('decode', 'url: there is no audio in the file')
  }

  async #deliver({ samples, sampleRate }: DecodedAudio): Promise<void> {
    if (samples.length === 0) return
    if (!(sampleRate >= MIN_RATE && sampleRate <= MAX_RATE)) {
      throw new MediaError('unsupported', `url: the file has a sample rate of ${sampleRate} Hz`)
    }
    if (this.#resampler?.fromRate !== sampleRate) {
      this.#resampler = new Resampler(sampleRate, this.#sampleRate)
    }
    await this.#send(this.#resampler.resample(samples))
  }

  /** Waits until there is room for more, so that an endless file never piles up. */
  async #send(samples: Int16Array): Promise<void> {
    if (samples.length === 0) return
    this.#aheadSamples += samples.length
    this.#sentSamples += samples.length
    this.#onAudio(samples.slice())
    while (this.#aheadSamples > AHEAD_SECONDS * this.#sampleRate) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve
      })
      this.#abort.signal.throwIfAborted()
    }
  }

  #wake(): void {
    this.#onRoom?.()
    this.#onRoom = undefined
  }
}

/** The same bytes; the first piece has at least `minBytes`, if there are so many. */
async function* withHead(
  bytes: AsyncIterable<Uint8Array>,
  minBytes: number,
): AsyncGenerator<Uint8Array> {
  let head = new Uint8Array(0)
  let hasHead = false
  for await (const piece of bytes) {
    if (hasHead) {
      yield piece
      continue
    }
    head = Buffer.concat([head, piece])
    hasHead = head.length >= minBytes
    if (hasHead) yield head
  }
  if (!hasHead && head.length > 0) yield head
}

/** The bytes behind an ID3 tag, however long it is. */
async function* withoutTag(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let skip: number | undefined
  for await (const piece of withHead(bytes, ID3_HEADER_BYTES)) {
    skip ??= id3Bytes(piece)
    const rest = piece.subarray(skip)
    skip = Math.max(0, skip - piece.length)
    if (rest.length > 0) yield rest
  }
}

function toMediaError(error: unknown): MediaError {
  if (error instanceof MediaError) return error
  const isFormat = error instanceof AudioError && error.code.startsWith('unsupported')
  const message = error instanceof Error ? error.message : String(error)
  const code = isFormat ? 'unsupported' : 'decode'
  return new MediaError(code, `url: ${message}`, { cause: error })
}
