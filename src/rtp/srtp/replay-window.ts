const SIZE = 128
const WORD_BITS = 32

/**
 * The packets of one SSRC that were taken (RFC 3711 §3.3.2): the newest, and which of the 127
 * before it. Also knows which index a sequence number means (§3.3.1), beyond its 16 bits.
 */
export class ReplayWindow {
  #newest = -1
  /** A bit for each index of the window, at its place modulo the size. */
  readonly #taken = new Uint32Array(SIZE / WORD_BITS)

  /** The index nearest to the newest that ends in these 16 bits; negative when there is none. */
  indexOf(sequenceNumber: number): number {
    if (this.#newest === -1) return sequenceNumber
    return this.#newest + (((sequenceNumber - this.#newest) << 16) >> 16)
  }

  /** Whether the packet of `index` may be new: not taken yet, and not too old to know. */
  admits(index: number): boolean {
    if (index > this.#newest) return true
    if (index < 0 || index <= this.#newest - SIZE) return false
    return (this.#taken[wordOf(index)]! & bitOf(index)) === 0
  }

  /** Notes that the packet of `index`, which is admitted, was taken. */
  take(index: number): void {
    const first = Math.max(this.#newest + 1, index - SIZE + 1)
    for (let passed = first; passed <= index; passed += 1) {
      this.#taken[wordOf(passed)]! &= ~bitOf(passed)
    }
    this.#newest = Math.max(this.#newest, index)
    this.#taken[wordOf(index)]! |= bitOf(index)
  }

  /** Forgets all. */
  clear(): void {
    this.#newest = -1
    this.#taken.fill(0)
  }
}

function wordOf(index: number): number {
  return (index % SIZE) >> 5
}

function bitOf(index: number): number {
  return 1 << (index % WORD_BITS)
}
