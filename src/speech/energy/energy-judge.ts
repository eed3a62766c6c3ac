import type { VoiceJudge } from '../inline-detector.ts'
import { RiseMeter } from './rise-meter.ts'

const WINDOW_MS = 16
/** What rises so far out of the noise is as likely voice as not, */
const EVEN_DB = 7
/** and for each so many decibels more the odds grow by e. */
const SLOPE_DB = 1.5

/** Takes what is louder than the noise for voice. */
export class EnergyJudge implements VoiceJudge {
  readonly windowMs = WINDOW_MS
  readonly #meter = new RiseMeter(WINDOW_MS)

  rateFor(sampleRate: number): number {
    return sampleRate
  }

  start(sampleRate: number): void {
    this.#meter.start(sampleRate)
  }

  add(samples: Int16Array, from: number, to: number): void {
    this.#meter.add(samples, from, to)
  }

  judge(): number {
    return 1 / (1 + Math.exp((EVEN_DB - this.#meter.takeDb()) / SLOPE_DB))
  }

  close(): void {}
}
