/** Where a clause may end, and how strongly. */
export interface ClauseBoundary {
  /** Index behind the marks, closing quotes or brackets, and white space that end the clause. */
  readonly end: number
  /** A sentence always ends a clause; a pause only where there is enough text before it. */
  readonly kind: 'sentence' | 'pause'
}

const CJK_MARKS = '。！？｡，、；：'
const MARKS = new Set(`.!?…,;:—–-\n${CJK_MARKS}`)
const RUN = /([.!?…,;:—–。！？｡，、；：-]*)(["'”’»)\]}」』）】》〉]*)(\s*)/y
const WHITE_SPACE = /\s/
const LOWER_CASE = /\p{Ll}/u
const DIGIT = /\d/

/** Words that keep their period; without it here, in lower case. */
const ABBREVIATIONS = new Set(
  (
    'dr mr mrs ms mx prof sr sra srta jr st ste mt ft gen col lt sgt capt cmdr rev hon pres gov ' +
    'sen rep messrs mme mlle vs etc inc ltd co corp dept univ assn bros ave blvd rd approx apt ' +
    'est cf al ca bzw usw tel'
  ).split(' '),
)
/** Words that keep their period before a number: "No. 5" but "No. I said". */
const BEFORE_NUMBER = new Set(
  'no nos nr fig figs vol p pp ch sec art ext jan feb mar apr jun jul aug sep sept oct nov dec'.split(
    ' ',
  ),
)
const WORD_BEFORE = /[\p{L}\p{N}][\p{L}\p{N}.]*$/u
const DOTTED_LETTERS = /^(?:\p{L}\.)+\p{L}$/u
const SINGLE_LETTER = /^\p{L}$/u
const LIST_NUMBER = /(?:^|\n)\s*\d{1,3}$/
/** As far back as the word before a period is looked at. */
const WORD_REACH = 24

/**
 * Looks whether `text`, which begins where a clause begins, may end one with the mark at index
 * `at`. Gives `undecided` where that depends on text that has not come yet.
 */
export function clauseBoundaryAt(
  text: string,
  at: number,
): ClauseBoundary | 'undecided' | undefined {
  if (!MARKS.has(text[at] ?? '')) return undefined
  RUN.lastIndex = at
  const [, marks = '', closers = '', space = ''] = RUN.exec(text) ?? []
  const spaceAt = at + marks.length + closers.length
  const end = spaceAt + space.length
  const kind = kindOfMarks(text, at, marks, { hasSpace: space !== '', end })
  if (kind === undefined && space === '' && end === text.length) return 'undecided'
  if (kind === 'undecided') return kind
  if (space.includes('\n') && isBreak(space, text[end])) return { end, kind: 'sentence' }
  if (kind === undefined && !space.includes('\n')) return undefined
  return { end, kind: kind ?? 'pause' }
}

function kindOfMarks(
  text: string,
  at: number,
  marks: string,
  { hasSpace, end }: { readonly hasSpace: boolean; readonly end: number },
): ClauseBoundary['kind'] | 'undecided' | undefined {
  // CJK marks stand in no number and no address, so they need no white space to be sure.
  if (/[。！？｡]/.test(marks)) return 'sentence'
  if (/[，、；：—]|……/.test(marks)) return 'pause'
  if (!hasSpace || marks === '') return undefined
  if (/[!?]/.test(marks)) return 'sentence'
  if (marks === '.') return kindOfPeriod(text, at, text[end])
  if (/^[–-]+$/.test(marks)) return isSpaceBefore(text, at) ? 'pause' : undefined
  return 'pause'
}

function kindOfPeriod(
  text: string,
  at: number,
  next: string | undefined,
): 'sentence' | 'undecided' | undefined {
  const before = text.slice(Math.max(0, at - WORD_REACH), at)
  const word = WORD_BEFORE.exec(before)?.[0] ?? ''
  if (ABBREVIATIONS.has(word.toLowerCase()) || DOTTED_LETTERS.test(word)) return undefined
  if (SINGLE_LETTER.test(word) && word !== 'I') return undefined
  if (before.length < WORD_REACH && LIST_NUMBER.test(before)) return undefined
  if (!BEFORE_NUMBER.has(word.toLowerCase())) return 'sentence'
  if (next === undefined) return 'undecided'
  return DIGIT.test(next) ? undefined : 'sentence'
}

/** An empty line, or a line that does not go on in lower case as wrapped text does. */
function isBreak(space: string, next: string | undefined): boolean {
  if (/\n\s*\n/.test(space)) return true
  return next !== undefined && !LOWER_CASE.test(next)
}

function isSpaceBefore(text: string, at: number): boolean {
  return at > 0 && WHITE_SPACE.test(text[at - 1] ?? '')
}
