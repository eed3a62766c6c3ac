// The numbers of ITU-T G.722, under its names for them. A "step" is the scale factor of
// an adaptive quantiser; levels are in units of step / 32768, thresholds in units of step / 4096.

/** Half of the 24 taps of the splitting filter: those of even index, oldest first (H of §3.1). */
export const QMF_TAPS = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11)

/** Where the 30 intervals of the 6-bit quantiser begin, after the first at 0 (Q6). */
export const LOWER_THRESHOLDS = Int32Array.of(
  ...[35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023],
  ...[1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919],
)

/** Where the outer interval of the 2-bit quantiser begins (Q2). */
export const HIGHER_THRESHOLD = 564

/** Magnitudes of the 30 levels of the 6-bit quantiser, outermost first (QQ6). */
const LOWER_MAGNITUDES: readonly number[] = [
  ...[24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576],
  ...[6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136],
]

/** Magnitudes of the 4-bit quantiser, outermost first (QQ4). */
const COARSE_MAGNITUDES: readonly number[] = [20456, 12896, 8968, 6288, 4240, 2584, 1200]

/**
 * Level by 6-bit code, shape (64). Positive codes count 32…61 inwards; negative ones 4…31 inwards
 * and then 62, 63; the codes 0…3 are never sent and mean the innermost negative level.
 */
export const LOWER_LEVELS = Int32Array.from({ length: 64 }, (_, code) => {
  if (code < 4) return -136
  if (code < 32) return -(LOWER_MAGNITUDES[code - 4] ?? 0)
  if (code < 62) return LOWER_MAGNITUDES[code - 32] ?? 0
  return -(LOWER_MAGNITUDES[code - 34] ?? 0)
})

/** Level by the upper 4 bits of the lower code, shape (16): what the predictor adapts to. */
export const COARSE_LEVELS = Int32Array.from({ length: 16 }, (_, code) =>
  code < 8 ? -(COARSE_MAGNITUDES[code - 1] ?? 0) : (COARSE_MAGNITUDES[code - 8] ?? 0),
)

/** Level by 2-bit code, shape (4) (QQ2). */
export const HIGHER_LEVELS = Int32Array.of(-7408, -1616, 7408, 1616)

/** How the logarithm of a band's step moves, and the step it stands for. */
export interface StepTable {
  /** Added to the logarithm, by the code that was sent. */
  readonly changes: Int32Array
  readonly maxLog: number
  /** Step by logarithm / 64. */
  readonly steps: Int32Array
}

/** By the upper 4 bits of the lower code (WL and RL42). */
export const LOWER_STEPS: StepTable = createStepTable(
  [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60],
  18_432,
  8,
)

/** By the 2-bit code (WH and RH2). */
export const HIGHER_STEPS: StepTable = createStepTable([798, -214, 798, -214], 22_528, 10)

/** §3.5, SCALEL and SCALEH with ILB: four times a power of two in 32 rounded steps per octave. */
function createStepTable(changes: readonly number[], maxLog: number, octaves: number): StepTable {
  return {
    changes: Int32Array.from(changes),
    maxLog,
    steps: Int32Array.from({ length: (maxLog >> 6) + 1 }, (_, log) => {
      const mantissa = Math.round(2048 * 2 ** ((log & 31) / 32))
      return Math.floor(mantissa * 2 ** ((log >> 5) - octaves)) * 4
    }),
  }
}
