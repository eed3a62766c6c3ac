import { OggOpusDecoder } from 'ogg-opus-decoder'
import { type WasmAudio, type WasmDecoder, WasmFileDecoder } from './wasm-file-decoder.ts'

// A page of RFC 3533 §6.
const FLAGS_OFFSET = 5
const GRANULE_OFFSET = 6
const SEGMENTS_OFFSET = 26
const FLAG_FIRST = 0x02
const FLAG_LAST = 0x04
// An OpusHead packet of RFC 7845 §5.1.
const PRE_SKIP_OFFSET = 10
const GAIN_OFFSET = 16
const HEAD_BYTES = 19

/**
 * One logical Opus stream in Ogg pages (RFC 7845), by libopus in Wasm; always 48 kHz. Must be given
 * whole pages, one at a time.
 */
export function createOggOpusDecoder(): WasmFileDecoder {
  return new WasmFileDecoder('Opus', () => new ExactOpusDecoder())
}

/** Adds what the package leaves out: the output gain, and the end of a stream of a single page. */
class ExactOpusDecoder implements WasmDecoder {
  /** Its own type says that `decode` gives no promise, which it does. */
  readonly #decoder: WasmDecoder = new OggOpusDecoder()
  #preSkip = 0
  #gain = 1
  #audioPages = 0
  /** How many samples are left when the stream is a single page of audio. */
  #left = Number.POSITIVE_INFINITY

  get ready(): Promise<void> {
    return this.#decoder.ready
  }

  async decode(page: Uint8Array): Promise<WasmAudio> {
    const view = new DataView(page.buffer, page.byteOffset, page.length)
    const flags = view.getUint8(FLAGS_OFFSET)
    const granule = Number(view.getBigInt64(GRANULE_OFFSET, true))
    if (flags & FLAG_FIRST) this.#readHead(view)
    // RFC 7845 §4: the pages of the headers have granule position 0.
    if (granule !== 0) this.#audioPages += 1
    // RFC 7845 §4.4: what the last page holds beyond its granule position is padding.
    const isOnly = (flags & FLAG_LAST) !== 0 && this.#audioPages === 1
    if (isOnly && granule >= this.#preSkip) this.#left = granule - this.#preSkip
    return this.#finish(await this.#decoder.decode(page))
  }

  async flush(): Promise<WasmAudio> {
    const audio = await this.#decoder.flush?.()
    return this.#finish(audio ?? { channelData: [], sampleRate: 0 })
  }

  free(): void {
    this.#decoder.free()
  }

  #readHead(view: DataView): void {
    const head = SEGMENTS_OFFSET + 1 + view.getUint8(SEGMENTS_OFFSET)
    if (view.byteLength < head + HEAD_BYTES) return
    this.#preSkip = view.getUint16(head + PRE_SKIP_OFFSET, true)
    // In 1/256 dB.
    this.#gain = 10 ** (view.getInt16(head + GAIN_OFFSET, true) / 256 / 20)
  }

  #finish({ channelData, sampleRate }: WasmAudio): WasmAudio {
    const end = Math.min(this.#left, channelData[0]?.length ?? 0)
    this.#left -= end
    const channels = channelData.map((channel) => channel.subarray(0, end))
    return { channelData: channels, sampleRate, gain: this.#gain }
  }
}
