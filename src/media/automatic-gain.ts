import type { AudioFrame } from '#audio/frame.ts'
import { SoftLimiter } from '#audio/soft-limiter.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from './processor.ts'
import { SpeechLevel } from './speech-level.ts'

const RISE_DB_PER_SECOND = 12
const FALL_DB_PER_SECOND = 40
/** Loud speech is turned down by no more than this. */
const MIN_GAIN_DB = -30
/** As near to the target as this the gain stands still. */
const TOLERANCE_DB = 1

export interface AutomaticGainOptions {
  /** What speech is brought to: mean power of its loud parts, in dBFS. */
  readonly targetDb?: number
  /** Quiet speech is raised by no more than this. */
  readonly maxGainDb?: number
}

/**
 * Brings speech of any loudness to one level. The gain moves, slowly, only while somebody speaks:
 * noise, hum and silence are not raised for their own sake. What would be too loud all of a sudden
 * is limited.
 */
export class AutomaticGain implements Processor {
  readonly #targetDb: number
  readonly #maxGainDb: number
  readonly #level = new SpeechLevel()
  #gainDb = 0
  #gain = 1
  #amplified = new Int32Array(0)
  readonly #frame = { samples: new Int16Array(0), sampleRate: 0, position: 0 }
  #limiter: SoftLimiter | undefined
  #sampleRate = 0

  constructor({ targetDb = -20, maxGainDb = 30 }: AutomaticGainOptions = {}) {
    this.#targetDb = targetDb
    this.#maxGainDb = maxGainDb
  }

  /** What audio is being raised by. */
  get gainDb(): number {
    return this.#gainDb
  }

  process({ samples, sampleRate, position }: AudioFrame, next: Sink<AudioFrame>): void {
    if (this.#limiter === undefined || sampleRate !== this.#sampleRate) {
      this.#limiter = new SoftLimiter(sampleRate)
      this.#sampleRate = sampleRate
    }
    if (this.#amplified.length !== samples.length) {
      this.#amplified = new Int32Array(samples.length)
      this.#frame.samples = new Int16Array(samples.length)
    }
    this.#follow(samples, sampleRate)
    this.#amplify(samples)
    const frame = this.#frame
    this.#limiter.limit(this.#amplified, frame.samples)
    frame.sampleRate = sampleRate
    frame.position = position
    next(frame)
  }

  close(): void {}

  toString(): string {
    return 'AutomaticGain'
  }

  #follow(samples: Int16Array, sampleRate: number): void {
    if (samples.length === 0) return
    const durationMs = (samples.length * 1000) / sampleRate
    this.#level.push(samples, sampleRate)
    const { levelDb, isSpeech } = this.#level
    if (!isSpeech || levelDb === undefined) return
    const wantedDb = Math.max(MIN_GAIN_DB, Math.min(this.#maxGainDb, this.#targetDb - levelDb))
    const missingDb = wantedDb - this.#gainDb
    if (Math.abs(missingDb) < TOLERANCE_DB) return
    const riseDb = (RISE_DB_PER_SECOND * durationMs) / 1000
    const fallDb = (FALL_DB_PER_SECOND * durationMs) / 1000
    this.#gainDb += Math.max(-fallDb, Math.min(riseDb, missingDb))
  }

  /** Moves evenly from the gain of the last frame to the new one. */
  #amplify(samples: Int16Array): void {
    const from = this.#gain
    const to = 10 ** (this.#gainDb / 20)
    const step = (to - from) / samples.length
    const amplified = this.#amplified
    for (let i = 0; i < samples.length; i += 1) {
      amplified[i] = Math.round(samples[i]! * (from + step * (i + 1)))
    }
    this.#gain = to
  }
}
