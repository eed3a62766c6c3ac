import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ClauseSplitter } from '#speech/clause-splitter.ts'

function split(pieces: Iterable<string>): string[] {
  const splitter = new ClauseSplitter()
  const clauses = Array.from(pieces).flatMap((piece) => splitter.push(piece))
  const rest = splitter.flush()
  return rest === undefined ? clauses : [...clauses, rest]
}

/** Text as people and models write it, dense with what makes splitting hard. */
const awkwardText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          '.',
          ',',
          '...',
          '…',
          '!',
          '?',
          ';',
          ':',
          '—',
          ' - ',
          '\n',
          '\n\n',
          ' ',
          '  ',
          '"',
          ')',
        ],
        ...['Dr. ', 'U.S. ', 'e.g. ', '3.14', '10,000', '10:30', 'No. ', 'https://a.b/c,d?e=f. '],
        ...['你好', '。', '，', '」', '👍', 'word', 'Word ', 'I', 'a@b.com, '],
      ),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''))

describe('clause boundaries', () => {
  test('joined, the clauses are the text, however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.array(awkwardText, { maxLength: 8 }), (pieces) => {
        expect(split(pieces).join('')).toBe(pieces.join(''))
      }),
    )
  })

  test('no clause is empty, or heavier than the bound and its last mark', () => {
    fc.assert(
      fc.property(awkwardText, (text) => {
        for (const clause of split(text)) {
          expect(clause.length).toBeGreaterThan(0)
          expect(clause.trim().length).toBeLessThanOrEqual(200 + 64)
        }
      }),
    )
  })

  test('surrogate pairs stay whole', () => {
    for (const clause of split('👍'.repeat(300))) expect(clause.isWellFormed()).toBe(true)
  })

  const CASES: readonly (readonly [string, string])[] = [
    ['Hello there. How are you? Fine! Good', 'Hello there. |How are you? |Fine! |Good'],
    ['Oh, well, yes, I think so.', 'Oh, well, yes, |I think so.'],
    ['He said "Stop!" and left (now.) Good.', 'He said "Stop!" |and left (now.) |Good.'],
    ['Dr. Smith and Mrs. Jones met J. Doe.', 'Dr. Smith and Mrs. Jones met J. Doe.'],
    [
      'In the U.S. it is 10 a.m. today, i.e. early.',
      'In the U.S. it is 10 a.m. today, |i.e. early.',
    ],
    ['It is 3.14 or 10,000 at 10:30 now', 'It is 3.14 or 10,000 at 10:30 now'],
    ['It costs 3. Then 4.', 'It costs 3. |Then 4.'],
    ['It is no. 5. No. I said no.', 'It is no. 5. |No. |I said no.'],
    ['See https://a.io/b,c?d=1:2. Or a.b@c.com!', 'See https://a.io/b,c?d=1:2. |Or a.b@c.com!'],
    ['I wonder about it... and then left', 'I wonder about it... |and then left'],
    ['So do I. Then B.', 'So do I. |Then B.'],
    ['We came back — and then left.', 'We came back — |and then left.'],
    ['We came back - and then left.', 'We came back - |and then left.'],
    ['A well-known man from 10–20 years ago', 'A well-known man from 10–20 years ago'],
    ['1. Milk\n2. Eggs\n- bread', '1. Milk\n|2. Eggs\n|- bread'],
    ['A title\n\nand text', 'A title\n\n|and text'],
    ['a wrap\nin a line', 'a wrap\nin a line'],
    ['你好。我是小明，很高兴！「好」', '你好。|我是小明，很高兴！|「好」'],
    ['他说「走吧。」然后走了', '他说「走吧。」|然后走了'],
  ]
  test.each(CASES)('%j', (text, expected) => {
    expect(split([text]).join('|')).toBe(expected)
  })

  test.each(CASES.filter(([text]) => !/[\u3000-\u9fff]/.test(text)))(
    'cut into single letters, %j is the same but for white space',
    (text, expected) => {
      expect(split(text).map((clause) => clause.trim())).toEqual(
        expected.split('|').map((clause) => clause.trim()),
      )
    },
  )

  test('the first clause ends at an early comma, later ones do not', () => {
    const text = 'Good morning, my friend, and welcome, please come in, we have waited for you.'
    expect(split([text])).toEqual([
      'Good morning, ',
      'my friend, and welcome, please come in, we have waited for you.',
    ])
    const splitter = new ClauseSplitter()
    splitter.push('Good morning, ')
    splitter.flush()
    expect(splitter.push('one more time, then')).toEqual(['one more time, '])
  })

  test('a sentence leaves as soon as the white space behind it is there', () => {
    const splitter = new ClauseSplitter()
    expect(splitter.push('It is three')).toEqual([])
    expect(splitter.push('.')).toEqual([])
    expect(splitter.push('14. ')).toEqual(['It is three.14. '])
    expect(splitter.push('你好。')).toEqual(['你好。'])
  })

  test('marks alone make no clause', () => {
    expect(split(['... ! ? Hello. '])).toEqual(['... ! ? Hello. '])
  })

  test('endless text without marks is cut at white space', () => {
    const clauses = split(Array.from({ length: 400 }, () => 'word '))
    expect(clauses.length).toBeGreaterThan(9)
    for (const clause of clauses) expect(clause).toMatch(/^(word ){1,40}$/)
  })

  test('endless text without white space is cut too, and numbers sooner', () => {
    expect(split(['x'.repeat(450)]).map(({ length }) => length)).toEqual([200, 200, 50])
    expect(split(['9'.repeat(140)]).map(({ length }) => length)).toEqual([66, 66, 8])
  })

  test('a megabyte in one piece or in single letters takes linear time', () => {
    const startMs = performance.now()
    split(['Some words, and more. '.repeat(50_000)])
    split('.'.repeat(100_000))
    split(' '.repeat(100_000))
    expect(performance.now() - startMs).toBeLessThan(10_000)
  })
})
