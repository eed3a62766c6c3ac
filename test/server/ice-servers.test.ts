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
    const asked: (string | null)[] = []
    using vendor = Bun.serve({
      port: 0,
      fetch(request) {
        asked.push(request.headers.get('authorization'))
        return Response.json([{ urls: 'turn:v:1', username: 'u', credential: 'c' }])
      },
    })
    const config = loadConfig({
      RESTSEND_TOKEN: 't',
      RESTSEND_URL: `http://localhost:${vendor.port}/`,
    })
    const servers = new IceServers(config)
    const expected = [{ urls: ['turn:v:1'], username: 'u', credential: 'c' }]
    expect(await servers.list()).toEqual(expected)
    expect(await servers.list()).toEqual(expected)
    expect(asked).toEqual(['Bearer t'])
  })

  test('fall back when the vendor talks nonsense', async () => {
    using vendor = Bun.serve({ port: 0, fetch: () => new Response('<html>') })
    const RESTSEND_URL = `http://localhost:${vendor.port}/`
    const [server] = await list({ RESTSEND_TOKEN: 't', RESTSEND_URL })
    expect(server?.urls).toEqual(['stun:restsend.com:3478'])
  })
})
