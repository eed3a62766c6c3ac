import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { redact, redactObject } from '#protocol/redact.ts'

describe('redact', () => {
  test('hides secrets at any depth and leaves the rest', () => {
    const option = {
      caller: '1',
      asr: { provider: 'tencent', secretId: 'a', secretKey: 'b', extra: { apiKey: 'c' } },
      sip: { username: 'u', password: 'p', headers: [{ Authorization: 'Basic x' }] },
    }
    expect(redact(option)).toEqual({
      caller: '1',
      asr: {
        provider: 'tencent',
        secretId: '[redacted]',
        secretKey: '[redacted]',
        extra: { apiKey: '[redacted]' },
      },
      sip: {
        username: 'u',
        password: '[redacted]',
        headers: [{ Authorization: '[redacted]' }],
      },
    })
  })

  test.each([
    ['https://user:pw@example.com/a.wav', 'https://[redacted]@example.com/a.wav'],
    ['https://e.com/a?X-Amz-Signature=abc&x=1', 'https://e.com/a?X-Amz-Signature=[redacted]&x=1'],
    ['https://e.com/a?token=abc', 'https://e.com/a?token=[redacted]'],
    ['https://e.com/@x/a.wav', 'https://e.com/@x/a.wav'],
    ['just text', 'just text'],
  ])('in a url: %s', (url, shown) => {
    expect(redactObject({ url })).toEqual({ url: shown })
  })

  test('keeps the shape of any JSON and no secret of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const shown = JSON.stringify(redact({ value, nested: { password: 'hunter2' } }))
        return !shown.includes('hunter2')
      }),
    )
  })

  test('has a bottom', () => {
    let value: unknown = 'x'
    for (let i = 0; i < 10_000; i += 1) value = [value]
    expect(() => redact(value)).not.toThrow()
  })
})
