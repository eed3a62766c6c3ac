import { describe, expect, test } from 'bun:test'
import { Hono, type MiddlewareHandler } from 'hono'
import { requireKey, requireOrigin } from '#server/auth.ts'
import { ProblemError } from '#server/problem.ts'

const guarded = (guard: MiddlewareHandler) => {
  const app = new Hono()
  app.onError((error, context) =>
    error instanceof ProblemError
      ? error.toResponse(context.req.path)
      : new Response('', { status: 500 }),
  )
  app.use(guard)
  app.all('/x', (context) => context.text('in'))
  return app
}
const status = async (
  app: Hono,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
) => (await app.request(path, { headers, method })).status

describe('requireKey', () => {
  const app = guarded(requireKey(['secret', 'other']))

  test.each([
    [{ authorization: 'Bearer secret' }, '/x', 200],
    [{ authorization: 'bearer other' }, '/x', 200],
    [{}, '/x?token=secret', 200],
    [{}, '/x', 401],
    [{}, '/x?token=', 401],
    [{ authorization: 'Bearer wrong' }, '/x', 401],
    [{ authorization: 'Basic secret' }, '/x', 401],
    [{ authorization: 'Bearer secre' }, '/x', 401],
  ])('%o on %s is %i', async (headers, path, expected) => {
    expect(await status(app, path, headers as Record<string, string>)).toBe(expected)
  })

  test('a refusal says how, as a problem', async () => {
    const response = await app.request('/x')
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 401, instance: '/x' })
  })

  test('without keys everybody may', async () => {
    expect(await status(guarded(requireKey([])), '/x')).toBe(200)
  })
})

describe('requireOrigin', () => {
  test('lets the page read errors and streams, too', async () => {
    const app = guarded(requireOrigin([], false))
    app.get('/stream', () => new Response('line\n'))
    app.get('/broken', () => {
      throw new ProblemError(404, 'there is no such call')
    })
    for (const path of ['/x', '/stream', '/broken', '/nothing']) {
      const response = await app.request(path, { headers: { origin: 'http://localhost:3000' } })
      expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
      expect(response.headers.get('vary')).toBe('origin')
    }
  })

  test.each([
    [undefined, 200],
    ['http://localhost:3000', 200],
    ['https://127.0.0.1', 200],
    ['http://[::1]:8080', 200],
    ['https://app.example.org', 200],
    ['https://evil.example', 403],
    ['null', 403],
    ['http://localhost.evil.example', 403],
    ['http://gateway.example', 403],
  ])('of %s is %i on an open gateway', async (origin, expected) => {
    const app = guarded(requireOrigin(['https://app.example.org'], false))
    const headers = { host: 'gateway.example', ...(origin !== undefined && { origin }) }
    expect(await status(app, '/x', headers)).toBe(expected)
  })

  test('trusts pages of its own host where keys guard it', async () => {
    const app = guarded(requireOrigin([], true))
    const headers = { host: 'gateway.example', origin: 'https://gateway.example' }
    expect(await status(app, '/x', headers)).toBe(200)
  })

  test('answers a preflight', async () => {
    const app = guarded(requireOrigin(['*'], false))
    const response = await app.request('/x', {
      method: 'OPTIONS',
      headers: { origin: 'https://a.b' },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://a.b')
    expect(response.headers.get('access-control-allow-headers')).toContain('authorization')
  })
})
