import { QMF_TAPS } from './g722-tables.ts'

const HALF = 12

/**
 * The 24-tap quadrature mirror filter of ITU-T G.722 §3.1 and §4.4, which both splits the sound
 * into bands and joins them again. Values arrive in pairs; `even` and `odd` are the sums over the
 * first and the second values of the last twelve pairs.
 */
export class G722Filter {
  even = 0
  odd = 0
  // Each value is written twice, so that a window of twelve never wraps.
  readonly #first = new Int32Array(2 * HALF)
  readonly #second = new Int32Array(2 * HALF)
  #position = 0

  push(firstValue: number, secondValue: number): void {
    const first = this.#first
    const second = this.#second
    const at = this.#position
    first[at] = firstValue
    first[at + HALF] = firstValue
    second[at] = secondValue
    second[at + HALF] = secondValue
    const start = at === HALF - 1 ? 0 : at + 1
    this.#position = start
    let even = 0
    let odd = 0
    for (let i = 0; i < HALF; i += 1) {
      const tap = QMF_TAPS[i]!
      even += Math.imul(first[start + i]!, tap)
      odd += Math.imul(second[start + HALF - 1 - i]!, tap)
    }
    this.even = even
    this.odd = odd
  }
}
