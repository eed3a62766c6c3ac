import { LevelMeter } from './level-meter.ts'
import { NoiseFloor } from './noise-floor.ts'

/** Whatever the noise, nobody is understood who speaks more quietly. */
const MIN_VOICE_DB = -65
/**
 * A loud window lends its level to those that begin this long after it, for speech has short gaps;
 * a click that lends so much still stays below the usual 96 ms of voice.
 */
const HOLD_MS = 50

/** How far the sound of one stream rises out of its noise, window by window. */
export class RiseMeter {
  readonly #floor: NoiseFloor
  readonly #lastDb: Float64Array
  #meter: LevelMeter | undefined
  #window = 0

  constructor(windowMs: number) {
    this.#floor = new NoiseFloor(windowMs)
    this.#lastDb = new Float64Array(1 + Math.floor(HOLD_MS / windowMs)).fill(-Infinity)
  }

  /** What comes from here on has this rate. */
  start(sampleRate: number): void {
    this.#meter = new LevelMeter(sampleRate)
  }

  /** Takes `samples[from]` to before `samples[to]` into the window. */
  add(samples: Int16Array, from: number, to: number): void {
    this.#meter?.add(samples, from, to)
  }

  /** Ends the window and says how far it rises, in dB; -Infinity if it is too quiet for a voice. */
  takeDb(): number {
    const levelDb = this.#meter?.takeDb() ?? -Infinity
    this.#floor.update(levelDb)
    this.#lastDb[this.#window] = levelDb
    this.#window = (this.#window + 1) % this.#lastDb.length
    let heldDb = levelDb
    for (const lastDb of this.#lastDb) heldDb = Math.max(heldDb, lastDb)
    return heldDb < MIN_VOICE_DB ? -Infinity : heldDb - this.#floor.db
  }
}
