/** The floor is the lowest level of the last one to two of these. */
const FLOOR_WINDOW_MS = 250
/** What is this far above the floor is speech: noise of a steady kind varies by less. */
const MARGIN_DB = 8
/** Quieter than this is silence, from which nothing is learned, not even the floor. */
const SILENCE_DB = -65
/** Speech goes on this long after its last loud part, */
const HANGOVER_MS = 300
/** and begins when loud parts, with gaps below so much, have come to as much as this. */
const MAX_ONSET_GAP_MS = 60
const MIN_SPEECH_MS = 100
/** For telling speech from noise only what is above this counts: rumble varies as speech does. */
const HIGH_PASS_HZ = 300
/** How much speech the level is an average of. */
const AVERAGE_MS = 1000

/**
 * Measures how loud somebody speaks, and says when. Speech is what stands out of the lowest level of
 * the last quarter to half a second, for it has gaps of that kind all the time; what keeps its level,
 * like noise, hum and tones, is none.
 */
export class SpeechLevel {
  #previousLowestDb = Number.POSITIVE_INFINITY
  #lowestDb = Number.POSITIVE_INFINITY
  #windowMs = 0
  /** How long it has been speech, and how long none. */
  #speechMs = 0
  #pauseMs = Number.POSITIVE_INFINITY
  #power = 0
  /** The last input and output of the high pass. */
  #input = 0
  #output = 0
  #averagedMs = 0

  /** Mean power of the loud parts of the last second of speech, in dBFS; undefined before any. */
  get levelDb(): number | undefined {
    return this.#averagedMs === 0 ? undefined : decibels(this.#power)
  }

  /** Whether somebody is speaking. */
  get isSpeech(): boolean {
    return this.#speechMs >= MIN_SPEECH_MS && this.#pauseMs < HANGOVER_MS
  }

  /** Takes the next piece of audio, best 10 to 20 ms: shape (n), n > 0. */
  push(samples: Int16Array, sampleRate: number): void {
    const durationMs = (samples.length * 1000) / sampleRate
    const levelDb = decibels(this.#highPassedPower(samples, sampleRate))
    if (levelDb > SILENCE_DB) this.#lower(levelDb, durationMs)
    const floorDb = Math.min(this.#lowestDb, this.#previousLowestDb)
    if (levelDb <= SILENCE_DB || levelDb < floorDb + MARGIN_DB) {
      this.#pauseMs += durationMs
      const maxGapMs = this.#speechMs < MIN_SPEECH_MS ? MAX_ONSET_GAP_MS : HANGOVER_MS
      if (this.#pauseMs >= maxGapMs) this.#speechMs = 0
      return
    }
    this.#pauseMs = 0
    this.#speechMs += durationMs
    if (this.isSpeech) this.#average(meanPower(samples), durationMs)
  }

  /** A plain average at first, so that the first half second counts for what it is. */
  #average(power: number, durationMs: number): void {
    this.#averagedMs = Math.min(this.#averagedMs + durationMs, AVERAGE_MS)
    this.#power += (power - this.#power) * Math.min(1, durationMs / this.#averagedMs)
  }

  #highPassedPower(samples: Int16Array, sampleRate: number): number {
    const keep = 1 / (1 + (2 * Math.PI * HIGH_PASS_HZ) / sampleRate)
    let input = this.#input
    let output = this.#output
    let sum = 0
    for (let i = 0; i < samples.length; i += 1) {
      const sample = samples[i]!
      output = keep * (output + sample - input)
      input = sample
      sum += output * output
    }
    this.#input = input
    this.#output = output
    return sum / samples.length
  }

  #lower(levelDb: number, durationMs: number): void {
    this.#lowestDb = Math.min(this.#lowestDb, levelDb)
    this.#windowMs += durationMs
    if (this.#windowMs < FLOOR_WINDOW_MS) return
    this.#previousLowestDb = this.#lowestDb
    this.#lowestDb = levelDb
    this.#windowMs = 0
  }
}

function meanPower(samples: Int16Array): number {
  let sum = 0
  for (let i = 0; i < samples.length; i += 1) sum += samples[i]! * samples[i]!
  return sum / samples.length
}

/** Of a power, in relation to that of a square wave of full scale. */
function decibels(power: number): number {
  return 10 * Math.log10(power / 32_768 ** 2 + 1e-12)
}
