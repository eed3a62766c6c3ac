import { afterAll, expect, test } from 'bun:test'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { header, parseSipMessage, type SipMessage } from '#transport/sip/message/sip-message.ts'
import type { SipEndpoint } from '#transport/sip/sip-endpoint.ts'
import { PEER_SDP } from './raw-peer.ts'
import { acceptAll, Losses, placeCall, startEndpoint, type TestCall, until } from './sip-fixture.ts'

const open: SipEndpoint[] = []
afterAll(async () => {
  await Promise.all(open.map((endpoint) => endpoint.close()))
})

async function start(...args: Parameters<typeof startEndpoint>): Promise<SipEndpoint> {
  const endpoint = await startEndpoint(...args)
  open.push(endpoint)
  return endpoint
}

/** A key and a certificate of its own for `localhost`, made by openssl. */
async function createCertificate(): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sip-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const names = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-keyout', key, '-out', cert]
  await Bun.spawn(['openssl', ...request, ...names], { stderr: 'ignore' }).exited
  return { key: await Bun.file(key).text(), cert: await Bun.file(cert).text() }
}

const LOOPBACK = { host: '127.0.0.1', port: 0 }

test('TCP: a call each way, held and hung up on one connection', async () => {
  const calls: TestCall[] = []
  const losses = new Losses()
  const callee = await start({ tcp: LOOPBACK, onInvite: acceptAll(calls), tap: losses.tap })
  const caller = await start({ tcp: LOOPBACK })
  const outcome = placeCall(caller, `sip:x@127.0.0.1:${callee.port('TCP')};transport=tcp`)
  await outcome.answered
  await outcome.call.reoffer()
  expect(calls[0]?.call.description.source.protocol).toBe('TCP')
  // The called end uses the connection that the caller has opened.
  await calls[0]?.call.reoffer()
  calls[0]?.call.hangup()
  expect(await outcome.ended).toMatchObject({ by: 'remote', reason: 'remote_bye' })
  expect(losses.seen.filter((line) => line.startsWith('send INVITE'))).toHaveLength(1)
  await until(() => callee.stats['calls'] === 0)
  expect(callee.stats['waiting']).toBe(0)
})

test('TCP: a peer that has gone is told at once', async () => {
  const caller = await start({ tcp: LOOPBACK })
  const outcome = placeCall(caller, 'sip:x@127.0.0.1:1;transport=tcp')
  expect(await outcome.ended).toMatchObject({ by: 'fault', reason: 'unreachable', code: 503 })
})

test.skipIf(!Bun.which('openssl'))(
  'TLS: a call with sips:, and none where the certificate is unknown (needs openssl)',
  async () => {
    const certificate = await createCertificate()
    const calls: TestCall[] = []
    const callee = await start({
      tls: { ...LOOPBACK, ...certificate },
      onInvite: acceptAll(calls),
    })
    const trusting = await start({ tls: { ...LOOPBACK, ...certificate, verifyServers: false } })
    const outcome = placeCall(trusting, `sips:x@127.0.0.1:${callee.port('TLS')}`)
    await outcome.answered
    expect(calls[0]?.call.description.source.protocol).toBe('TLS')
    outcome.call.hangup()
    expect(await calls[0]?.ended).toMatchObject({ by: 'remote' })

    const careful = await start({ tls: { ...LOOPBACK, ...certificate } })
    const refused = placeCall(careful, `sip:x@127.0.0.1:${callee.port('TLS')};transport=tls`)
    expect(await refused.ended).toMatchObject({ by: 'fault', reason: 'unreachable' })
  },
)

test('WebSocket: a call of a client whose address means nothing, hung up by us', async () => {
  const calls: TestCall[] = []
  const endpoint = await start({ ws: LOOPBACK, onInvite: acceptAll(calls) })
  const url = `ws://127.0.0.1:${endpoint.port('WS')}`
  expect((await fetch(url.replace('ws', 'http'))).status).toBe(426)
  const socket = new WebSocket(url, ['sip'])
  const received: SipMessage[] = []
  socket.onmessage = ({ data }) => {
    if (data !== '\r\n') received.push(parseSipMessage(String(data)))
  }
  await new Promise((resolve) => {
    socket.onopen = resolve
  })
  expect(socket.protocol).toBe('sip')
  const say = (method: string, to: string, body = ''): void => {
    const lines = [
      `${method} sip:any@gateway SIP/2.0`,
      `Via: SIP/2.0/WS x.invalid;branch=z9hG4bK${method}`,
      'From: <sip:me@x.invalid>;tag=me',
      `To: ${to}`,
      'Call-ID: ws',
      `CSeq: 1 ${method}`,
      'Contact: <sip:me@x.invalid;transport=ws>',
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
    ]
    socket.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }
  const find = (start: string) => received.find(({ startLine }) => startLine.startsWith(start))
  say('INVITE', '<sip:any@gateway>', PEER_SDP)
  await until(() => find('SIP/2.0 200') !== undefined)
  const ok = find('SIP/2.0 200')
  say('ACK', (ok && header(ok, 'to')) ?? '')
  calls[0]?.call.hangup()
  await until(() => find('BYE') !== undefined)
  expect(header(find('BYE') as SipMessage, 'via')).toStartWith('SIP/2.0/WS 127.0.0.1:')
  socket.close()
})

test('IPv6: a call by UDP', async () => {
  const calls: TestCall[] = []
  const callee = await start({ udp: { host: '::1', port: 0 }, onInvite: acceptAll(calls) })
  const caller = await start({ udp: { host: '::1', port: 0 } })
  const outcome = placeCall(caller, `sip:x@[::1]:${callee.port('UDP')}`)
  await outcome.answered
  outcome.call.hangup()
  expect(await calls[0]?.ended).toMatchObject({ by: 'remote' })
})

test('a public address is what Via and Contact say', async () => {
  const seen: string[] = []
  const endpoint = await start({
    publicAddress: '203.0.113.9',
    tap: (direction, message) => {
      if (direction === 'send') {
        seen.push(header(message, 'via') ?? '', header(message, 'contact') ?? '')
      }
      return false
    },
  })
  placeCall(endpoint, 'sip:x@127.0.0.1:9')
  await until(() => seen.length > 0)
  const port = endpoint.port('UDP')
  expect(seen[0]).toStartWith(`SIP/2.0/UDP 203.0.113.9:${port};branch=`)
  expect(seen[1]).toBe(`<sip:caller@203.0.113.9:${port};transport=udp>`)
})

test('after 500 calls and a close nothing keeps the process alive', async () => {
  const script = Bun.fileURLToPath(new URL('./five-hundred-calls.ts', import.meta.url))
  const child = Bun.spawn([process.execPath, script], { stdout: 'pipe', stderr: 'pipe' })
  const timer = setTimeout(() => child.kill(), 20_000)
  const [text, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  clearTimeout(timer)
  expect({ code, error }).toEqual({ code: 0, error: '' })
  expect(JSON.parse(text)).toEqual({
    answered: 500,
    ended: 1_000,
    before: { calls: 0, dialogs: 0, paths: 0, credentials: 0, waiting: 0, faults: 0 },
    after: { transactions: 0, dialogs: 0 },
  })
}, 25_000)
