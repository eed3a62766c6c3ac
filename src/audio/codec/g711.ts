import { PTIME_MS } from '../frame.ts'
import type { Codec, Decoder, Encoder } from './codec.ts'
import { A_LAW, type Companding, MU_LAW } from './companding.ts'

const SAMPLE_RATE = 8000

/** G.711 µ-law, 64 kbit/s (RFC 3551 §4.5.14). */
export const pcmu: Codec = createG711Codec('pcmu', MU_LAW)

/** G.711 A-law, 64 kbit/s (RFC 3551 §4.5.14). */
export const pcma: Codec = createG711Codec('pcma', A_LAW)

function createG711Codec(name: string, law: Companding): Codec {
  return {
    name,
    sampleRate: SAMPLE_RATE,
    clockRate: SAMPLE_RATE,
    bytesPerMs: 8,
    maxFrameBytes: 8 * PTIME_MS,
    createEncoder: () => createEncoder(law),
    createDecoder: () => createDecoder(law),
  }
}

function createEncoder({ shift, codes }: Companding): Encoder {
  const offset = (1 << (shift - 1)) + 0x8000
  return {
    sampleRate: SAMPLE_RATE,
    encode(samples, payload) {
      for (let i = 0; i < samples.length; i += 1) {
        payload[i] = codes[(samples[i]! + offset) >> shift]!
      }
      return samples.length
    },
    close() {},
  }
}

function createDecoder(law: Companding): Decoder {
  return {
    sampleRate: SAMPLE_RATE,
    decode(payload, samples) {
      for (let i = 0; i < payload.length; i += 1) {
        samples[i] = law.samples[payload[i]!]!
      }
      return payload.length
    },
    close() {},
  }
}
