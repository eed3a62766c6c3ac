import type { AudioHistory } from './audio-history.ts'
import { SPECTRUM_SAMPLES, SpectrumPair } from './spectrum-pair.ts'

/** Edges of the bands in bins of 31.25 Hz: 250 to 3375 Hz, each as wide as the ear's. */
const EDGES = [8, 11, 14, 17, 20, 24, 28, 32, 37, 42, 48, 55, 63, 72, 82, 94, 108]
const BANDS = EDGES.length - 1
/** A room keeps this of the power for another 20 ms: -5 dB, 60 dB in 240 ms. */
const TAIL = 0.3
/** What a loudspeaker's distortion puts into bands that were empty: 26 dB below the whole. */
const SPREAD = 0.0025
/** An echo may be so much louder than it ought to be. */
const MARGIN_DB = 3
/** Noise is taken at its lowest; its frames reach so much higher. */
const NOISE_MARGIN_DB = 9
const MAX_EXCESS_DB = 12
/** Power of one bin below which nothing is heard; also keeps logarithms finite. */
const MIN_POWER = 1e5
const NOISE_RISE = 1.01
/** Bands that were sent more quietly than this teach nothing about the gain. */
const SENT_RANGE_DB = 25
/** How much of a difference the gain follows at once: up when it is surely echo or only likely, */
const RISE_SURE = 0.3
const RISE = 0.03
const MAX_RISE_DB = 1.5
/** and down, so slowly that nearly all echo stays below it. */
const FALL = 0.04
/** Before so many windows the noise is not known. */
const NOISE_WINDOWS = 25

/**
 * How loud the echo of what was sent may be, band by band, and by how much what is received
 * exceeds it.
 *
 *     dB       ▲ received           ┌─┐
 *              │        ┌─┐    ┌─┐  │░│ ◄─ excess
 *              │  ╌╌╌╌╌╌│ │╌╌╌╌│ │╌╌│▒│╌╌╌╌ max(sent * gain + margin, noise + margin)
 *              │   ┌─┐  │ │ ┌─┐│ │  │ │  ┌─┐
 *              └───┴─┴──┴─┴─┴─┴┴─┴──┴─┴──┴─┴──► bands
 *
 * `gain` is learnt per band while there is nothing but echo: it sits where nearly all frames stay
 * below it.
 */
export class EchoLevel {
  /** Mean over the bands of what exceeds, each band with 12 dB at most. */
  excessDb = 0
  /** What was sent is loud enough for an echo that rises above the noise. */
  isAudible = false
  readonly #pair = new SpectrumPair()
  readonly #sent = new Float64Array(BANDS)
  readonly #ratioDb = new Float64Array(BANDS)
  readonly #gainDb = new Float64Array(BANDS).fill(Number.NaN)
  readonly #noise = new Float64Array(BANDS).fill(Number.POSITIVE_INFINITY)
  readonly #sentPeakDb = new Float64Array(BANDS).fill(Number.NEGATIVE_INFINITY)
  #windows = 0
  readonly #isLoud = new Uint8Array(BANDS)

  /** Compares the last window of `received` with the one of `sent` that lies `lag` before it. */
  compare(sent: AudioHistory, received: AudioHistory, lag: number): void {
    this.#transform(sent, received, lag)
    let total = 0
    for (let b = 0; b < BANDS; b += 1) {
      const power = this.#pair.secondPower(EDGES[b]!, EDGES[b + 1]!)
      total += power
      this.#sent[b] = Math.max(power, this.#sent[b]! * TAIL)
    }
    let excess = 0
    this.#windows += 1
    this.isAudible = this.#windows <= NOISE_WINDOWS
    for (let b = 0; b < BANDS; b += 1) excess += this.#compareBand(b, total * SPREAD)
    this.excessDb = excess / BANDS
  }

  /** Learns from a window that is echo: quickly where it was louder than expected. */
  learn(isSure: boolean): void {
    const rise = isSure ? RISE_SURE : RISE
    for (let b = 0; b < BANDS; b += 1) {
      if (this.#isLoud[b] === 0) continue
      const ratio = this.#ratioDb[b]!
      const gain = this.#gainDb[b]!
      if (Number.isNaN(gain)) this.#gainDb[b] = ratio
      else
        this.#gainDb[b] =
          gain + Math.min(MAX_RISE_DB, (ratio > gain ? rise : FALL) * (ratio - gain))
    }
  }

  #transform(sent: AudioHistory, received: AudioHistory, lag: number): void {
    const pair = this.#pair
    const from = received.end - SPECTRUM_SAMPLES
    for (let i = 0; i < SPECTRUM_SAMPLES; i += 1) {
      pair.set(i, received.sampleAt(from + i), sent.sampleAt(from + i - lag))
    }
    pair.transform()
  }

  #compareBand(b: number, spread: number): number {
    const width = EDGES[b + 1]! - EDGES[b]!
    const power = this.#pair.firstPower(EDGES[b]!, EDGES[b + 1]!) + MIN_POWER * width
    const noise = Math.min(this.#noise[b]! * NOISE_RISE, power)
    this.#noise[b] = noise
    const receivedDb = 10 * Math.log10(power)
    const sentDb = 10 * Math.log10(Math.max(this.#sent[b]!, spread) + 1)
    const noiseDb = 10 * Math.log10(noise) + NOISE_MARGIN_DB
    this.#ratioDb[b] = receivedDb - sentDb
    const peakDb = Math.max(sentDb, this.#sentPeakDb[b]! - 0.05)
    this.#sentPeakDb[b] = peakDb
    this.#isLoud[b] = sentDb > peakDb - SENT_RANGE_DB ? 1 : 0
    const gainDb = this.#gainDb[b]!
    // Nothing is known yet: all of it may be echo.
    if (Number.isNaN(gainDb)) {
      this.isAudible = true
      return 0
    }
    const echoDb = sentDb + gainDb
    if (echoDb > noiseDb) this.isAudible = true
    const excess = receivedDb - Math.max(echoDb + MARGIN_DB, noiseDb)
    return Math.max(0, Math.min(MAX_EXCESS_DB, excess))
  }
}
