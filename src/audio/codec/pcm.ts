import { frameSamples } from '../frame.ts'
import type { Codec, Decoder, Encoder } from './codec.ts'

/**
 * Linear PCM: 16 bits, signed, little-endian, mono. One sample is two bytes wherever the payload
 * begins in its buffer, on any machine; a last odd byte of a payload is not decoded.
 */
export function createPcmCodec(sampleRate: number): Codec {
  return {
    name: 'pcm',
    sampleRate,
    clockRate: sampleRate,
    bytesPerMs: (sampleRate * 2) / 1000,
    maxFrameBytes: frameSamples(sampleRate) * 2,
    createEncoder: () => createEncoder(sampleRate),
    createDecoder: () => createDecoder(sampleRate),
  }
}

function createEncoder(sampleRate: number): Encoder {
  return {
    sampleRate,
    encode(samples, payload) {
      for (let i = 0; i < samples.length; i += 1) {
        const sample = samples[i]!
        payload[2 * i] = sample
        payload[2 * i + 1] = sample >> 8
      }
      return samples.length * 2
    },
    close() {},
  }
}

function createDecoder(sampleRate: number): Decoder {
  return {
    sampleRate,
    decode(payload, samples) {
      const count = payload.length >> 1
      for (let i = 0; i < count; i += 1) {
        samples[i] = payload[2 * i]! | (payload[2 * i + 1]! << 8)
      }
      return count
    },
    close() {},
  }
}
