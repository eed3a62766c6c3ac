import { saturate } from '../saturate.ts'

/** A stretch of decoded audio. */
export interface DecodedAudio {
  /** Mono, shape (n); n may be 0. Belongs to the receiver. */
  readonly samples: Int16Array
  /** Samples per second; may change from one stretch to the next in a chained stream. */
  readonly sampleRate: number
}

/** Decodes an audio file as its bytes come. One for each file; not to be used after `close`. */
export interface FileDecoder {
  /**
   * Takes the next bytes, any number of them, and gives the audio they complete.
   *
   * @throws {AudioError} if the file cannot be read any further.
   */
  decode(chunk: Uint8Array): Promise<DecodedAudio>
  /** No more bytes will come: gives the rest. */
  flush(): Promise<DecodedAudio>
  /** Gives back native memory. Harmless to call twice. */
  close(): void
}

/** What the Wasm decoders of @wasm-audio-decoders give. */
interface FloatAudio {
  /** One array per channel, samples from -1 to 1. */
  readonly channelData: readonly Float32Array[]
  readonly samplesDecoded: number
  readonly sampleRate: number
}

/** The mean of all channels, in 16 bits. */
export function mixDown({ channelData, samplesDecoded, sampleRate }: FloatAudio): DecodedAudio {
  const samples = new Int16Array(samplesDecoded)
  const scale = 32_768 / Math.max(1, channelData.length)
  for (let i = 0; i < samplesDecoded; i += 1) {
    let sum = 0
    for (const channel of channelData) sum += channel[i]!
    samples[i] = saturate(Math.round(sum * scale))
  }
  return { samples, sampleRate }
}
