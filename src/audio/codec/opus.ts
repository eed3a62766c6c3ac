import type { Codec } from './codec.ts'
import { OpusDecoder } from './opus-decoder.ts'
import { OpusEncoder, type OpusEncoderOptions } from './opus-encoder.ts'
import { OPUS_CLOCK_RATE } from './opus-packet.ts'

/** One frame of 20 ms and its table of contents (RFC 6716 §3.2.1). */
const MAX_FRAME_BYTES = 1276

/**
 * Opus, one channel (RFC 6716, RFC 7587), running inside at `sampleRate`: 8000, 16,000, 24,000 or
 * 48,000. A far end need not run at the same rate.
 */
export function createOpusCodec(
  sampleRate: number,
  options: Partial<Omit<OpusEncoderOptions, 'sampleRate' | 'channels'>> = {},
): Codec {
  return {
    name: 'opus',
    sampleRate,
    clockRate: OPUS_CLOCK_RATE,
    maxFrameBytes: MAX_FRAME_BYTES,
    createEncoder: () => new OpusEncoder({ ...options, sampleRate }),
    createDecoder: () => new OpusDecoder({ sampleRate }),
  }
}
