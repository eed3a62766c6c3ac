/** Steps between two uniform random values are as strong as a Gaussian of 1 when scaled so. */
const UNIFORM_TO_RMS = Math.sqrt(3) / 2 ** 31
/** So steep a tilt is no noise any more. */
const MAX_TILT = 0.95
/** RMS of 0 dBov (RFC 3389 §3: a square wave that just fills 16 bits). */
const OVERLOAD_RMS = 32_768
/** An index of no reflection coefficient (RFC 3389 §3.2). */
const RESERVED = 255
/** Generators that begin this far apart have nothing in common. */
const SEED_STEP = 0x9e3779b9

/**
 * Makes noise of a level and a tilt: white noise through one pole. Says nothing about itself, but
 * tells the listener that the line is alive. Each instance has a noise of its own.
 */
export class ComfortNoise {
  static #seed = 0x2545f491
  #rms = 0
  #tilt = 0
  #last = 0
  #random: number

  constructor() {
    ComfortNoise.#seed = (ComfortNoise.#seed + SEED_STEP) | 0
    // Zero would stay zero.
    this.#random = ComfortNoise.#seed || 1
  }

  /**
   * `rms` in sample values. `tilt` is the correlation of neighbouring samples: 0 is white, towards
   * 1 it rumbles, below 0 it hisses.
   */
  set(rms: number, tilt: number): void {
    this.#rms = rms
    this.#tilt = Math.max(-MAX_TILT, Math.min(MAX_TILT, tilt))
  }

  /**
   * Takes level and first reflection coefficient from the payload of a comfort noise packet
   * (RFC 3389 §3); the finer shape that it may describe is left out. An empty payload is ignored.
   */
  read(payload: Uint8Array): void {
    const level = payload[0]
    if (level === undefined) return
    const coefficient = payload[1] ?? RESERVED
    // RFC 3389 §3.2: 127 is 0. The first reflection coefficient is the negative correlation.
    const tilt = coefficient === RESERVED ? 0 : ((127 - coefficient) * 258) / 32_768
    this.set(OVERLOAD_RMS * 10 ** (-(level & 0x7f) / 20), tilt)
  }

  /** The next sample, not yet rounded. */
  next(): number {
    // xorshift32: cheap, and long enough that no one hears it repeat.
    let random = this.#random
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    this.#random = random
    const tilt = this.#tilt
    const white = random * UNIFORM_TO_RMS * this.#rms
    this.#last = tilt * this.#last + Math.sqrt(1 - tilt * tilt) * white
    return this.#last
  }
}
