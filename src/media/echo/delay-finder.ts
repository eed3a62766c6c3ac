import { type AudioHistory, BLOCK_SAMPLES, WORD_MASK, WORD_SAMPLES } from './audio-history.ts'

/** Network there and back, two jitter buffers, the phone and the room. */
const MIN_LAG = 320
const MAX_LAG = 4160
const PARTS = 6
const PART_LAGS = (MAX_LAG - MIN_LAG) / PARTS
const PART_BLOCKS = 10
const BLOCK_WORDS = BLOCK_SAMPLES / WORD_SAMPLES
/** What a block still counts after the next one; three to four blocks decide together. */
const MEMORY = 0.75

/**
 * How far what is received lies behind what was sent: the lag at which the signs of the two agree
 * best.
 *
 *   sent       ──┤▔▁▁▔▔▁▔▁▔▔▁▁▁▔├───────────────────────────
 *   received   ────────── lag ──────────┤▔▁▁▔▔▁▁▁▔▔▁▁▁▔├────   agreement 0.86 of 1
 *
 * Two voices that have nothing to do with each other agree somewhere too, the more so when both
 * hum: then they agree at many lags. So `score` weighs the agreement by how much it stands out:
 * agreement * agreement / RMS over all lags. Measured on speech, three blocks: echo 2 to 15,
 * another voice 0.5 to 1.5, rarely 2.
 */
export class DelayFinder {
  /** The best lag in samples of 8 kHz, */
  lag = 0
  /** the share of signs that agree there, -1 to 1 of the last blocks, sign taken off, */
  agreement = 0
  /** and how sure that is an echo. */
  score = 0
  readonly #sums = new Float32Array(MAX_LAG)
  readonly #shifted = new Int32Array(BLOCK_WORDS + 1)
  #partBlocks = 0
  #from = 0
  #to = 0
  #weight = 0
  #peak = 0
  #energy = 0

  /** Blocks heard since the search began anew, weighted: 1, 1.75, 2.31, … */
  get weight(): number {
    return this.#weight
  }

  /** Takes the last block of `received` and looks at all lags: some 40 µs. */
  searchAll(sent: AudioHistory, received: AudioHistory): void {
    this.#search(sent, received, MIN_LAG, MAX_LAG - 1)
  }

  /** Looks at one sixth of the lags for ten blocks, then at the next sixth. */
  searchPart(sent: AudioHistory, received: AudioHistory): void {
    const part = Math.floor(this.#partBlocks / PART_BLOCKS) % PARTS
    this.#partBlocks += 1
    const from = MIN_LAG + part * PART_LAGS
    this.#search(sent, received, from, from + PART_LAGS - 1)
  }

  /** The same for lags near `lag` only. */
  searchNear(lag: number, sent: AudioHistory, received: AudioHistory): void {
    // In whole steps, so that a lag that creeps does not begin the search anew each time.
    const centre = Math.round(lag / 64) * 64
    this.#search(sent, received, centre - 128, centre + 127)
  }

  /** Forgets what it has heard. */
  restart(): void {
    this.#weight = 0
    this.agreement = 0
    this.score = 0
  }

  /** The share of signs of the last block alone that agree at the best lag or next to it. */
  latestAgreement(at: number, sent: AudioHistory, received: AudioHistory): number {
    let best = 0
    for (let lag = at - 1; lag <= at + 1; lag += 1) {
      const shift = -lag & (WORD_SAMPLES - 1)
      this.#shift(received, shift)
      const agreement = this.#compare(
        sent,
        (received.end - BLOCK_SAMPLES - lag - shift) >> 5,
        shift,
      )
      best = Math.max(best, Math.abs(agreement))
    }
    return best / BLOCK_SAMPLES
  }

  #search(sent: AudioHistory, received: AudioHistory, wantedFrom: number, wantedTo: number): void {
    const from = Math.max(wantedFrom, MIN_LAG)
    const to = Math.min(wantedTo, MAX_LAG - 1)
    if (from !== this.#from || to !== this.#to) this.restart()
    this.#from = from
    this.#to = to
    this.#peak = 0
    this.#energy = 0
    const keep = this.#weight === 0 ? 0 : MEMORY
    this.#weight = this.#weight * MEMORY + 1
    for (let shift = 0; shift < WORD_SAMPLES; shift += 1) {
      this.#shift(received, shift)
      this.#searchShifted(sent, received.end - BLOCK_SAMPLES, shift, keep)
    }
    this.agreement = this.#peak / (this.#weight * BLOCK_SAMPLES)
    const rms = Math.sqrt(this.#energy / (to - from + 1))
    this.score = rms === 0 ? 0 : (this.agreement * this.#peak) / rms
  }

  /** All lags whose part of `sent` begins `shift` samples behind a word's first. */
  #searchShifted(sent: AudioHistory, start: number, shift: number, keep: number): void {
    const sums = this.#sums
    let peak = this.#peak
    let energy = 0
    const first = Math.ceil((this.#from + shift) / WORD_SAMPLES) * WORD_SAMPLES - shift
    for (let lag = first; lag <= this.#to; lag += WORD_SAMPLES) {
      const sum = sums[lag]! * keep + this.#compare(sent, (start - lag - shift) >> 5, shift)
      sums[lag] = sum
      energy += sum * sum
      const size = Math.abs(sum)
      if (size > peak) {
        peak = size
        this.lag = lag
      }
    }
    this.#peak = peak
    this.#energy += energy
  }

  /** The last block of `received`, moved `shift` bits up in six words. */
  #shift(received: AudioHistory, shift: number): void {
    const { signs } = received
    const word = (received.end - BLOCK_SAMPLES) >> 5
    let before = 0
    for (let j = 0; j < BLOCK_WORDS; j += 1) {
      const now = signs[(word + j) & WORD_MASK]!
      this.#shifted[j] = shift === 0 ? now : (now << shift) | (before >>> (WORD_SAMPLES - shift))
      before = now
    }
    this.#shifted[BLOCK_WORDS] = shift === 0 ? 0 : before >>> (WORD_SAMPLES - shift)
  }

  /** Agreeing signs less disagreeing ones, against six words of `sent` from `word` on. */
  #compare(sent: AudioHistory, word: number, shift: number): number {
    const { signs } = sent
    const shifted = this.#shifted
    const a = (signs[word & WORD_MASK]! ^ shifted[0]!) & (-1 << shift)
    const b = signs[(word + 1) & WORD_MASK]! ^ shifted[1]!
    const c = signs[(word + 2) & WORD_MASK]! ^ shifted[2]!
    const d = signs[(word + 3) & WORD_MASK]! ^ shifted[3]!
    const e = signs[(word + 4) & WORD_MASK]! ^ shifted[4]!
    const f = (signs[(word + 5) & WORD_MASK]! ^ shifted[5]!) & ~(-1 << shift)
    // `a` and `f` are parts of one word, so five are left to count. Full adders, bit by bit,
    // make three of them: ones, twos and fours.
    const ae = a | f
    const ab = ae ^ b
    const ones1 = ab ^ c
    const twos1 = (ae & b) | (ab & c)
    const de = ones1 ^ d
    const ones = de ^ e
    const twos2 = (ones1 & d) | (de & e)
    const differing = countBits(ones) + 2 * countBits(twos1 ^ twos2) + 4 * countBits(twos1 & twos2)
    return BLOCK_SAMPLES - 2 * differing
  }
}

function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
