import type { AudioFrame } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'

/** The echo gate works at telephone bandwidth whatever the leg's rate is. */
export const HISTORY_RATE = 8000
/** Samples of a frame of 20 ms at that rate; whole words of signs. */
export const BLOCK_SAMPLES = 160
/** Signs of 32 samples lie in one word. */
export const WORD_SAMPLES = 32
const SAMPLES_PER_MS = HISTORY_RATE / 1000
/** About a second: the longest delay, a frame and a window behind it. Powers of two. */
const RING_SAMPLES = 8192
const SAMPLE_MASK = RING_SAMPLES - 1
/** What comes after the end is silent so far: the other direction's clock may be ahead. */
const AHEAD_SAMPLES = 1920
export const WORD_MASK = RING_SAMPLES / WORD_SAMPLES - 1

/**
 * The last second of one direction at 8 kHz, on a timeline that both directions share: index 0 is
 * where the gate's clock was 0. Frames follow each other without gaps, so that a late packet or
 * timer moves nothing; only a stream that is further off the clock than `slackMs` is put where the
 * clock says, with silence in between.
 *
 * Beside the samples lie their signs, one bit each, taken from the difference to the sample
 * before: that weighs all frequencies of speech about alike, and makes correlation a matter of
 * XOR and counting bits.
 */
export class AudioHistory {
  readonly samples = new Int16Array(RING_SAMPLES)
  readonly signs = new Int32Array(RING_SAMPLES / WORD_SAMPLES)
  readonly #slackSamples: number
  #resampler: Resampler | undefined
  #end = 0
  #last = 0
  #power = 0

  constructor(slackMs: number) {
    this.#slackSamples = slackMs * SAMPLES_PER_MS
  }

  /** Index behind the last sample; a multiple of 32. */
  get end(): number {
    return this.#end
  }

  /** Mean square of the last block, of differences: what the signs were taken from. */
  get power(): number {
    return this.#power
  }

  /** Takes a frame that was sent or received at `nowMs`; `false` if it is not 20 ms long. */
  append(frame: AudioFrame, nowMs: number): boolean {
    const block = this.#atHistoryRate(frame)
    if (block.length !== BLOCK_SAMPLES) return false
    this.keepTime(nowMs)
    this.#write(block)
    this.#clear(this.#end + AHEAD_SAMPLES - BLOCK_SAMPLES, this.#end + AHEAD_SAMPLES)
    return true
  }

  /** Counts a frame that is not worth keeping. What was there a second ago lies there now. */
  skip(): void {
    this.#end += BLOCK_SAMPLES
  }

  /** Fills with silence when no frame has come for longer than `slackMs`. */
  keepTime(nowMs: number): void {
    const words = Math.round((nowMs * SAMPLES_PER_MS - BLOCK_SAMPLES) / WORD_SAMPLES)
    const start = Math.max(0, words) * WORD_SAMPLES
    if (Math.abs(start - this.#end) <= this.#slackSamples) return
    const from = Math.max(Math.min(this.#end, start), start - RING_SAMPLES / 2)
    this.#clear(from, start + AHEAD_SAMPLES)
    this.#end = start
    this.#last = 0
  }

  sampleAt(index: number): number {
    return this.samples[index & SAMPLE_MASK]!
  }

  #atHistoryRate({ samples, sampleRate }: AudioFrame): Int16Array {
    if (sampleRate === HISTORY_RATE) return samples
    if (this.#resampler?.fromRate !== sampleRate) {
      this.#resampler = new Resampler(sampleRate, HISTORY_RATE, { isLive: true })
    }
    return this.#resampler.resample(samples)
  }

  #clear(from: number, to: number): void {
    for (let i = from; i < to; i += WORD_SAMPLES) {
      const at = i & SAMPLE_MASK
      this.samples.fill(0, at, at + WORD_SAMPLES)
      this.signs[at / WORD_SAMPLES] = 0
    }
  }

  #write(block: Int16Array): void {
    const { samples, signs } = this
    let at = this.#end & SAMPLE_MASK
    let last = this.#last
    let energy = 0
    for (let i = 0; i < BLOCK_SAMPLES; i += WORD_SAMPLES) {
      let word = 0
      for (let bit = 0; bit < WORD_SAMPLES; bit += 1) {
        const sample = block[i + bit]!
        const difference = sample - last
        samples[at + bit] = sample
        energy += difference * difference
        word |= (difference >>> 31) << bit
        last = sample
      }
      signs[at / WORD_SAMPLES] = word
      at = (at + WORD_SAMPLES) & SAMPLE_MASK
    }
    this.#last = last
    this.#power = energy / BLOCK_SAMPLES
    this.#end += BLOCK_SAMPLES
  }
}
