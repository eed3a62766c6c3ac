import { WavReader } from '../wav-reader.ts'
import type { DecodedAudio, FileDecoder } from './file-decoder.ts'

/** RIFF/WAVE, as `WavReader` reads it. */
export class WavFileDecoder implements FileDecoder {
  readonly #reader = new WavReader()

  async decode(chunk: Uint8Array): Promise<DecodedAudio> {
    const samples = this.#reader.push(chunk).slice()
    return { samples, sampleRate: this.#reader.format?.sampleRate ?? 0 }
  }

  async flush(): Promise<DecodedAudio> {
    this.#reader.flush()
    return { samples: new Int16Array(0), sampleRate: this.#reader.format?.sampleRate ?? 0 }
  }

  close(): void {}
}
