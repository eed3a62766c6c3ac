import { clauseBoundaryAt } from './clause-boundary.ts'

export interface ClauseSplitterOptions {
  /** The first clause ends at a comma or the like from this weight on. */
  readonly firstMinWeight?: number
  /** Later ones from this. */
  readonly minWeight?: number
  /** A clause that gets heavier is cut, at white space if there is some. */
  readonly maxWeight?: number
}

const SPEAKABLE = /[\p{L}\p{N}]/u
const WHITE_SPACE = /\s/
const HEAVY_SIGNS = new Set(Array.from('0123456789#$%&*+/<=>@^_|~\\', (sign) => sign.charCodeAt(0)))
const HEAVY_WEIGHT = 3
/** How much text behind a mark is waited for before the mark is passed over. */
const MAX_LOOKAHEAD = 64

/**
 * Cuts text that comes in pieces of any size into clauses that can be spoken one by one. Joined,
 * the clauses are the text, verbatim. The first one is allowed to be short, so that sound begins
 * soon; the others are long enough to be spoken with a tune.
 *
 * Weight stands for the time it takes to speak: 1 for a letter; 3 for a digit, a sign that is read
 * as a word, or a CJK character.
 */
export class ClauseSplitter {
  readonly #firstMinWeight: number
  readonly #minWeight: number
  readonly #maxWeight: number
  /** What has not been given out yet. */
  #text = ''
  /** Everything before this index has been looked at and weighs `#weight`. */
  #at = 0
  #weight = 0
  #isFirst = true

  constructor(options: ClauseSplitterOptions = {}) {
    this.#firstMinWeight = options.firstMinWeight ?? 10
    this.#minWeight = options.minWeight ?? 40
    this.#maxWeight = options.maxWeight ?? 200
  }

  /** Takes the next piece and gives the clauses it completes. */
  push(piece: string): string[] {
    this.#text += piece
    const clauses: string[] = []
    for (let end = this.#findEnd(); end !== undefined; end = this.#findEnd()) {
      clauses.push(this.#take(end))
    }
    return clauses
  }

  /** Gives what is left, if anything; the next clause is a first one again. */
  flush(): string | undefined {
    const rest = this.#text === '' ? undefined : this.#take(this.#text.length)
    this.#isFirst = true
    return rest
  }

  #take(end: number): string {
    const clause = this.#text.slice(0, end)
    this.#text = this.#text.slice(end)
    this.#at = 0
    this.#weight = 0
    this.#isFirst = false
    return clause
  }

  /** Where the next clause ends; `undefined` if more text is needed to say. */
  #findEnd(): number | undefined {
    while (this.#at < this.#text.length) {
      const boundary = clauseBoundaryAt(this.#text, this.#at)
      if (typeof boundary === 'object' && this.#suffices(boundary.kind)) return boundary.end
      const next = typeof boundary === 'object' ? boundary.end : this.#at + 1
      if (boundary !== undefined && this.#isOpen(boundary, next)) return undefined
      this.#advance(next)
      if (this.#weight > this.#maxWeight) return this.#cutPoint()
    }
    return undefined
  }

  /** Whether text to come may still turn the mark at `#at` into something stronger. */
  #isOpen(boundary: object | 'undecided', next: number): boolean {
    if (this.#text.length - this.#at > MAX_LOOKAHEAD) return false
    return boundary === 'undecided' || next === this.#text.length
  }

  #suffices(kind: 'sentence' | 'pause'): boolean {
    const minWeight = this.#isFirst ? this.#firstMinWeight : this.#minWeight
    if (kind === 'pause' && this.#weight < minWeight) return false
    return SPEAKABLE.test(this.#text.slice(0, this.#at))
  }

  #advance(to: number): void {
    while (this.#at < to && this.#weight <= this.#maxWeight) {
      this.#weight += weightOf(this.#text.charCodeAt(this.#at))
      this.#at += 1
    }
  }

  /** Behind the last white space that was looked at; without any, before the last character. */
  #cutPoint(): number {
    for (let i = this.#at - 1; i > 0; i -= 1) {
      if (WHITE_SPACE.test(this.#text[i - 1] ?? '')) return i
    }
    const last = this.#at - 1
    return isLowSurrogate(this.#text.charCodeAt(last)) ? last - 1 : last
  }
}

function weightOf(charCode: number): number {
  // From the CJK radicals to the half- and full-width forms, but for surrogates.
  const isWide =
    (charCode >= 0x2e80 && charCode < 0xd800) || (charCode >= 0xf900 && charCode < 0xfff0)
  return isWide || HEAVY_SIGNS.has(charCode) ? HEAVY_WEIGHT : 1
}

function isLowSurrogate(charCode: number): boolean {
  return charCode >= 0xdc00 && charCode < 0xe000
}
