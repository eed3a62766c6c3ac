import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import { AudioError } from '../audio-error.ts'
import { type DecodedAudio, type FileDecoder, mixDown } from './file-decoder.ts'

/** Vorbis in Ogg, by libvorbis in Wasm. */
export class OggVorbisFileDecoder implements FileDecoder {
  readonly #decoder = new OggVorbisDecoder()

  async decode(chunk: Uint8Array): Promise<DecodedAudio> {
    await this.#decoder.ready
    try {
      return mixDown(await this.#decoder.decode(chunk))
    } catch (cause) {
      throw new AudioError('bad_data', 'Vorbis: the data is broken', { cause })
    }
  }

  async flush(): Promise<DecodedAudio> {
    await this.#decoder.ready
    try {
      return mixDown(await this.#decoder.flush())
    } catch (cause) {
      throw new AudioError('truncated', 'Vorbis: the file ends in mid-data', { cause })
    }
  }

  close(): void {
    // The decoder can only be freed once it has been made.
    void this.#decoder.ready.then(() => this.#decoder.free())
  }
}
