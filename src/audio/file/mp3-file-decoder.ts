import { MPEGDecoder } from 'mpg123-decoder'
import type { DecodedAudio, FileDecoder } from './file-decoder.ts'
import { WasmFileDecoder } from './wasm-file-decoder.ts'

/** Less than a frame of 32 kbit/s, and than a few of the smallest there are. */
const PART_BYTES = 128

/**
 * MPEG audio, layers I to III, by libmpg123 in Wasm. Skips what is no frame.
 *
 * The package gives one sample rate for all that it decodes at once, so it gets little at a time:
 * files at different rates may follow each other.
 */
export class Mp3FileDecoder implements FileDecoder {
  readonly #decoder = new WasmFileDecoder('MP3', () => new MPEGDecoder())

  async decode(chunk: Uint8Array): Promise<readonly DecodedAudio[]> {
    const audio: DecodedAudio[] = []
    for (let at = 0; at < chunk.length; at += PART_BYTES) {
      audio.push(...(await this.#decoder.decode(chunk.subarray(at, at + PART_BYTES))))
    }
    return audio
  }

  flush(): Promise<readonly DecodedAudio[]> {
    return this.#decoder.flush()
  }

  close(): void {
    this.#decoder.close()
  }
}
