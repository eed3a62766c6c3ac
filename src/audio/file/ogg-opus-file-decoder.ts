import { OggOpusDecoder } from 'ogg-opus-decoder'
import { AudioError } from '../audio-error.ts'
import { type DecodedAudio, type FileDecoder, mixDown } from './file-decoder.ts'

/** Opus in Ogg (RFC 7845), by libopus in Wasm; always 48 kHz. */
export class OggOpusFileDecoder implements FileDecoder {
  readonly #decoder = new OggOpusDecoder()

  async decode(chunk: Uint8Array): Promise<DecodedAudio> {
    await this.#decoder.ready
    try {
      // Its types call this synchronous, which it is not.
      return mixDown(await Promise.resolve(this.#decoder.decode(chunk)))
    } catch (cause) {
      throw new AudioError('bad_data', 'Opus: the data is broken', { cause })
    }
  }

  async flush(): Promise<DecodedAudio> {
    await this.#decoder.ready
    try {
      return mixDown(await this.#decoder.flush())
    } catch (cause) {
      throw new AudioError('truncated', 'Opus: the file ends in mid-data', { cause })
    }
  }

  close(): void {
    // The decoder can only be freed once it has been made.
    void this.#decoder.ready.then(() => this.#decoder.free())
  }
}
