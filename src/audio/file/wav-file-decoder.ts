import { WavReader } from '../wav-reader.ts'
import type { DecodedAudio, FileDecoder } from './file-decoder.ts'

/** RIFF/WAVE, as `WavReader` reads it. */
export class WavFileDecoder implements FileDecoder {
  readonly #reader = new WavReader()

  async decode(chunk: Uint8Array): Promise<readonly DecodedAudio[]> {
    const samples = this.#reader.push(chunk).slice()
    const { format } = this.#reader
    return format === undefined || samples.length === 0
      ? []
      : [{ samples, sampleRate: format.sampleRate }]
  }

  async flush(): Promise<readonly DecodedAudio[]> {
    this.#reader.flush()
    return []
  }

  close(): void {}
}
