/** A quieter floor would make voice of the least bits of a codec. */
const MIN_DB = -65
/** Taken for the floor until something quieter has been heard. */
const INITIAL_DB = -40
/** Quieter than any line: a far end that sends nothing, which says nothing of its noise. */
const MUTE_DB = -85
/** The lowest of many levels lies about so much below what noise has on the average. */
const BIAS_DB = 1.5
/** Weight of a new level in the running average. */
const SMOOTHING = 0.2
const BLOCK_MS = 200
/** The floor is the lowest level of so many blocks: speech has a pause or a stop within them. */
const BLOCKS = 15
/** Sound that has kept to a range of this many decibels for this many blocks is no speech. */
const STEADY_DB = 6
const STEADY_BLOCKS = 5

/**
 * Follows the noise under the speech of one stream by its minimum, as R. Martin does with the
 * power spectrum ("Noise power spectral density estimation based on optimal smoothing and minimum
 * statistics", 2001): down at once, up after a second if it is steady, after three if it is not.
 */
export class NoiseFloor {
  readonly #blockWindows: number
  /** Rings of the lowest and highest level of each block. */
  readonly #lowest = new Float64Array(BLOCKS).fill(INITIAL_DB)
  readonly #highest = new Float64Array(BLOCKS).fill(INITIAL_DB)
  #block = 0
  #windows = 0
  #smoothDb = Number.NaN
  #blockLowestDb = Infinity
  #blockHighestDb = -Infinity
  #floorDb = INITIAL_DB

  constructor(windowMs: number) {
    this.#blockWindows = Math.round(BLOCK_MS / windowMs)
  }

  get db(): number {
    return Math.max(MIN_DB, Math.min(this.#floorDb, this.#blockLowestDb + BIAS_DB))
  }

  /** Takes the level of the next window. */
  update(levelDb: number): void {
    if (levelDb < MUTE_DB) return
    if (Number.isNaN(this.#smoothDb)) this.#smoothDb = levelDb
    this.#smoothDb += SMOOTHING * (levelDb - this.#smoothDb)
    this.#blockLowestDb = Math.min(this.#blockLowestDb, this.#smoothDb)
    this.#blockHighestDb = Math.max(this.#blockHighestDb, this.#smoothDb)
    this.#windows += 1
    if (this.#windows === this.#blockWindows) this.#endBlock()
  }

  #endBlock(): void {
    this.#lowest[this.#block] = this.#blockLowestDb
    this.#highest[this.#block] = this.#blockHighestDb
    this.#block = (this.#block + 1) % BLOCKS
    this.#windows = 0
    this.#blockLowestDb = Infinity
    this.#blockHighestDb = -Infinity
    let lowest = Infinity
    let highest = -Infinity
    for (let back = 1; back <= BLOCKS; back += 1) {
      const index = (this.#block - back + BLOCKS) % BLOCKS
      lowest = Math.min(lowest, this.#lowest[index]!)
      highest = Math.max(highest, this.#highest[index]!)
      if (back === STEADY_BLOCKS && highest - lowest < STEADY_DB) {
        // What was before the sound became so steady is no longer there.
        this.#lowest.fill(lowest)
        break
      }
    }
    this.#floorDb = lowest + BIAS_DB
  }
}
