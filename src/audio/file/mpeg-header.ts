/** Bytes of a frame header. */
export const MPEG_HEADER_BYTES = 4

/** The header of one MPEG audio frame. */
export interface MpegHeader {
  readonly frameBytes: number
  /** What stays the same from frame to frame: sync, version, layer and sample rate. */
  readonly kind: number
}

// ISO 11172-3 §2.4.2.3 and 13818-3 §2.4.2.3; "LSF" are the low sampling frequencies of MPEG-2.
const SAMPLE_RATES = [44_100, 48_000, 32_000]
const KBITS_LAYER_I = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448]
const KBITS_LAYER_II = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
const KBITS_LAYER_III = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const KBITS_LSF_I = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
const KBITS_LSF_II_III = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const KIND_MASK = 0xfffe0c00

/**
 * Reads the frame header at `offset`; undefined where there is none, or one of free format (no bit
 * rate), whose length it does not tell.
 *
 *   11111111 111vvllp bbbbssx. ........   version, layer, protection, bit rate, sample rate, padding
 */
export function parseMpegHeader(bytes: Uint8Array, offset: number): MpegHeader | undefined {
  const [first, second, third] = [bytes[offset], bytes[offset + 1], bytes[offset + 2]]
  if (first !== 0xff || second === undefined || third === undefined) return undefined
  if ((second & 0xe0) !== 0xe0) return undefined
  const version = (second >> 3) & 3
  const layer = 4 - ((second >> 1) & 3)
  const baseRate = SAMPLE_RATES[(third >> 2) & 3]
  const kbits = bitRates(version, layer)?.[third >> 4]
  if (baseRate === undefined || !kbits) return undefined
  const isLsf = version !== 3
  const sampleRate = version === 3 ? baseRate : version === 2 ? baseRate / 2 : baseRate / 4
  const padding = (third >> 1) & 1
  const word = (first << 24) | (second << 16) | (third << 8)
  return {
    frameBytes: frameBytes({ layer, isLsf, bitsPerSecond: kbits * 1000, sampleRate, padding }),
    kind: (word & KIND_MASK) >>> 0,
  }
}

function bitRates(version: number, layer: number): readonly number[] | undefined {
  if (version === 1 || layer === 4) return undefined
  if (version === 3) return [KBITS_LAYER_I, KBITS_LAYER_II, KBITS_LAYER_III][layer - 1]
  return layer === 1 ? KBITS_LSF_I : KBITS_LSF_II_III
}

interface FrameShape {
  readonly layer: number
  readonly isLsf: boolean
  readonly bitsPerSecond: number
  readonly sampleRate: number
  readonly padding: number
}

function frameBytes({ layer, isLsf, bitsPerSecond, sampleRate, padding }: FrameShape): number {
  if (layer === 1) return 4 * (Math.floor((12 * bitsPerSecond) / sampleRate) + padding)
  const samplesPerByte = layer === 3 && isLsf ? 72 : 144
  return Math.floor((samplesPerByte * bitsPerSecond) / sampleRate) + padding
}
