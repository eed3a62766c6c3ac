import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ClauseSplitter } from '#speech/clause-splitter.ts'

const split = (text: string): string[] => {
  const splitter = new ClauseSplitter()
  const clauses = splitter.push(text)
  const rest = splitter.flush()
  return rest === undefined ? clauses : [...clauses, rest]
}

describe('ClauseSplitter', () => {
  test.each([
    ['Hello there, how are you? Fine.', ['Hello there, ', 'how are you? ', 'Fine.']],
    ['It costs 3.14 or 10,000 at 10:30.', ['It costs 3.14 or 10,000 at 10:30.']],
    [
      'Dr. Smith met Mr. Jones, e.g. in the U.S. army. Yes.',
      ['Dr. Smith met Mr. Jones, ', 'e.g. in the U.S. army. ', 'Yes.'],
    ],
    [
      'See www.example.com/a.b or mail a.b@c.org today.',
      ['See www.example.com/a.b or mail a.b@c.org today.'],
    ],
    ['Wait... what? No!', ['Wait... what? ', 'No!']],
    ['今天天气很好。我们去公园吧！', ['今天天气很好。', '我们去公园吧！']],
    ['', []],
    ['no end', ['no end']],
  ])('cuts %j', (text, clauses) => {
    expect(split(text).join('')).toBe(text)
    expect(split(text)).toEqual(clauses)
  })

  test('waits at a period until it is clear what it ends', () => {
    const splitter = new ClauseSplitter()
    expect(splitter.push('It is 3.')).toEqual([])
    expect(splitter.push('5 degrees outside')).toEqual([])
    expect(splitter.push('. And')).toEqual(['It is 3.5 degrees outside. '])
  })

  test('cuts endless text at white space', () => {
    const clauses = split('word '.repeat(500))
    expect(clauses.length).toBeGreaterThan(5)
    for (const clause of clauses) expect(clause.length).toBeLessThanOrEqual(210)
  })

  test('cuts text without any white space at a bound', () => {
    for (const clause of split('x'.repeat(5_000))) expect(clause.length).toBeLessThanOrEqual(210)
  })

  test('loses and adds nothing, however the text is cut into pieces', () => {
    const alphabet = fc.constantFrom(...'ab 1.,!?:;-"\n。，…éß🙂'.match(/./gsu)!)
    const texts = fc.string({ unit: alphabet, maxLength: 400 })
    fc.assert(
      fc.property(
        texts,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (text, sizes) => {
          const splitter = new ClauseSplitter()
          const clauses: string[] = []
          for (let at = 0, i = 0; at < text.length; i += 1) {
            const size = sizes[i % sizes.length]!
            clauses.push(...splitter.push(text.slice(at, at + size)))
            at += size
          }
          clauses.push(splitter.flush() ?? '')
          return clauses.join('') === text
        },
      ),
      { numRuns: 300 },
    )
  })
})
