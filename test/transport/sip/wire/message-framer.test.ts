import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { MessageFramer } from '#transport/sip/wire/message-framer.ts'

function createFramer() {
  const messages: string[] = []
  let pings = 0
  const framer = new MessageFramer({
    onMessage: (text) => messages.push(text),
    onPing: () => {
      pings += 1
    },
  })
  return { framer, messages, pings: () => pings }
}

const message = (body: string): string =>
  `MESSAGE sip:a@b SIP/2.0\r\nl : ${Buffer.byteLength(body)}\r\n\r\n${body}`

test('messages come out whole, however the bytes are cut', () => {
  const bodies = fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 5 })
  fc.assert(
    fc.property(
      bodies,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (texts, cuts) => {
        const { framer, messages } = createFramer()
        const stream = Buffer.from(texts.map((text) => `\r\n${message(text)}`).join(''))
        for (let at = 0, i = 0; at < stream.length; i += 1) {
          const size = cuts[i % cuts.length] ?? 1
          expect(framer.push(stream.subarray(at, at + size))).toBe(true)
          at += size
        }
        expect(messages).toEqual(texts.map(message))
      },
    ),
  )
})

test('a double line end is a ping', () => {
  const { framer, pings } = createFramer()
  framer.push(Buffer.from('\r\n\r\n'))
  expect(pings()).toBe(1)
})

test.each([
  ['no Content-Length', 'MESSAGE sip:a@b SIP/2.0\r\nTo: x\r\n\r\n'],
  ['a Content-Length of letters', 'MESSAGE sip:a@b SIP/2.0\r\nl: x\r\n\r\n'],
  ['too long a body', 'MESSAGE sip:a@b SIP/2.0\r\nl: 70000\r\n\r\n'],
  ['a head without end', 'a'.repeat(70_000)],
])('%s breaks the stream', (_name, text) => {
  expect(createFramer().framer.push(Buffer.from(text))).toBe(false)
})
