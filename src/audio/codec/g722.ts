import { PTIME_MS } from '../frame.ts'
import { saturate } from '../saturate.ts'
import type { Codec, Decoder, Encoder } from './codec.ts'
import { G722Band } from './g722-band.ts'
import { G722Filter } from './g722-filter.ts'
import {
  COARSE_LEVELS,
  HIGHER_LEVELS,
  HIGHER_STEPS,
  HIGHER_THRESHOLD,
  LOWER_LEVELS,
  LOWER_STEPS,
  LOWER_THRESHOLDS,
} from './g722-tables.ts'

const SAMPLE_RATE = 16_000

/**
 * G.722 at 64 kbit/s (ITU-T G.722, mode 1), bit-exact with FFmpeg's `g722` in both directions. Two
 * filters split the sound at 4 kHz; each half is ADPCM at 8000 values per second, so a pair of
 * samples is a byte:
 *
 *    7 6   5 4 3 2 1 0
 *   higher    lower
 *
 * Its RTP clock runs at 8000 although it carries 16,000 samples per second (RFC 3551 §4.5.2).
 */
export const g722: Codec = {
  name: 'g722',
  sampleRate: SAMPLE_RATE,
  clockRate: 8000,
  bytesPerMs: 8,
  maxFrameBytes: 8 * PTIME_MS,
  createEncoder: () => new G722Encoder(),
  createDecoder: () => new G722Decoder(),
}

/** Encodes whole pairs of samples; a last odd sample is left out. */
class G722Encoder implements Encoder {
  readonly sampleRate = SAMPLE_RATE
  readonly #filter = new G722Filter()
  readonly #lower = new G722Band(LOWER_STEPS)
  readonly #higher = new G722Band(HIGHER_STEPS)

  encode(samples: Int16Array, payload: Uint8Array): number {
    const filter = this.#filter
    const count = samples.length >> 1
    for (let i = 0; i < count; i += 1) {
      filter.push(samples[2 * i]!, samples[2 * i + 1]!)
      const lower = this.#encodeLower((filter.even + filter.odd) >> 14)
      const higher = this.#encodeHigher((filter.odd - filter.even) >> 14)
      payload[i] = (higher << 6) | lower
    }
    return count
  }

  close(): void {}

  #encodeLower(value: number): number {
    const band = this.#lower
    const code = lowerCode(saturate(value - band.prediction), band.step)
    band.adapt((band.step * COARSE_LEVELS[code >> 2]!) >> 15, code >> 2)
    return code
  }

  #encodeHigher(value: number): number {
    const band = this.#higher
    const difference = saturate(value - band.prediction)
    const isOuter = magnitude(difference) >= (HIGHER_THRESHOLD * band.step) >> 12
    const code = (difference < 0 ? 1 : 3) - (isOuter ? 1 : 0)
    band.adapt((band.step * HIGHER_LEVELS[code]!) >> 15, code)
    return code
  }
}

/** Decodes every byte to a pair of samples; no payload is invalid. */
class G722Decoder implements Decoder {
  readonly sampleRate = SAMPLE_RATE
  readonly #filter = new G722Filter()
  readonly #lower = new G722Band(LOWER_STEPS)
  readonly #higher = new G722Band(HIGHER_STEPS)

  decode(payload: Uint8Array, samples: Int16Array): number {
    const filter = this.#filter
    for (let i = 0; i < payload.length; i += 1) {
      const lower = this.#decodeLower(payload[i]! & 0x3f)
      const higher = this.#decodeHigher(payload[i]! >> 6)
      filter.push(lower + higher, lower - higher)
      samples[2 * i] = saturate(filter.odd >> 11)
      samples[2 * i + 1] = saturate(filter.even >> 11)
    }
    return payload.length * 2
  }

  close(): void {}

  #decodeLower(code: number): number {
    const band = this.#lower
    const value = clamp15(band.prediction + ((band.step * LOWER_LEVELS[code]!) >> 15))
    band.adapt((band.step * COARSE_LEVELS[code >> 2]!) >> 15, code >> 2)
    return value
  }

  #decodeHigher(code: number): number {
    const band = this.#higher
    const difference = (band.step * HIGHER_LEVELS[code]!) >> 15
    const value = clamp15(band.prediction + difference)
    band.adapt(difference, code)
    return value
  }
}

/** QUANTL: the 6-bit code of the interval that `difference` falls into, found by halving. */
function lowerCode(difference: number, step: number): number {
  const wanted = magnitude(difference)
  let low = 0
  let high = LOWER_THRESHOLDS.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (wanted >= (LOWER_THRESHOLDS[middle]! * step) >> 12) low = middle + 1
    else high = middle
  }
  if (difference >= 0) return 61 - low
  return low < 2 ? 63 - low : 33 - low
}

/** The specification takes the ones' complement, so that -1 counts as 0. */
function magnitude(difference: number): number {
  return difference < 0 ? -(difference + 1) : difference
}

function clamp15(value: number): number {
  return Math.max(-16_384, Math.min(16_383, value))
}
