import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  formatSipMessage,
  header,
  parameterOf,
  parseSipMessage,
  splitList,
} from '#transport/sip/message/sip-message.ts'
import { responseAddress, stampSource } from '#transport/sip/message/via.ts'
import { SipError } from '#transport/sip/sip-error.ts'

function message(...lines: string[]) {
  return parseSipMessage(`${lines.join('\r\n')}\r\n\r\n`)
}

describe('a message', () => {
  test('has its short names written out, its folded lines joined and its lists cut', () => {
    const parsed = message(
      'OPTIONS sip:a@b SIP/2.0',
      'v: SIP/2.0/UDP one;branch=1,',
      ' SIP/2.0/UDP two;branch="a,b"',
      'm: "Doe, J" <sip:j@x>, <sip:k@y;x=1,2>',
      'Subject: one, two',
    )
    expect(parsed.headers).toEqual([
      { name: 'via', value: 'SIP/2.0/UDP one;branch=1' },
      { name: 'via', value: 'SIP/2.0/UDP two;branch="a,b"' },
      { name: 'contact', value: '"Doe, J" <sip:j@x>' },
      { name: 'contact', value: '<sip:k@y;x=1,2>' },
      { name: 'subject', value: 'one, two' },
    ])
  })

  test('has a body of as many bytes as it says', () => {
    const text = 'A b SIP/2.0\r\nContent-Length: 3\r\n\r\näbc'
    expect(parseSipMessage(text).body).toBe('äb')
    expect(() => parseSipMessage(text.replace('3', '9'))).toThrow('shorter')
  })

  test('survives being written and read again', () => {
    const value = fc.string({ maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, '').trim())
    const headers = fc.array(fc.record({ name: fc.constantFrom('x-a', 'subject'), value }))
    fc.assert(
      fc.property(headers, fc.string({ unit: 'grapheme' }), (all, body) => {
        const written = formatSipMessage({ startLine: 'A b SIP/2.0', headers: all, body })
        const read = parseSipMessage(written)
        expect(read.headers.slice(0, -1)).toEqual(all)
        expect(read.body).toBe(body)
      }),
    )
  })

  test('of any text is parsed or refused with a SipError', () => {
    const text = fc.string({ unit: fc.constantFrom('\r\n', ':', ' ', 'v', 'x', '"', '<', ',') })
    fc.assert(
      fc.property(text, (bytes) => {
        try {
          parseSipMessage(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(SipError)
        }
      }),
    )
  })
})

test('a list is cut outside quotes and brackets only', () => {
  expect(splitList('"a\\",b" <c,d>;e=f, g')).toEqual(['"a\\",b" <c,d>;e=f', 'g'])
})

test('a parameter of the header is not one of the URI', () => {
  expect(parameterOf('<sip:a@b;tag=uri>;tag=header', 'tag')).toBe('header')
  expect(parameterOf('<sip:a@b;tag=uri>', 'tag')).toBeUndefined()
})

describe('the topmost Via', () => {
  const source = { protocol: 'UDP', host: '198.51.100.7', port: 41_812 } as const

  test.each([
    'SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK1',
    'SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;received=6.6.6.6;rport=6',
    'SIP / 2.0 / UDP  10.0.0.5 ;branch=z9hG4bK1 ; rport',
  ])('%p gets what was seen, and the answer goes there', (via) => {
    const stamped = stampSource(message('OPTIONS a SIP/2.0', `Via: ${via}`, 'Via: other'), source)
    const top = header(stamped, 'via') ?? ''
    expect(top).toEndWith(';received=198.51.100.7;rport=41812')
    expect(top.match(/rport/g)).toHaveLength(1)
    expect(top).toContain('branch=z9hG4bK1')
    expect(responseAddress(top)).toEqual(source)
    expect(stamped.headers[1]).toEqual({ name: 'via', value: 'other' })
  })

  test('without a branch gets one that is the same for every repetition', () => {
    const stamp = () =>
      header(stampSource(message('A b SIP/2.0', 'Via: SIP/2.0/UDP h', 'CSeq: 1 A'), source), 'via')
    expect(stamp()).toMatch(/;branch=z9hG4bKnone\w+;/)
    expect(stamp()).toBe(stamp() ?? '')
  })
})
