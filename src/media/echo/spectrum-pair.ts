/** 32 ms at 8 kHz; bins are 31.25 Hz apart. */
export const SPECTRUM_SAMPLES = 256
const HALF = SPECTRUM_SAMPLES / 2
const WINDOW = Float64Array.from(
  { length: SPECTRUM_SAMPLES },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / SPECTRUM_SAMPLES),
)
const COSINE = Float64Array.from({ length: HALF }, (_, i) => Math.cos((Math.PI * i) / HALF))
const SINE = Float64Array.from({ length: HALF }, (_, i) => -Math.sin((Math.PI * i) / HALF))
const REVERSED = Uint8Array.from({ length: SPECTRUM_SAMPLES }, (_, i) => reverseByte(i))

/**
 * Power spectra of two windows of samples by one complex FFT: one goes in as its real part, the
 * other as its imaginary part, and symmetry tells them apart.
 */
export class SpectrumPair {
  readonly #real = new Float64Array(SPECTRUM_SAMPLES)
  readonly #imaginary = new Float64Array(SPECTRUM_SAMPLES)

  /** Takes sample `i` of both windows, 0 to 255. */
  set(i: number, first: number, second: number): void {
    const weight = WINDOW[i]!
    const at = REVERSED[i]!
    this.#real[at] = first * weight
    this.#imaginary[at] = second * weight
  }

  transform(): void {
    this.#firstStages()
    for (let half = 4; half < SPECTRUM_SAMPLES; half *= 2) this.#stage(half)
  }

  /** Power of the first window from bin `from` to before `to`. */
  firstPower(from: number, to: number): number {
    const real = this.#real
    const imaginary = this.#imaginary
    let power = 0
    for (let k = from; k < to; k += 1) {
      const a = real[k]! + real[SPECTRUM_SAMPLES - k]!
      const b = imaginary[k]! - imaginary[SPECTRUM_SAMPLES - k]!
      power += a * a + b * b
    }
    return power
  }

  /** The same of the second window. */
  secondPower(from: number, to: number): number {
    const real = this.#real
    const imaginary = this.#imaginary
    let power = 0
    for (let k = from; k < to; k += 1) {
      const a = imaginary[k]! + imaginary[SPECTRUM_SAMPLES - k]!
      const b = real[k]! - real[SPECTRUM_SAMPLES - k]!
      power += a * a + b * b
    }
    return power
  }

  /** Transforms of four samples, which need no multiplication. */
  #firstStages(): void {
    const real = this.#real
    const imaginary = this.#imaginary
    for (let i = 0; i < SPECTRUM_SAMPLES; i += 4) {
      const r0 = real[i]! + real[i + 1]!
      const r1 = real[i]! - real[i + 1]!
      const r2 = real[i + 2]! + real[i + 3]!
      const r3 = real[i + 2]! - real[i + 3]!
      const i0 = imaginary[i]! + imaginary[i + 1]!
      const i1 = imaginary[i]! - imaginary[i + 1]!
      const i2 = imaginary[i + 2]! + imaginary[i + 3]!
      const i3 = imaginary[i + 2]! - imaginary[i + 3]!
      real[i] = r0 + r2
      imaginary[i] = i0 + i2
      real[i + 1] = r1 + i3
      imaginary[i + 1] = i1 - r3
      real[i + 2] = r0 - r2
      imaginary[i + 2] = i0 - i2
      real[i + 3] = r1 - i3
      imaginary[i + 3] = i1 + r3
    }
  }

  /** Joins transforms of `half` samples in pairs. */
  #stage(half: number): void {
    const real = this.#real
    const imaginary = this.#imaginary
    const step = HALF / half
    for (let k = 0; k < half; k += 1) {
      const c = COSINE[k * step]!
      const s = SINE[k * step]!
      for (let i = k; i < SPECTRUM_SAMPLES; i += 2 * half) {
        const j = i + half
        const re = real[j]! * c - imaginary[j]! * s
        const im = real[j]! * s + imaginary[j]! * c
        real[j] = real[i]! - re
        imaginary[j] = imaginary[i]! - im
        real[i]! += re
        imaginary[i]! += im
      }
    }
  }
}

function reverseByte(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 8; bit += 1) reversed |= ((value >> bit) & 1) << (7 - bit)
  return reversed
}
