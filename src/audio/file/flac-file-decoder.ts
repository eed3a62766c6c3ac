import { FLACDecoder } from '@wasm-audio-decoders/flac'
import { AudioError } from '../audio-error.ts'
import { type DecodedAudio, type FileDecoder, mixDown } from './file-decoder.ts'

/** FLAC (RFC 9639), by libFLAC in Wasm. */
export class FlacFileDecoder implements FileDecoder {
  readonly #decoder = new FLACDecoder()

  async decode(chunk: Uint8Array): Promise<DecodedAudio> {
    await this.#decoder.ready
    try {
      return mixDown(await this.#decoder.decode(chunk))
    } catch (cause) {
      throw new AudioError('bad_data', 'FLAC: the data is broken', { cause })
    }
  }

  async flush(): Promise<DecodedAudio> {
    await this.#decoder.ready
    try {
      return mixDown(await this.#decoder.flush())
    } catch (cause) {
      throw new AudioError('truncated', 'FLAC: the file ends in mid-data', { cause })
    }
  }

  close(): void {
    // The decoder can only be freed once it has been made.
    void this.#decoder.ready.then(() => this.#decoder.free())
  }
}
