import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { redact, redactObject, redactText } from '#protocol/redact.ts'

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
    [' https://user:p@ss@e.com/a', ' https://[redacted]@e.com/a'],
    ['cannot fetch https://u:p@e.com/a', 'cannot fetch https://[redacted]@e.com/a'],
    ['https://e.com/a?x=1&b?my-key=2#c', 'https://e.com/a?x=1&b?my-key=[redacted]#c'],
    ['just text', 'just text'],
  ])('in a url: %s', (url, shown) => {
    expect(redactObject({ url })).toEqual({ url: shown })
  })

  test.each(['accessKey', 'x-api-key', 'api_key', 'Subscription-Key', 'private_key', 'passphrase'])(
    'under %s',
    (key) => {
      expect(redactObject({ extra: { [key]: 'hush', cacheKey: 'k' } })).toEqual({
        extra: { [key]: '[redacted]', cacheKey: 'k' },
      })
    },
  )

  test.each([
    ['{"text":5,"option":{"secretKey":"hush"}}', '{"text":5,"option":{"secretKey":"[redacted]"}}'],
    ['{"option":{"secretKey" : "hu\\"sh",}}', '{"option":{"secretKey" : [redacted],}}'],
    ['{"option":{"secretKey":"hush', '{"option":{"secretKey":[redacted]'],
    ["{'command':'tts','token':'hush'}", "{'command':'tts','token':[redacted]}"],
    ['{"token":12345', '{"token":[redacted]'],
    ['hello', 'hello'],
  ])('in a message that is no command: %s', (text, shown) => {
    expect(redactText(text)).toBe(shown)
  })

  test.each(['?key', '?', '&token=', '://', '"', '"token":', "'key", 'a@', '"\\'])(
    'takes no longer for a long text full of %s',
    (piece) => {
      const startedAtMs = performance.now()
      redactText(`://${piece.repeat(50_000)}`)
      expect(performance.now() - startedAtMs).toBeLessThan(1_000)
    },
  )

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
