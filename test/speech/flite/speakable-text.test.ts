import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { speakableText } from '#speech/flite/speakable-text.ts'

describe('speakableText', () => {
  test('gives printable ASCII with something to say, or nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const spoken = speakableText(text)
        expect(spoken).toMatch(/^[\x20-\x7e]*$/)
        expect(spoken === '' || /[A-Za-z0-9]/.test(spoken)).toBe(true)
      }),
    )
  })

  test.each([
    [
      'plain words stay',
      'Dr. Smith paid $3.14 at 10:30 a.m.',
      'Dr. Smith paid $3.14 at 10:30 a.m.',
    ],
    ['accents go', 'café naïve Straße Łódź', 'cafe naive Strasse Lodz'],
    ['full-width letters become plain ones', 'Ｈｅｌｌｏ', 'Hello'],
    ['typography becomes ASCII', '“It’s” – so…', `"It's", so...`],
    ['money becomes words', '£5 or €6.50', '5 pounds or 6.50 euros'],
    ['fractions and degrees become words', '½ cup at 20 °C', 'one half cup at 20 degrees C'],
    ['addresses can be read', 'See https://example.com.', 'See example dot com.'],
    ['numbers are announced', 'It is No. 5', 'It is number 5'],
    ['Markdown goes', '# Now **read** `this`', 'Now read this'],
    ['list items are apart', '- milk\n- eggs', 'milk, eggs'],
    ['other scripts and emoji are skipped', 'Hi 你好 👍 there', 'Hi there'],
    ['control characters and lines are blanks', 'a\u0000b\nc\td\u0007', 'a b c d'],
    ['a hyphen in front stays', '-v', '-v'],
    ['marks alone are nothing', '?! — …', ''],
    ['emoji alone are nothing', '👍🎉', ''],
  ])('%s', (_name, text, expected) => {
    expect(speakableText(text)).toBe(expected)
  })
})
