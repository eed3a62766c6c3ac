import { MPEGDecoder } from 'mpg123-decoder'
import { type DecodedAudio, type FileDecoder, mixDown } from './file-decoder.ts'

/** MPEG audio layers 1 to 3, by libmpg123 in Wasm. Skips what is no frame. */
export class Mp3FileDecoder implements FileDecoder {
  readonly #decoder = new MPEGDecoder()
  #sampleRate = 0

  async decode(chunk: Uint8Array): Promise<DecodedAudio> {
    await this.#decoder.ready
    const audio = this.#decoder.decode(chunk)
    this.#sampleRate = audio.sampleRate || this.#sampleRate
    return mixDown({ ...audio, sampleRate: this.#sampleRate })
  }

  flush(): Promise<DecodedAudio> {
    return Promise.resolve({ samples: new Int16Array(0), sampleRate: this.#sampleRate })
  }

  close(): void {
    // The decoder can only be freed once it has been made.
    void this.#decoder.ready.then(() => this.#decoder.free())
  }
}
