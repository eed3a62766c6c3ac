import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createOpenApi, OPERATIONS } from '#server/openapi.ts'
import { rejection } from '../support/rejection.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { WireClient } from '../support/wire.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({ API_KEYS: 'key' })
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
})

const get = async (path: string, init: RequestInit = {}) =>
  fetch(gateway.url + path, { headers: { authorization: 'Bearer key' }, ...init })

describe('HTTP', () => {
  test.each(['/health', '/ready', '/docs', '/openapi.json'])('%s is open', async (path) => {
    expect((await fetch(gateway.url + path)).status).toBe(200)
  })

  test.each(['/call', '/call/lists', '/calls', '/calls/x', '/iceservers', '/metrics'])(
    '%s needs a key',
    async (path) => {
      expect((await fetch(gateway.url + path)).status).toBe(401)
    },
  )

  test('a WebSocket takes the key as a token', async () => {
    expect((await rejection(WireClient.connect(gateway.url, '/call'))).message).toContain('refused')
    const client = await WireClient.call(gateway.url, {}, '/call?token=key')
    await client.hangup()
  })

  test.each([
    ['/nothing', {}, 404],
    ['/call/kill/x', { method: 'POST' }, 404],
    ['/call/kill/x', {}, 405],
    ['/call', {}, 426],
    ['/call/webrtc', {}, 501],
    ['/call/sip/', {}, 503],
    ['/calls/none', {}, 404],
    ['/calls?limit=0', {}, 400],
    ['/calls?cursor=junk', {}, 400],
    ['/calls?type=fax', {}, 400],
    ['/calls/none/recording', {}, 404],
  ])('%s %o is a problem of status %i', async (path, init, status) => {
    const response = await get(path, { headers: { authorization: 'Bearer key' }, ...init })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status, detail: expect.any(String) })
  })

  test('answers on IPv4 and IPv6 when HOST is localhost', async () => {
    const { port } = new URL(gateway.url)
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
    expect((await fetch(`http://[::1]:${port}/health`)).status).toBe(200)
  })

  test('metrics are well formed and have the families that operations.md names', async () => {
    const text = await (await get('/metrics')).text()
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+(\{[^}]*\})? [0-9.e+-]+)$/)
    }
    const page = await Bun.file(`${import.meta.dir}/../../docs/operations.md`).text()
    const named = [...page.matchAll(/`((?:bunpbx|process)_[a-z_]+[a-z])[`{]/g)].map(
      ([, name]) => name as string,
    )
    expect(named.length).toBeGreaterThan(8)
    for (const name of named) expect(text).toContain(`# TYPE ${name} `)
  })
})

describe('history', () => {
  test('is paged and filtered, the latest first', async () => {
    for (const id of ['p1', 'p2', 'p3']) {
      const client = await WireClient.call(
        gateway.url,
        { caller: 'pager' },
        `/call?token=key&id=${id}`,
      )
      await client.hangup()
    }
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const query = `/calls?caller=pager&state=ended&limit=2${cursor ? `&cursor=${cursor}` : ''}`
      const page = (await (await get(query)).json()) as { calls: { id: string }[]; next?: string }
      ids.push(...page.calls.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    expect(ids).toEqual(['p3', 'p2', 'p1'])
    const page = (await (await get('/calls?caller=nobody')).json()) as object
    expect(page).toEqual({ calls: [] })
  })

  test('gives events a page at a time', async () => {
    const client = await WireClient.call(gateway.url, {}, '/call?token=key&id=paged')
    for (let i = 0; i < 5; i += 1)
      client.send({ command: 'history', speaker: 's', text: String(i) })
    await client.hangup()
    const sequences: number[] = []
    let after = -1
    for (;;) {
      const path = `/calls/paged/events?limit=4&after=${after}`
      const page = (await (await get(path)).json()) as {
        events: { sequence: number }[]
        next?: number
      }
      sequences.push(...page.events.map(({ sequence }) => sequence))
      if (page.next === undefined) break
      after = page.next
    }
    expect(sequences).toEqual(Array.from({ length: 16 }, (_, i) => i))
  })
})

describe('OpenAPI', () => {
  const document = createOpenApi()
  const paths = document['paths'] as Record<string, Record<string, object>>

  test('is version 3.1 and every reference in it leads somewhere', () => {
    expect(document['openapi']).toBe('3.1.0')
    const { schemas } = document['components'] as { schemas: Record<string, unknown> }
    const text = JSON.stringify(document)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(schemas)).toContain(name as string)
    }
    expect(text).not.toContain('#/$defs')
    expect(Object.keys(schemas)).toContain('Command')
    expect(Object.keys(schemas)).toContain('CallEvent')
  })

  test('describes every operation, and every operation answers', async () => {
    expect(Object.keys(paths).sort()).toEqual(OPERATIONS.map(({ path }) => path).sort())
    for (const { path, method } of OPERATIONS) {
      const response = await get(path.replace('{id}', 'x'), {
        method: method.toUpperCase(),
        headers: { authorization: 'Bearer key' },
      })
      const known = Object.keys((paths[path]![method] as { responses: object }).responses)
      expect([path, known]).toEqual([path, expect.arrayContaining([String(response.status)])])
    }
  })

  test('names every operation once, and says how errors look', () => {
    const operations = Object.values(paths).flatMap((path) => Object.values(path)) as {
      operationId: string
      responses: Record<string, { description: string; content?: Record<string, object> }>
    }[]
    const ids = operations.map(({ operationId }) => operationId)
    expect(ids).toContain('getCallsByIdEventsJsonl')
    expect(new Set(ids).size).toBe(OPERATIONS.length)
    for (const { responses } of operations) {
      expect(Object.keys(responses['default']!.content!)).toEqual(['application/problem+json'])
    }
  })

  test('what comes back fits the schema it promises', async () => {
    for (const { path, method, answer } of OPERATIONS) {
      if (answer === undefined || method !== 'get' || path.includes('{')) continue
      const body = await (await get(path)).json()
      expect(answer.safeParse(body).error).toBeUndefined()
    }
  })
})

describe('the page at /docs', () => {
  test('names every command, event and endpoint, and fetches nothing from elsewhere', async () => {
    const page = await (await fetch(`${gateway.url}/docs`)).text()
    for (const { path } of OPERATIONS) expect(page).toContain(`<code>${path}</code>`)
    for (const id of ['command-tts', 'event-interruption', 'CallOption']) {
      expect(page).toContain(`id="${id}"`)
    }
    expect(page).not.toMatch(/(src|href)="https?:/)
  })
})
