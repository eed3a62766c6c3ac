import type { Codec } from './codec.ts'
import { pcma, pcmu } from './g711.ts'
import { g722 } from './g722.ts'
import { createOpusCodec } from './opus.ts'
import { createPcmCodec } from './pcm.ts'

/** In order of preference for each name: the first is what a missing sample rate means. */
const CODECS: readonly Codec[] = [
  createPcmCodec(16_000),
  createPcmCodec(8000),
  createPcmCodec(24_000),
  createPcmCodec(48_000),
  pcmu,
  pcma,
  g722,
  createOpusCodec(48_000),
  createOpusCodec(24_000),
  createOpusCodec(16_000),
  createOpusCodec(8000),
]

/**
 * The codec called `name` (lower-case, as on the wire) at `sampleRate`, or at its usual rate when
 * none is given: 16,000 for `pcm` and `g722`, 8000 for `pcmu` and `pcma`, 48,000 for `opus`.
 * `undefined` when there is none of that name or it does not run at that rate.
 */
export function findCodec(name: string, sampleRate?: number): Codec | undefined {
  return CODECS.find(
    (codec) => codec.name === name && (sampleRate === undefined || codec.sampleRate === sampleRate),
  )
}
