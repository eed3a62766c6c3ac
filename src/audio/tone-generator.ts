import { saturate } from './saturate.ts'

export interface Tone {
  readonly frequencyHz: number
  /** 0 is a sine that just fills 16 bits. */
  readonly levelDb: number
}

/** Makes the sum of some sines, without a jump from one call to the next. */
export class ToneGenerator {
  readonly #sampleRate: number
  readonly #tones: readonly Tone[]
  #position = 0

  constructor(sampleRate: number, tones: readonly Tone[]) {
    this.#sampleRate = sampleRate
    this.#tones = tones
  }

  /** The next `durationMs`: new samples, shape (n), saturated. The first sample of all is 0. */
  generate(durationMs: number): Int16Array {
    const from = this.#position
    this.#position += Math.round((durationMs * this.#sampleRate) / 1000)
    return Int16Array.from({ length: this.#position - from }, (_, i) => this.#sampleAt(from + i))
  }

  #sampleAt(position: number): number {
    let sum = 0
    for (const { frequencyHz, levelDb } of this.#tones) {
      const amplitude = 32_767 * 10 ** (levelDb / 20)
      sum += amplitude * Math.sin((2 * Math.PI * frequencyHz * position) / this.#sampleRate)
    }
    return saturate(Math.round(sum))
  }
}
