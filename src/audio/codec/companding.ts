/** Both directions of one G.711 law, as tables. */
export interface Companding {
  /** How many low bits of a 16-bit sample the law does not see. */
  readonly shift: number
  /** Codes, shape (n), by `((sample + half a step) >> shift) + (codes.length >> 1)`. */
  readonly codes: Uint8Array
  /** 16-bit samples, shape (256), by code. */
  readonly samples: Int16Array
}

/**
 * The laws of ITU-T G.711 §3. A 16-bit sample is first rounded to the 14 bits of the µ-law or the
 * 13 bits of the A-law, as SoX does; every code equals SoX's.
 *
 * Deviates from ITU-T G.191: its reference software cuts the low bits off instead of rounding
 * them, so for 510 (µ-law) and 1020 (A-law) of the 65,536 samples it gives the neighbouring code.
 */
export const MU_LAW: Companding = createCompanding(2, encodeMuLaw, decodeMuLaw)
export const A_LAW: Companding = createCompanding(3, encodeALaw, decodeALaw)

function createCompanding(
  shift: number,
  encode: (value: number) => number,
  decode: (code: number) => number,
): Companding {
  const half = 0x8000 >> shift
  return {
    shift,
    // Rounding up takes the largest samples one step past the range, which saturates.
    codes: Uint8Array.from({ length: 2 * half + 1 }, (_, i) =>
      encode(Math.min(i - half, half - 1)),
    ),
    samples: Int16Array.from({ length: 256 }, (_, code) => decode(code)),
  }
}

// A code is a sign bit, three bits of segment and four bits of position in the segment. All bits
// of the µ-law and every other bit of the A-law travel inverted.
//
//    7   6 5 4   3 2 1 0
//   sign segment position

/** `value` has 14 bits. Segments begin at 33 << segment, once the magnitude is raised by 33. */
function encodeMuLaw(value: number): number {
  const magnitude = Math.min(Math.abs(value), 8158) + 33
  const segment = floorLog2(magnitude) - 5
  const position = (magnitude >> (segment + 1)) & 0x0f
  return ((segment << 4) | position) ^ (value < 0 ? 0x7f : 0xff)
}

function decodeMuLaw(code: number): number {
  const bits = code ^ 0xff
  const magnitude = (((bits & 0x0f) * 8 + 132) << ((bits >> 4) & 0x07)) - 132
  return bits & 0x80 ? -magnitude : magnitude
}

/** `value` has 13 bits. The first two segments share one step size. */
function encodeALaw(value: number): number {
  const magnitude = value < 0 ? -value - 1 : value
  const segment = Math.max(0, floorLog2(magnitude) - 4)
  const position = (magnitude >> Math.max(1, segment)) & 0x0f
  return ((segment << 4) | position) ^ (value < 0 ? 0x55 : 0xd5)
}

function decodeALaw(code: number): number {
  const bits = code ^ 0x55
  const segment = (bits >> 4) & 0x07
  const inSegment = (bits & 0x0f) * 16 + 8
  const magnitude = segment === 0 ? inSegment : (inSegment + 256) << (segment - 1)
  return bits & 0x80 ? magnitude : -magnitude
}

function floorLog2(value: number): number {
  return 31 - Math.clz32(value)
}
