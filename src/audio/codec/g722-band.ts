import { saturate } from '../saturate.ts'
import type { StepTable } from './g722-tables.ts'

const ZEROS = 6

/**
 * The adaptive half of one G.722 band: a predictor with two poles and six zeros, and the step of
 * its quantiser. Encoder and decoder run the same one on the same codes, so they never drift.
 * The arithmetic is the integer arithmetic of ITU-T G.722 §3.6; block names in comments are its.
 */
export class G722Band {
  readonly #table: StepTable
  /** What the next value should be, 16 bits. */
  prediction = 0
  /** Scale factor of the quantiser. */
  step: number
  #logStep = 0
  /** Part of `prediction` that the zeros make. */
  #fromZeros = 0
  #pole1 = 0
  #pole2 = 0
  readonly #zeros = new Int32Array(ZEROS)
  /** The last quantised differences, doubled, newest first. */
  readonly #differences = new Int32Array(ZEROS)
  /** The last reconstructed value, doubled. */
  #lastValue = 0
  /** Signs of the two values before: -1 or 0. */
  #sign = 0
  #signBefore = 0

  constructor(table: StepTable) {
    this.#table = table
    this.step = table.steps[0]!
  }

  /** Takes in the quantised `difference` from `prediction` and the `code` that stood for it. */
  adapt(difference: number, code: number): void {
    this.#adaptStep(code)
    this.#adaptPoles((this.#fromZeros + difference) >> 31)
    this.#adaptZeros(difference)
    const value = saturate((this.prediction + difference) * 2)
    // FILTEP and PREDIC: the new prediction from both recursive parts.
    const fromPoles = ((this.#pole1 * value) >> 15) + ((this.#pole2 * this.#lastValue) >> 15)
    this.#lastValue = value
    this.prediction = saturate(this.#fromZeros + fromPoles)
  }

  /** LOGSCL and SCALEL, or LOGSCH and SCALEH. */
  #adaptStep(code: number): void {
    const { changes, maxLog, steps } = this.#table
    this.#logStep = clamp(((this.#logStep * 127) >> 7) + changes[code]!, 0, maxLog)
    this.step = steps[this.#logStep >> 6]!
  }

  /** UPPOL2, then UPPOL1, which the new second pole keeps stable. */
  #adaptPoles(sign: number): void {
    // 1 where the signs are alike and -1 where they differ, which no branch could foresee.
    const like1 = 1 + 2 * (sign ^ this.#sign)
    const like2 = 128 + 256 * (sign ^ this.#signBefore)
    const slope = (-like1 * clamp(this.#pole1, -8191, 8191)) >> 5
    this.#pole2 = clamp(slope + like2 + ((this.#pole2 * 127) >> 7), -12_288, 12_288)
    const limit = 15_360 - this.#pole2
    this.#pole1 = clamp(192 * like1 + ((this.#pole1 * 255) >> 8), -limit, limit)
    this.#signBefore = this.#sign
    this.#sign = sign
  }

  /** UPZERO, DELAYA and FILTEZ in one pass, from the oldest difference to the newest. */
  #adaptZeros(difference: number): void {
    const zeros = this.#zeros
    const differences = this.#differences
    const move = difference === 0 ? 0 : 128
    let sum = 0
    for (let i = ZEROS - 1; i >= 0; i -= 1) {
      // All ones when the signs differ, which turns `move` around.
      const isOpposite = (differences[i]! ^ difference) >> 31
      const zero = ((zeros[i]! * 255) >> 8) + ((move ^ isOpposite) - isOpposite)
      const delayed = i === 0 ? difference * 2 : differences[i - 1]!
      zeros[i] = zero
      differences[i] = delayed
      sum += (zero * delayed) >> 15
    }
    this.#fromZeros = saturate(sum)
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value))
}
