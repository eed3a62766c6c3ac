/** Below this a voice has nothing that hum, wind and a DC offset do not have more of. */
const HIGH_PASS_HZ = 200
/** Rates from twice this on are averaged down, so that levels mean the same at every rate. */
const BASE_RATE = 8000
const FULL_SCALE_POWER = 32_768 ** 2
/** The power of one bit on and off in a window of nothing is above this. */
const MIN_POWER = 1e-3

/**
 * The level of successive windows of one stream above 200 Hz, in dB below full scale (a full-scale
 * square wave is 0 dB). What is above about 4 kHz counts less and less.
 */
export class LevelMeter {
  /** So many samples are averaged to one. */
  readonly #stride: number
  readonly #pole: number
  /** The samples of the average that is being made. */
  #boxSum = 0
  #boxLength = 0
  /** Two high-pass filters of first order, one after the other. */
  #lastInput: number | undefined
  #lastMiddle = 0
  #lastOutput = 0
  #power = 0
  #count = 0

  constructor(sampleRate: number) {
    this.#stride = Math.max(1, Math.floor(sampleRate / BASE_RATE))
    this.#pole = Math.exp((-2 * Math.PI * HIGH_PASS_HZ * this.#stride) / sampleRate)
  }

  /** Takes `samples[from]` to before `samples[to]` into the window. */
  add(samples: Int16Array, from: number, to: number): void {
    const stride = this.#stride
    const pole = this.#pole
    let boxSum = this.#boxSum
    let boxLength = this.#boxLength
    // An offset that was there from the beginning is no jump.
    let lastInput = this.#lastInput ?? samples[from] ?? 0
    let middle = this.#lastMiddle
    let output = this.#lastOutput
    let power = 0
    let count = 0
    for (let i = from; i < to; i += 1) {
      boxSum += samples[i]!
      boxLength += 1
      if (boxLength < stride) continue
      const input = boxSum / stride
      const lastMiddle = middle
      middle = pole * (middle + input - lastInput)
      output = pole * (output + middle - lastMiddle)
      lastInput = input
      power += output * output
      count += 1
      boxSum = 0
      boxLength = 0
    }
    this.#boxSum = boxSum
    this.#boxLength = boxLength
    this.#lastInput = lastInput
    this.#lastMiddle = middle
    this.#lastOutput = output
    this.#power += power
    this.#count += count
  }

  /** Ends the window and says its level; digital silence is -120 dB. */
  takeDb(): number {
    const power = Math.max(this.#power / Math.max(1, this.#count), MIN_POWER)
    this.#power = 0
    this.#count = 0
    return 10 * Math.log10(power / FULL_SCALE_POWER)
  }
}
