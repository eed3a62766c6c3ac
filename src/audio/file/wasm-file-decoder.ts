import { AudioError } from '../audio-error.ts'
import { saturate } from '../saturate.ts'
import type { DecodedAudio, FileDecoder } from './file-decoder.ts'

/** What the Wasm decoders give. */
export interface WasmAudio {
  /** One array per channel, samples from -1 to 1. */
  readonly channelData: readonly Float32Array[]
  readonly sampleRate: number
  /** What all samples are to be multiplied by; 1 unless said. */
  readonly gain?: number
}

/** What the Wasm decoders have in common. */
export interface WasmDecoder {
  readonly ready: Promise<void>
  decode(bytes: Uint8Array): WasmAudio | Promise<WasmAudio>
  flush?(): Promise<WasmAudio>
  free(): void
}

/**
 * A file decoder on top of one that runs in Wasm. Data that is made to break decoders does break
 * them: they read outside of their memory, or hand back what they did not fill. They are believed
 * nothing, and one that has thrown is not asked again.
 */
export class WasmFileDecoder implements FileDecoder {
  readonly #format: string
  readonly #createDecoder: () => WasmDecoder
  #decoder: WasmDecoder | undefined
  #fault: AudioError | undefined

  /** `format` is for messages. The decoder is made when there is something to decode. */
  constructor(format: string, createDecoder: () => WasmDecoder) {
    this.#format = format
    this.#createDecoder = createDecoder
  }

  decode(chunk: Uint8Array): Promise<readonly DecodedAudio[]> {
    return this.#run((decoder) => decoder.decode(chunk))
  }

  flush(): Promise<readonly DecodedAudio[]> {
    if (this.#decoder === undefined) return Promise.resolve([])
    return this.#run((decoder) => decoder.flush?.())
  }

  close(): void {
    const decoder = this.#decoder
    this.#decoder = undefined
    try {
      decoder?.free()
    } catch {
      // Its memory is damaged, or it was never ready: either way it goes when nobody refers to it.
    }
  }

  async #run(
    act: (decoder: WasmDecoder) => WasmAudio | Promise<WasmAudio> | undefined,
  ): Promise<readonly DecodedAudio[]> {
    if (this.#fault !== undefined) throw this.#fault
    try {
      this.#decoder ??= this.#createDecoder()
      await this.#decoder.ready
      const audio = await act(this.#decoder)
      return audio === undefined ? [] : mixDown(audio)
    } catch (cause) {
      this.#fault =
        cause instanceof AudioError
          ? cause
          : new AudioError('bad_data', `${this.#format}: the data is broken`, { cause })
      throw this.#fault
    }
  }
}

/** The mean of all channels, in 16 bits. */
function mixDown({ channelData, sampleRate, gain = 1 }: WasmAudio): readonly DecodedAudio[] {
  const [first] = channelData
  if (first === undefined || first.length === 0) return []
  const samples = new Int16Array(first.length)
  const scale = (32_768 * gain) / channelData.length
  for (let i = 0; i < samples.length; i += 1) {
    let sum = 0
    // What is missing or is no number is stored as 0.
    for (const channel of channelData) sum += channel[i]!
    samples[i] = saturate(Math.round(sum * scale))
  }
  return [{ samples, sampleRate }]
}
