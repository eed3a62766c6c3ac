import { frameSamples } from '../frame.ts'
import { createOpusCodec } from './opus.ts'
import { OPUS_CLOCK_RATE } from './opus-packet.ts'

/** The first frames are slow, until the code has been compiled and optimized. */
const WARM_UP_FRAMES = 10

/**
 * Loads libopus and makes it work a little in this thread, which takes 30 ms and more. Otherwise all
 * calls wait for that when the first one with Opus comes.
 */
export function warmUpOpus(): void {
  const codec = createOpusCodec(OPUS_CLOCK_RATE)
  const encoder = codec.createEncoder()
  const decoder = codec.createDecoder()
  const payload = new Uint8Array(codec.maxFrameBytes)
  const samples = new Int16Array(frameSamples(OPUS_CLOCK_RATE))
  for (let frame = 0; frame < WARM_UP_FRAMES; frame += 1) {
    // Pulses that glide, somewhat like a voice: silence would leave most of the code out.
    for (let i = 0; i < samples.length; i += 1) samples[i] = 8000 * Math.sin(i / (9 + frame)) ** 9
    const bytes = encoder.encode(samples, payload)
    decoder.decode(payload.subarray(0, bytes), samples)
  }
  encoder.close()
  decoder.close()
}
