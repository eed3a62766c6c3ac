import { type FLACDecodedAudio, FLACDecoder } from '@wasm-audio-decoders/flac'
import { AudioError } from '../audio-error.ts'
import { type WasmAudio, type WasmDecoder, WasmFileDecoder } from './wasm-file-decoder.ts'

const NO_AUDIO: WasmAudio = { channelData: [], sampleRate: 0 }
const MAGIC = 'fLaC'
/** RFC 9639 §8: the magic, a block header of 4 bytes, and STREAMINFO, which is always first. */
const STREAM_INFO_BYTES = 42
const BLOCK_HEADER_OFFSET = 4
const LAST_BLOCK = 0x80

/** By sample size, what makes the largest value of a sample a little less than 1. */
const GAINS: ReadonlyMap<number, number> = new Map([
  [8, 127 / 128],
  [16, 32_767 / 32_768],
  [24, 8_388_607 / 8_388_608],
  [32, 1],
])

/** FLAC (RFC 9639), also in Ogg, by libFLAC in Wasm. */
export function createFlacFileDecoder(): WasmFileDecoder {
  return new WasmFileDecoder('FLAC', () => new ExactFlacDecoder())
}

/**
 * Mends what the package gets wrong. It hands libFLAC nothing but frames; those may leave their
 * sample rate or sample size to STREAMINFO (RFC 9639 §9.1.2, §9.1.4), so libFLAC is given that
 * first. And it takes the largest value of a sample, not one more, for 1; of sizes that are not 8,
 * 16, 24 or 32 bits it makes noise.
 */
class ExactFlacDecoder implements WasmDecoder {
  readonly #decoder = new FLACDecoder()
  /** What has come of the file until STREAMINFO is whole; undefined from then on. */
  #head: Buffer<ArrayBuffer> | undefined = Buffer.alloc(0)

  get ready(): Promise<void> {
    return this.#decoder.ready
  }

  async decode(bytes: Uint8Array): Promise<WasmAudio> {
    if (this.#head === undefined) return finish(await this.#decoder.decode(bytes))
    const head = Buffer.concat([this.#head, bytes])
    this.#head = head
    const start = Math.max(0, head.indexOf(MAGIC))
    if (head.length < start + STREAM_INFO_BYTES) return NO_AUDIO
    this.#head = undefined
    const streamInfo = Uint8Array.from(head.subarray(start, start + STREAM_INFO_BYTES))
    // The other metadata blocks are left out.
    streamInfo[BLOCK_HEADER_OFFSET]! |= LAST_BLOCK
    await this.#decoder.decodeFrames([streamInfo])
    return finish(await this.#decoder.decode(head))
  }

  async flush(): Promise<WasmAudio> {
    return this.#head === undefined ? finish(await this.#decoder.flush()) : NO_AUDIO
  }

  free(): void {
    this.#decoder.free()
  }
}

function finish({ channelData, sampleRate, bitDepth }: FLACDecodedAudio): WasmAudio {
  if ((channelData[0]?.length ?? 0) === 0) return NO_AUDIO
  const gain = GAINS.get(bitDepth)
  if (gain === undefined) {
    const message = `FLAC of ${bitDepth} bits cannot be read; 8, 16, 24 and 32 bits can`
    throw new AudioError('unsupported_format', message)
  }
  return { channelData, sampleRate, gain }
}
