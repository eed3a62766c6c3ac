import type { Sink } from '#core/sink.ts'
import { DTMF_COLUMNS_HZ, DTMF_KEYS, DTMF_ROWS_HZ } from './dtmf.ts'

/** Samples per second that the reader takes. */
export const DTMF_SAMPLE_RATE = 8_000
/** 12.75 ms: neighbouring rows then fall into the first zero of each other's window. */
const WINDOW = 102
/** Windows overlap by half. */
const HOP = WINDOW / 2
/** So many windows in a row must agree: 32 ms of tone. Q.24 wants 40 ms heard and 20 ms ignored. */
const HITS_TO_BEGIN = 4
/** So many without it end a key: 32 ms of pause. */
const MISSES_TO_END = 4
/** Each tone must be at least this strong, in dBFS of a full-scale sine. */
const MIN_LEVEL_DB = -42
/** Largest difference between the two tones (Q.24: 4 to 8 dB must be accepted). */
const MAX_TWIST = 10 ** 0.9
/** The best of a group must be this much stronger than the others of it. */
const MIN_LEAD = 10 ** 0.6
/** Share of the window's energy that the two tones must have: what speech never gives them. */
const MIN_PURITY = 0.74
/** Energy at twice a tone's frequency, as a share of the tone; speech has overtones, keys have none. */
const MAX_OVERTONE = 0.1

/** Q.24: 1.5 % off must be accepted, 3.5 % rejected; half of this is where we part them. */
const OFF_PITCH = 0.038
/** Tones nearer than this to each other are seen as one: a zero and a half of the window's spectrum. */
const RESOLUTION_HZ = (1.5 * DTMF_SAMPLE_RATE) / WINDOW

const FULL_SCALE = 32_768
/** Power of a sine at `MIN_LEVEL_DB`, in the units of `power`. */
const MIN_POWER = ((FULL_SCALE * 10 ** (MIN_LEVEL_DB / 20) * WINDOW) / 2) ** 2

/**
 * Reads DTMF keys from sound at 8 kHz (ITU-T Q.24): two pure tones, one of each group, about
 * equally loud, with hardly anything beside them, for long enough. Reports each press once, when it
 * has lasted 32 ms.
 */
export class DtmfReader {
  readonly #onKey: Sink<string>
  readonly #window = new Float32Array(WINDOW)
  #filled = 0
  readonly #rows = new Float64Array(4)
  readonly #columns = new Float64Array(4)
  #candidate = ''
  #hits = 0
  #pressed = ''
  #misses = 0

  constructor(onKey: Sink<string>) {
    this.#onKey = onKey
  }

  /** Takes mono samples at 8 kHz, any number of them. On the live path. */
  read(samples: Int16Array): void {
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(WINDOW - this.#filled, samples.length - at)
      // A view for `set` would be one more object per window and call.
      for (let i = 0; i < count; i += 1) this.#window[this.#filled + i] = samples[at + i]!
      this.#filled += count
      at += count
      if (this.#filled < WINDOW) return
      this.#judge(this.#findKey())
      this.#window.copyWithin(0, HOP)
      this.#filled = WINDOW - HOP
    }
  }

  #judge(key: string): void {
    this.#hits = key === this.#candidate ? this.#hits + 1 : 1
    this.#candidate = key
    if (key === this.#pressed) this.#misses = 0
    else this.#misses += 1
    if (this.#pressed !== '' && this.#misses >= MISSES_TO_END) this.#pressed = ''
    if (key === '' || key === this.#pressed || this.#hits < HITS_TO_BEGIN) return
    this.#pressed = key
    this.#misses = 0
    this.#onKey(key)
  }

  /** The key whose tones fill the window; empty when there is none. */
  #findKey(): string {
    const energy = this.#energy()
    // A sine of power P has energy 2P/N in a window of N samples.
    if (energy * WINDOW < 4 * MIN_POWER) return ''
    const row = this.#loudest(DTMF_ROWS_HZ, this.#rows)
    const column = this.#loudest(DTMF_COLUMNS_HZ, this.#columns)
    if (row === -1 || column === -1) return ''
    const low = this.#rows[row]!
    const high = this.#columns[column]!
    if (low > high * MAX_TWIST || high > low * MAX_TWIST) return ''
    if ((2 * (low + high)) / WINDOW < MIN_PURITY * energy) return ''
    const [lowHz, highHz] = [DTMF_ROWS_HZ[row]!, DTMF_COLUMNS_HZ[column]!]
    if (!this.#isOnPitch(lowHz, low) || !this.#isOnPitch(highHz, high)) return ''
    if (this.#hasOvertone(lowHz, low, highHz) || this.#hasOvertone(highHz, high, 0)) return ''
    return DTMF_KEYS[row]![column]!
  }

  /** Fills `powers` and gives the index of the one that stands out; -1 when none does. */
  #loudest(frequencies: readonly number[], powers: Float64Array): number {
    let best = 0
    for (let i = 0; i < frequencies.length; i += 1) {
      powers[i] = this.#power(frequencies[i]!)
      if (powers[i]! > powers[best]!) best = i
    }
    if (powers[best]! < MIN_POWER) return -1
    for (let i = 0; i < powers.length; i += 1) {
      if (i !== best && powers[i]! * MIN_LEAD > powers[best]!) return -1
    }
    return best
  }

  /** Whether the tone is nearer to its frequency than to a pitch that is no key's any more. */
  #isOnPitch(frequencyHz: number, power: number): boolean {
    const above = this.#power(frequencyHz * (1 + OFF_PITCH))
    const below = this.#power(frequencyHz * (1 - OFF_PITCH))
    return power >= above && power >= below
  }

  /** Whether there is energy at twice the tone, unless `otherHz`, the other tone, is too near. */
  #hasOvertone(frequencyHz: number, power: number, otherHz: number): boolean {
    const overtoneHz = 2 * frequencyHz
    if (Math.abs(overtoneHz - otherHz) < RESOLUTION_HZ) return false
    return this.#power(overtoneHz) > MAX_OVERTONE * power
  }

  #energy(): number {
    const window = this.#window
    let sum = 0
    for (let i = 0; i < WINDOW; i += 1) sum += window[i]! * window[i]!
    return sum
  }

  /** Squared magnitude of the window at one frequency (Goertzel). */
  #power(frequencyHz: number): number {
    const window = this.#window
    const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / DTMF_SAMPLE_RATE)
    let last = 0
    let before = 0
    for (let i = 0; i < WINDOW; i += 1) {
      const next = window[i]! + coefficient * last - before
      before = last
      last = next
    }
    return last * last + before * before - coefficient * last * before
  }
}
