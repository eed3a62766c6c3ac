import { PeriodFinder } from '../period-finder.ts'

const MIN_PERIOD_MS = 2.5
const MAX_PERIOD_MS = 15
const WINDOW_MS = 15
/** What repeats itself less well than this is no voice. */
const MIN_LIKENESS = 0.4
/** After so long one more of the last periods is repeated, up to three, lest it buzz. */
const PERIOD_ADDED_MS = 10
const MAX_PERIODS = 3
/** Share of a period over which two stretches are overlapped. */
const OVERLAP = 0.25
/** Room for the last three periods and the overlap before them. */
const HISTORY_MS = (MAX_PERIODS + OVERLAP) * MAX_PERIOD_MS

/**
 * Goes on with a sound that broke off, by repeating its last period or periods: in the spirit of
 * ITU-T G.711 Appendix I, but without its delay of 3.75 ms.
 *
 *   history  ··│ period │ period │ period ┊ repeated │ repeated │ …
 *                                   ╲____╱ ┊    ╲____╱ overlap: the end fades into what stood
 *                                          ┊           before the beginning of the stretch
 */
export class WaveformRepeater {
  readonly #finder: PeriodFinder
  readonly #span: { readonly window: number; readonly min: number; readonly max: number }
  readonly #history: Int16Array
  /** The history as it was when the sound broke off. */
  readonly #past: Int16Array
  readonly #samplesUntilAdded: number
  #period = 1
  #overlap = 1
  /** How many periods are repeated, where we are in them, and how long already. */
  #periods = 1
  #phase = 0
  #age = 0
  /** While one more period is faded in: how much is left, and where the old stretch is. */
  #fade = 0
  #oldPhase = 0
  /** The step at the break, and by how much less of it is left each sample. */
  #step = 0
  #stepSlope = 0

  constructor(sampleRate: number) {
    const samples = (ms: number): number => Math.round((ms * sampleRate) / 1000)
    this.#span = {
      window: samples(WINDOW_MS),
      min: samples(MIN_PERIOD_MS),
      max: samples(MAX_PERIOD_MS),
    }
    this.#history = new Int16Array(samples(HISTORY_MS) + 1)
    this.#past = new Int16Array(this.#history.length)
    this.#finder = new PeriodFinder(sampleRate, this.#history.length)
    this.#samplesUntilAdded = samples(PERIOD_ADDED_MS)
  }

  /** Remembers the first `count` of the samples that were heard. */
  remember(samples: Int16Array, count: number): void {
    const history = this.#history
    const kept = history.length - count
    if (kept > 0) history.copyWithin(0, count)
    for (let i = Math.max(0, kept), from = count - history.length + i; i < history.length; ) {
      history[i] = samples[from]!
      i += 1
      from += 1
    }
  }

  /** Begins to repeat what was heard last. */
  start(): void {
    const past = this.#past
    past.set(this.#history)
    this.#finder.find(past, past.length, this.#span)
    // A hiss that is repeated every few milliseconds would buzz.
    const isVoiced = this.#finder.likeness >= MIN_LIKENESS
    const period = isVoiced ? this.#finder.period : this.#span.max
    this.#period = period
    this.#overlap = Math.max(1, Math.round(period * OVERLAP))
    this.#periods = 1
    this.#phase = 0
    this.#age = 0
    this.#fade = 0
    this.#step = past[past.length - 1]! - past[past.length - 1 - period]!
    this.#stepSlope = this.#step / this.#overlap
  }

  /** The next sample, not faded and not rounded. */
  next(): number {
    let sample = this.#sampleAt(this.#periods, this.#phase)
    this.#phase = (this.#phase + 1) % (this.#periods * this.#period)
    if (this.#fade > 0) {
      const old = this.#sampleAt(this.#periods - 1, this.#oldPhase)
      this.#oldPhase = (this.#oldPhase + 1) % ((this.#periods - 1) * this.#period)
      sample += ((old - sample) * this.#fade) / (this.#overlap + 1)
      this.#fade -= 1
    }
    if (this.#age < this.#overlap) sample += this.#step - this.#stepSlope * this.#age
    this.#age += 1
    if (this.#age % this.#samplesUntilAdded === 0) this.#addPeriod()
    return sample
  }

  /** The old place in the stretch, one period further back in time. */
  #addPeriod(): void {
    if (this.#periods === MAX_PERIODS || this.#fade > 0) return
    this.#oldPhase = this.#phase
    this.#periods += 1
    this.#fade = this.#overlap
  }

  /** A stretch of so many periods, whose end fades into what stood before its beginning. */
  #sampleAt(periods: number, phase: number): number {
    const past = this.#past
    const stretch = periods * this.#period
    const at = past.length - stretch + phase
    const overlapped = phase - (stretch - this.#overlap)
    if (overlapped < 0) return past[at]!
    const share = (overlapped + 1) / (this.#overlap + 1)
    return past[at]! + (past[at - stretch]! - past[at]!) * share
  }
}
