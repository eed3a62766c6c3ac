/** Signs that flite would drop, and what to say for them. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  // Markdown lists, headings and quotes.
  [/^\s*[#>*+•-]+\s+/, ''],
  [/\n\s*[#>*+•-]+\s+/g, ', '],
  // Quotes, dashes and points as ASCII; flite makes a pause of a comma but not of a dash.
  [/[‘’‛′]/g, "'"],
  [/[“”„«»″]/g, '"'],
  [/\s+[-–]+\s+|\s*[—―]+\s*|\s*--+\s*/g, ', '],
  [/[‐‑–−]/g, '-'],
  [/…/g, '...'],
  // Markdown emphasis and code.
  [/[*_`]+(?=\S)|(?<=\S)[*_`]+/g, ' '],
  // Money, fractions, signs between numbers.
  [/£\s?(\d[\d.,]*\d|\d)/g, '$1 pounds '],
  [/€\s?(\d[\d.,]*\d|\d)/g, '$1 euros '],
  [/¥\s?(\d[\d.,]*\d|\d)/g, '$1 yen '],
  [/£/g, ' pounds '],
  [/€/g, ' euros '],
  [/½/g, ' one half '],
  [/¼/g, ' one quarter '],
  [/¾/g, ' three quarters '],
  [/°\s?([CF])\b/g, ' degrees $1 '],
  [/°/g, ' degrees '],
  [/×/g, ' times '],
  [/÷/g, ' divided by '],
  [/±/g, ' plus or minus '],
  [/&/g, ' and '],
  // Addresses: the scheme is noise, and points are read aloud.
  [/\bhttps?:\/\//gi, ' '],
  [/(?<=[\w-])\.(?=[a-z]{2,}(?![\w.]*\d))/g, ' dot '],
  [/\bno\.\s*(?=\d)/gi, 'number '],
]

/** Letters that do not fall apart into a base letter and marks. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'th',
  Ð: 'Th',
  þ: 'th',
  Þ: 'Th',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
}

const COMBINING_MARKS = /\p{M}+/gu
const NOT_ASCII = /[^\x20-\x7e]+/g
const LETTER_OR_DIGIT = /[A-Za-z0-9]/

/**
 * What flite is given to say `text`: printable ASCII, which is all it knows. Accents go, common
 * signs become words, and what is left of other scripts, emoji, control characters and line breaks
 * is skipped. Empty when nothing can be spoken.
 */
export function speakableText(text: string): string {
  let spoken = text
  for (const [pattern, words] of REPLACEMENTS) spoken = spoken.replace(pattern, words)
  spoken = spoken
    .normalize('NFKD')
    .replace(COMBINING_MARKS, '')
    .replace(NOT_ASCII, (signs) => Array.from(signs, (sign) => LETTERS[sign] ?? ' ').join(''))
    .replace(/\s+/g, ' ')
    .trim()
  return LETTER_OR_DIGIT.test(spoken) ? spoken : ''
}
