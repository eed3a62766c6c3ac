/** How fast the level may be believed to rise when nothing as quiet is heard any more. */
const RISE_DB_PER_SECOND = 3
/** What is louder than this much above the quietest is no background; as power. */
const NEAR = 4
/** Tones and music have no pauses; their own level must not become that of the noise. -50 dBFS. */
const MAX_RMS = 32_768 * 10 ** (-50 / 20)

/** Learns level and tilt of what is heard behind a voice: the quietest frames lately. */
export class Background {
  /** RMS in sample values; 0 before anything was heard. */
  rms = 0
  /** Correlation of neighbouring samples. */
  tilt = 0
  readonly #risePerSample: number
  #power: number | undefined

  constructor(sampleRate: number) {
    this.#risePerSample = (RISE_DB_PER_SECOND * Math.LN10) / 10 / sampleRate
  }

  /** Takes the first `count` of received samples. */
  observe(samples: Int16Array, count: number): void {
    if (count < 2) return
    let square = 0
    let product = 0
    let previous = 0
    for (let i = 0; i < count; i += 1) {
      const sample = samples[i]!
      square += sample * sample
      product += sample * previous
      previous = sample
    }
    const power = square / count
    const risen =
      this.#power === undefined ? power : this.#power * (1 + this.#risePerSample * count)
    // A line of digital silence must be able to leave it again.
    this.#power = Math.min(power, risen + 1e-3)
    this.rms = Math.min(MAX_RMS, Math.sqrt(this.#power))
    if (power <= NEAR * this.#power && square > 0) {
      this.tilt += (product / square - this.tilt) / 4
    }
  }
}
