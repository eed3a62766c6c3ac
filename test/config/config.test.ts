import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { loadConfig } from '#config/config.ts'
import { ConfigError } from '#config/config-error.ts'
import { Variables } from '#config/variables.ts'

const refusal = (environment: Record<string, string>): string => {
  try {
    loadConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error('accepted')
}

describe('loadConfig', () => {
  test('needs nothing: every variable has a default that works on a laptop', () => {
    expect(loadConfig({})).toMatchObject({
      host: 'localhost',
      port: 8080,
      dataDir: './data',
      apiKeys: [],
      maxCalls: 1_000,
      ttsProvider: 'flite',
      cacheMaxBytes: 512 * 1024 * 1024,
      warnings: [],
    })
  })

  test('reads what is set, and counts empty as absent', () => {
    const config = loadConfig({
      PORT: '9000',
      API_KEYS: ' one, two,,',
      ALLOW_ANONYMOUS: '1',
      CACHE_MAX_BYTES: '2g',
      STUN_URLS: 'stun:a:1,stun:b:2',
      ICE_SERVERS: '[{"urls":"stun:x:1"}]',
      DATA_DIR: '  ',
    })
    expect(config).toMatchObject({
      port: 9_000,
      apiKeys: ['one', 'two'],
      allowAnonymous: true,
      cacheMaxBytes: 2 * 1024 ** 3,
      stunUrls: ['stun:a:1', 'stun:b:2'],
      iceServers: [{ urls: ['stun:x:1'] }],
      dataDir: './data',
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  test.each([
    [{ PORT: 'x' }, 'PORT: must be a number (is "x")'],
    [{ PORT: '70000' }, 'PORT: Too big'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: Invalid option'],
    [{ MAX_CALLS: '0' }, 'MAX_CALLS: Too small'],
    [{ DRAIN_SECONDS: '-1' }, 'DRAIN_SECONDS: Too small'],
    [{ CACHE_MAX_BYTES: '12Q' }, 'CACHE_MAX_BYTES: must be a number of bytes'],
    [{ ALLOW_ANONYMOUS: 'maybe' }, 'ALLOW_ANONYMOUS: Invalid option'],
    [{ RESTSEND_URL: 'nowhere' }, 'RESTSEND_URL: Invalid URL'],
    [{ STUN_URLS: 'stun.example.org' }, 'STUN_URLS: must be like stun:host:3478'],
    [{ TURN_URLS: 'turn:a:1?transport=x', TURN_SECRET: 's' }, 'TURN_URLS: must be like turn:host'],
    [{ TURN_URLS: 'turn:a:1' }, 'TURN_URLS: needs TURN_SECRET, or TURN_USERNAME and TURN_PASSWORD'],
    [{ SIP_PORT: 'five' }, 'SIP_PORT: must be a port number'],
    [{ SIP_DIAL_ALLOW: '(' }, 'SIP_DIAL_ALLOW: must be a regular expression'],
    [{ SIP_PORT: '0', SIP_TLS_PORT: '0' }, 'SIP_TLS_PORT: needs SIP_TLS_CERT and SIP_TLS_KEY'],
    [{ SIP_PORT: '70000' }, 'SIP_PORT: must be a port number'],
    [{ RTP_PORT_MIN: '20000', RTP_PORT_MAX: '20001' }, 'RTP_PORT_MAX: must be above RTP_PORT_MIN'],
    [{ PUBLIC_IP: '999.1.1.1' }, 'PUBLIC_IP: must be an IP address'],
    [{ PUBLIC_IP: '192.0.2.1:5060' }, 'PUBLIC_IP: must be an IP address'],
    [{ SIP_ACCEPT_TIMEOUT_SECONDS: '181' }, 'SIP_ACCEPT_TIMEOUT_SECONDS: '],
    [{ SIP_WEBHOOK_SECRET: 'whsec_!!!' }, 'SIP_WEBHOOK_SECRET: must be base64 after whsec_'],
    [{ SIP_PORT: '0', SIP_ACCOUNTS: 'alice' }, 'SIP_ACCOUNTS: must be JSON: [{"address"'],
    [{ SIP_PORT: '0', SIP_ACCOUNTS: '[{"address":"sip:a@b"}]' }, 'SIP_ACCOUNTS: must be JSON'],
    [
      { SIP_ACCOUNTS: '[{"address":"sip:a@b","password":"x"}]' },
      'SIP_ACCOUNTS: needs SIP_PORT, usually 5060',
    ],
    [{ ALLOWED_ORIGINS: 'app.example.org' }, 'ALLOWED_ORIGINS: must be origins like https://'],
    [{ ALLOWED_ORIGINS: 'https://a.org/' }, 'ALLOWED_ORIGINS: must be origins like https://'],
  ])('refuses %o and names the variable', (environment, message) => {
    expect(refusal(environment as Record<string, string>)).toStartWith(message)
  })

  test.each([
    '[{"urls":[]}]',
    '[{"urls":"http://a"}]',
    '[{"urls":"turn:a:1"}]',
    '[{"urls":["stun:a:1"],"username":1}]',
    '{"urls":"stun:a:1"}',
  ])('refuses %s as ICE_SERVERS: no browser would take it', (ICE_SERVERS) => {
    expect(refusal({ ICE_SERVERS })).toStartWith('ICE_SERVERS: must be JSON: ')
  })

  test('takes ICE_SERVERS in the shape that /iceservers answers', () => {
    const servers = [
      { urls: ['stun:a:1', 'stuns:[2001:db8::1]:5349'], username: null, credential: null },
      { urls: ['turns:b:5349?transport=tcp'], username: 'u', credential: 'c' },
    ]
    expect(loadConfig({ ICE_SERVERS: JSON.stringify(servers) }).iceServers).toEqual(servers)
  })

  test('does not show a secret in a refusal', () => {
    const message = refusal({ ICE_SERVERS: '{"credential":"hush"' })
    expect(message).toStartWith('ICE_SERVERS: must be JSON: [{"urls":["stun:host:3478"]}]')
    expect(message).not.toContain('hush')
    expect(refusal({ SIP_WEBHOOK_SECRET: 'whsec_hush!' })).not.toContain('hush')
  })

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org'])(
    'lets nobody listen on %s for everybody by accident',
    (HOST) => {
      expect(refusal({ HOST })).toContain('set API_KEYS, or ALLOW_ANONYMOUS=true')
      expect(loadConfig({ HOST, API_KEYS: 'k' }).host).toBe(HOST)
      expect(loadConfig({ HOST, ALLOW_ANONYMOUS: 'true' }).host).toBe(HOST)
    },
  )

  test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('%s is the loopback', (HOST) => {
    expect(loadConfig({ HOST }).host).toBe(HOST)
  })

  test('warns of what looks like a misspelling', () => {
    expect(loadConfig({ API_KEY: 'x', MAXCALLS: '5', PATH: '/bin' }).warnings).toEqual([
      'API_KEY is set but means nothing; did you mean API_KEYS?',
      'MAXCALLS is set but means nothing; did you mean MAX_CALLS?',
    ])
  })

  test('never throws anything but a ConfigError of one line', () => {
    const name = fc.constantFrom(...Object.keys(Variables.shape))
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (environment) => {
        try {
          return loadConfig(environment).port >= 0
        } catch (error) {
          return error instanceof ConfigError && !error.message.includes('\n')
        }
      }),
      { numRuns: 300 },
    )
  })
})
