import { describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { loadConfig } from '#config/config.ts'
import { IceServers } from '#server/ice-servers.ts'

const list = async (environment: Record<string, string>) =>
  new IceServers(loadConfig(environment)).list()

describe('IceServers', () => {
  test('without any configuration are the public STUN server, with nulls', async () => {
    expect(await list({})).toEqual([
      { urls: ['stun:restsend.com:3478'], username: null, credential: null },
    ])
  })

  test('come from ICE_SERVERS first', async () => {
    const ICE_SERVERS =
      '[{"urls":["turn:t:1"],"username":"u","credential":"c"},{"urls":"stun:s:1"}]'
    expect(await list({ ICE_SERVERS, STUN_URLS: 'stun:other:1' })).toEqual([
      { urls: ['turn:t:1'], username: 'u', credential: 'c' },
      { urls: ['stun:s:1'], username: null, credential: null },
    ])
  })

  test('come from STUN_URLS and TURN_URLS', async () => {
    const environment = {
      STUN_URLS: 'stun:a:1',
      TURN_URLS: 'turn:b:1,turns:b:2',
      TURN_USERNAME: 'u',
      TURN_PASSWORD: 'p',
    }
    expect(await list(environment)).toEqual([
      { urls: ['stun:a:1'], username: null, credential: null },
      { urls: ['turn:b:1', 'turns:b:2'], username: 'u', credential: 'p' },
    ])
  })

  test('with TURN_SECRET get a credential that expires', async () => {
    const [server] = await list({
      TURN_URLS: 'turn:b:1',
      TURN_SECRET: 'hush',
      TURN_TTL_SECONDS: '600',
    })
    const [expiry, name] = server!.username!.split(':')
    expect(name).toBe('bunpbx')
    expect(Number(expiry) - Date.now() / 1_000).toBeWithin(598, 601)
    const expected = createHmac('sha1', 'hush').update(server!.username!).digest('base64')
    expect(server!.credential).toBe(expected)
  })

  test('with RESTSEND_TOKEN are asked of the vendor, once a minute', async () => {
    const asked: string[] = []
    using vendor = Bun.serve({
      port: 0,
      fetch(request) {
        asked.push(new URL(request.url).search)
        return Response.json([{ urls: 'turn:v:1', username: 'u', credential: 'c' }])
      },
    })
    const config = loadConfig({
      RESTSEND_TOKEN: 't',
      RESTSEND_URL: `http://localhost:${vendor.port}/`,
    })
    const servers = new IceServers(config)
    const expected = [{ urls: ['turn:v:1'], username: 'u', credential: 'c' }]
    expect(await Promise.all([servers.list(), servers.list()])).toEqual([expected, expected])
    expect(await servers.list()).toEqual(expected)
    expect(asked).toEqual(['?token=t&user=&client='])
  })

  test.each([
    ['nonsense', () => new Response('<html>')],
    ['a refusal', () => Response.json([], { status: 403 })],
  ])('fall back when the vendor gives %s, without asking again at once', async (_name, answer) => {
    let asked = 0
    using vendor = Bun.serve({
      port: 0,
      fetch() {
        asked += 1
        return answer()
      },
    })
    const RESTSEND_URL = `http://localhost:${vendor.port}/`
    const servers = new IceServers(loadConfig({ RESTSEND_TOKEN: 't', RESTSEND_URL }))
    for (let i = 0; i < 2; i += 1) {
      expect((await servers.list())[0]?.urls).toEqual(['stun:restsend.com:3478'])
    }
    expect(asked).toBe(1)
  })
})
