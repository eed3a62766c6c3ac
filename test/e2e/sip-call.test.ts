import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTones } from '#audio/tone-detector.ts'
import { rejection } from '../support/rejection.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { WireClient } from '../support/wire.ts'
import { PEER_SDP, RawPeer } from '../transport/sip/raw-peer.ts'

let ours: TestGateway
let theirs: TestGateway

beforeAll(async () => {
  ;[ours, theirs] = await Promise.all([
    startGateway({ SIP_PORT: '0' }),
    startGateway({ SIP_PORT: '0', SIP_ACCEPT_TIMEOUT_SECONDS: '0.5' }),
  ])
})
afterAll(async () => {
  await ours[Symbol.asyncDispose]()
  await theirs[Symbol.asyncDispose]()
})

const bobAt = (host: string) => `sip:bob@${host}`
const bob = () => `sip:bob@127.0.0.1:${theirs.app.sipPort}`

/** An application of the other gateway that waits for a call. */
const waiting = () => WireClient.connect(theirs.url, '/call/sip')

async function dial(option: object = {}): Promise<WireClient> {
  const client = await WireClient.connect(ours.url, '/call/sip')
  const callee = bob()
  client.send({ command: 'invite', option: { caller: 'sip:alice@127.0.0.1', callee, ...option } })
  return client
}

/** A call that both sides have accepted: who called, and who was called. */
async function connected(option: object = {}): Promise<readonly [WireClient, WireClient]> {
  const callee = await waiting()
  const caller = await dial(option)
  await callee.sees('incoming')
  callee.send({ command: 'accept', option })
  await Promise.all([caller.sees('answer'), callee.sees('answer')])
  return [caller, callee]
}

async function metric(gateway: TestGateway, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text()
  return Number(new RegExp(`bunpbx_sip_state\\{name="${name}"\\} (\\d+)`).exec(text)?.[1])
}

/** What was recorded of a call: both sides, at 8 kHz. */
async function recorded(gateway: TestGateway, id: string): Promise<[Int16Array, Int16Array]> {
  for (;;) {
    const call = (await (await fetch(`${gateway.url}/calls/${id}`)).json()) as {
      recording?: { durationMs?: number }
    }
    if (call.recording?.durationMs !== undefined) break
    await Bun.sleep(20)
  }
  const file = await (await fetch(`${gateway.url}/calls/${id}/recording`)).arrayBuffer()
  const samples = new Int16Array(file.slice(44))
  return [samples.filter((_, i) => i % 2 === 0), samples.filter((_, i) => i % 2 === 1)]
}

describe('a SIP call', () => {
  test('is offered, rings, and is answered', async () => {
    const callee = await waiting()
    const caller = await dial()
    const incoming = await callee.sees('incoming')
    expect(incoming.caller).toStartWith('sip:alice@127.0.0.1')
    expect(incoming.callee).toBe(bob())
    expect(incoming.sdp).toContain('m=audio')
    callee.send({ command: 'ringing' })
    expect(await caller.sees('ringing')).toMatchObject({ earlyMedia: false })
    callee.send({ command: 'accept' })
    expect((await caller.sees('answer')).sdp).toContain('m=audio')
    await callee.sees('answer')
    caller.send({ command: 'hangup', reason: 'done' })
    expect(await callee.sees('hangup')).toMatchObject({
      reason: 'remote_bye',
      initiator: 'caller',
    })
    expect(await caller.sees('hangup')).toMatchObject({ reason: 'done', initiator: 'user' })
    expect(callee.names).toEqual(['incoming', 'answer', 'trackStart', 'trackEnd', 'hangup'])
  })

  test.each(['pcmu', 'g722'])('carries sound both ways, at the rate for %s', async (codec) => {
    const [caller, callee] = await connected({
      codec,
      recorder: { samplerate: 8000 },
      vad: { type: 'none' },
    })
    const id = callee.events[0]?.event === 'incoming' ? callee.events[0].trackId : ''
    caller.send({ command: 'play', url: 'tone-440.wav' })
    callee.send({ command: 'play', url: 'tone-440.mp3' })
    await caller.sees('trackEnd', { trackId: 'server-side-track' })
    await callee.sees('trackEnd', { trackId: 'server-side-track' })
    await Bun.sleep(200)
    callee.send({ command: 'hangup' })
    await Promise.all([caller.closed, callee.closed])
    const [heard, said] = await recorded(theirs, id)
    expect(findTones(loudest(heard), 8000)).toEqual([440])
    expect(findTones(loudest(said), 8000)).toEqual([440])
  })

  test('tells keys apart from sound, both ways', async () => {
    const [caller, callee] = await connected()
    caller.send({ command: 'dtmf', digits: '12#', durationMs: 60, gapMs: 60 })
    for (const digit of '12#') expect(await callee.sees('dtmf')).toMatchObject({ digit })
    callee.send({ command: 'play', url: 'tone-440.wav' })
    callee.send({ command: 'dtmf', digits: 'a' })
    expect(await caller.sees('dtmf')).toMatchObject({ digit: 'A' })
    // What plays waits for the keys, and loses nothing.
    const { duration } = await callee.sees('trackEnd', { trackId: 'server-side-track' })
    expect(duration).toBeWithin(490, 510)
    callee.send({ command: 'hangup' })
    expect(await caller.sees('hangup')).toMatchObject({ reason: 'remote_bye', initiator: 'callee' })
  })

  test('is heard: speech over the telephone raises speaking and silence', async () => {
    const [caller, callee] = await connected()
    caller.send({ command: 'tts', text: 'Good morning, is anybody there?' })
    await callee.sees('speaking')
    await callee.sees('silence')
    caller.send({ command: 'hangup' })
    await callee.closed
  })

  test('is transferred only by who is asked to', async () => {
    const [caller, callee] = await connected()
    caller.send({ command: 'refer', target: 'sip:carol@127.0.0.1' })
    const request = await callee.sees('transferRequest')
    expect(request.target).toBe('sip:carol@127.0.0.1')
    expect(await caller.sees('hangup')).toMatchObject({ reason: 'transferred' })
    await callee.closed
  })

  test('that is refused says why, and ends', async () => {
    const callee = await waiting()
    const caller = await dial()
    await callee.sees('incoming')
    callee.send({ command: 'reject', code: 486, reason: 'in a meeting' })
    expect(await caller.sees('reject')).toMatchObject({ code: 486 })
    expect(await caller.sees('hangup')).toMatchObject({ reason: 'busy', initiator: 'callee' })
    expect(await callee.sees('hangup')).toMatchObject({
      reason: 'in a meeting',
      initiator: 'user',
    })
    expect(await caller.closed).toMatchObject({ code: 1000 })
  })

  test('that the caller gives up ends at both sides', async () => {
    const callee = await waiting()
    const caller = await dial()
    await callee.sees('incoming')
    caller.send({ command: 'hangup', reason: 'changed my mind' })
    expect(await callee.sees('hangup')).toMatchObject({ reason: 'canceled', initiator: 'caller' })
    expect(await caller.sees('hangup')).toMatchObject({ reason: 'changed my mind' })
  })

  test('that nobody waits for is refused', async () => {
    const caller = await dial()
    expect(await caller.sees('reject')).toMatchObject({ code: 480 })
    await caller.sees('hangup')
  })

  test('on which nobody decides is given up', async () => {
    const callee = await waiting()
    const caller = await dial()
    await callee.sees('incoming')
    expect(await callee.sees('hangup')).toMatchObject({ reason: 'no_answer', initiator: 'system' })
    expect(await caller.sees('reject')).toMatchObject({ code: 408 })
  })

  test('whose application goes away may be tried elsewhere', async () => {
    const callee = await waiting()
    const caller = await dial()
    await callee.sees('incoming')
    callee.ws.close()
    expect(await caller.sees('reject')).toMatchObject({ code: 480 })
    await caller.closed
  })

  test('that finds no port is refused with 503, and costs no other call its own', async () => {
    await using gateway = await startGateway({
      SIP_PORT: '0',
      RTP_PORT_MIN: '19990',
      RTP_PORT_MAX: '19992',
    })
    const to = { callee: `sip:bob@127.0.0.1:${gateway.app.sipPort}` }
    const pairs: WireClient[][] = []
    for (let i = 0; i < 2; i += 1) {
      const callee = await WireClient.connect(gateway.url, '/call/sip')
      const caller = await dial(to)
      await callee.sees('incoming')
      callee.send({ command: 'accept' })
      pairs.push([caller, callee])
      if (i === 0) await caller.sees('answer')
    }
    const [[first], [second, refused]] = pairs as [[WireClient], [WireClient, WireClient]]
    expect(await refused.sees('error')).toMatchObject({ sender: 'accept', code: 503 })
    expect(await refused.closed).toMatchObject({ code: 1011 })
    expect(await second.sees('reject')).toMatchObject({ code: 503 })
    expect(first.names).not.toContain('hangup')
    first.send({ command: 'hangup' })
    await Promise.all(pairs.flat().map(({ closed }) => closed))
  })

  test('that is held by its very answer says so after the answer', async () => {
    const peer = await RawPeer.open((method, request) => {
      if (method !== 'INVITE') return false
      peer.reply(request, 200, { body: `${PEER_SDP}a=sendonly\r\n` })
      return true
    })
    const caller = await dial({ callee: peer.uri })
    expect(await caller.sees('hold')).toMatchObject({ onHold: true })
    expect(caller.names).toEqual(['answer', 'trackStart', 'hold'])
    caller.send({ command: 'hangup' })
    await caller.closed
    peer.close()
  })

  test('goes to who has waited longest', async () => {
    const first = await waiting()
    const second = await waiting()
    const caller = await dial()
    await first.sees('incoming')
    expect(second.names).toEqual([])
    first.ws.close()
    await caller.sees('hangup')
    const next = await dial()
    await second.sees('incoming')
    next.send({ command: 'hangup' })
    await second.closed
  })

  test.each([
    [{ callee: undefined }, 'option.callee: is missing'],
    [{ callee: 'sip:' }, 'not a SIP URI: sip:'],
    [{ callee: 'tel:+4930123' }, 'needs an account (SIP_ACCOUNTS)'],
    [{ callee: bobAt('x'), sip: { headers: { 'a b': 'c' } } }, 'a b'],
  ])('to %o is an error, and close 4400', async (option, error) => {
    const caller = await WireClient.connect(ours.url, '/call/sip')
    caller.send({ command: 'invite', option })
    expect((await caller.sees('error')).error).toContain(error)
    expect(await caller.closed).toMatchObject({ code: 4400 })
  })

  test('cannot be accepted before it has come in', async () => {
    const client = await waiting()
    client.send({ command: 'accept' })
    expect((await client.sees('error')).error).toContain('no call has come in yet')
    expect(await client.closed).toMatchObject({ code: 4400 })
  })

  test('leaves nothing behind', async () => {
    const callers = await Promise.all(Array.from({ length: 10 }, () => connected()))
    for (const [caller] of callers) caller.send({ command: 'hangup' })
    await Promise.all(callers.flatMap((pair) => pair.map(({ closed }) => closed)))
    for (const gateway of [ours, theirs]) {
      while ((await metric(gateway, 'calls')) > 0) await Bun.sleep(20)
      expect(await metric(gateway, 'busyPorts')).toBe(0)
      expect(await metric(gateway, 'dialogs')).toBe(0)
    }
  })
})

test('only numbers that SIP_DIAL_ALLOW lets through are called', async () => {
  await using gateway = await startGateway({ SIP_PORT: '0', SIP_DIAL_ALLOW: '^sip:\\+49' })
  const caller = await WireClient.connect(gateway.url, '/call/sip')
  caller.send({ command: 'invite', option: { callee: 'sip:+1900123@127.0.0.1' } })
  expect(await caller.sees('error')).toMatchObject({ sender: 'invite', code: 403 })
  await caller.closed
})

test('SIP_ALLOW_FROM keeps all others out, without a word', async () => {
  await using gateway = await startGateway({ SIP_PORT: '0', SIP_ALLOW_FROM: '192.0.2.1' })
  const caller = await WireClient.connect(ours.url, '/call/sip')
  const callee = `sip:bob@127.0.0.1:${gateway.app.sipPort}`
  caller.send({ command: 'invite', option: { callee } })
  while ((await metric(gateway, 'received')) === 0) await Bun.sleep(20)
  expect(await metric(gateway, 'sent')).toBe(0)
  caller.send({ command: 'hangup' })
  await caller.closed
})

test('one UDP port serves the audio of many calls', async () => {
  await using gateway = await startGateway({ SIP_PORT: '0', RTP_PORT: '0' })
  const callee = `sip:bob@127.0.0.1:${gateway.app.sipPort}`
  const pairs = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const waiter = await WireClient.connect(gateway.url, '/call/sip')
      const caller = await WireClient.connect(ours.url, '/call/sip')
      caller.send({ command: 'invite', option: { callee } })
      await waiter.sees('incoming')
      waiter.send({ command: 'accept' })
      const answer = await caller.sees('answer')
      return { waiter, caller, port: /m=audio (\d+)/.exec(answer.sdp)?.[1] }
    }),
  )
  expect(new Set(pairs.map(({ port }) => port)).size).toBe(1)
  for (const [i, { caller }] of pairs.entries()) caller.send({ command: 'dtmf', digits: String(i) })
  const heard = await Promise.all(
    pairs.map(async ({ waiter }) => (await waiter.sees('dtmf')).digit),
  )
  // Who waited longest got the first call: all that matters is that each hears one caller.
  expect(heard.toSorted()).toEqual(['0', '1', '2', '3', '4'])
  for (const { caller } of pairs) caller.send({ command: 'hangup' })
  await Promise.all(pairs.flatMap(({ waiter, caller }) => [waiter.closed, caller.closed]))
  while ((await metric(gateway, 'channels')) > 0) await Bun.sleep(20)
})

describe.skipIf(!Bun.which('openssl'))('over TLS (needs openssl)', () => {
  test.each([
    ['offered', true],
    ['required', true],
    ['never', false],
  ])('with SIP_SRTP=%s the audio is encrypted: %p', async (SIP_SRTP, isEncrypted) => {
    const directory = await mkdtemp(join(tmpdir(), 'bunpbx-tls-'))
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
    const files = ['-subj', '/CN=localhost', '-keyout', key, '-out', cert]
    const openssl = ['openssl', ...request.split(' '), ...files]
    expect(await Bun.spawn(openssl, { stderr: 'ignore' }).exited).toBe(0)
    const tls = { SIP_TLS_PORT: '0', SIP_TLS_CERT: cert, SIP_TLS_KEY: key, SIP_TLS_VERIFY: 'false' }
    await using gateway = await startGateway({ SIP_PORT: '0', ...tls, SIP_SRTP })
    const callee = await WireClient.connect(gateway.url, '/call/sip')
    const caller = await WireClient.connect(gateway.url, '/call/sip')
    const uri = `sip:bob@127.0.0.1:${gateway.app.sipTlsPort};transport=tls`
    caller.send({ command: 'invite', option: { caller: 'alice@127.0.0.1', callee: uri } })
    const { sdp } = await callee.sees('incoming')
    expect(sdp.includes('a=crypto:')).toBe(isEncrypted)
    callee.send({ command: 'accept' })
    await caller.sees('answer')
    // Only with the right keys on both sides is anything heard.
    caller.send({ command: 'dtmf', digits: '7' })
    expect(await callee.sees('dtmf')).toMatchObject({ digit: '7' })
    caller.send({ command: 'hangup' })
    await callee.closed
    await rm(directory, { recursive: true })
  })

  test('a certificate that is not there is named at the start', async () => {
    const tls = { SIP_TLS_PORT: '0', SIP_TLS_CERT: '/none.pem', SIP_TLS_KEY: '/none.pem' }
    const error = await rejection(startGateway({ SIP_PORT: '0', ...tls }))
    expect(String(error)).toContain('/none.pem')
  })
})

describe('the webhook', () => {
  test('is told of a call, signed, and its application is given it', async () => {
    const posted = Promise.withResolvers<{ body: string; headers: Headers }>()
    const server = Bun.serve({
      port: 0,
      fetch: async (request) => {
        posted.resolve({ body: await request.text(), headers: request.headers })
        return new Response('ok')
      },
    })
    const secret = Buffer.from('a secret').toString('base64')
    await using gateway = await startGateway({
      SIP_PORT: '0',
      SIP_WEBHOOK_URL: server.url.href,
      SIP_WEBHOOK_SECRET: `whsec_${secret}`,
    })
    const caller = await WireClient.connect(ours.url, '/call/sip')
    const callee = `sip:bob@127.0.0.1:${gateway.app.sipPort}`
    caller.send({ command: 'invite', option: { callee } })
    const { body, headers } = await posted.promise
    const told = JSON.parse(body) as Record<string, unknown>
    expect(told).toMatchObject({ event: 'invite', callee, dialog_id: told['dialogId'] })
    expect(told['offer']).toContain('m=audio')
    expect(told['headers']).toContainEqual(expect.stringMatching(/^Call-ID: /i))
    const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${body}`
    const mac = new Bun.CryptoHasher('sha256', 'a secret').update(signed).digest('base64')
    expect(headers.get('webhook-signature')).toBe(`v1,${mac}`)
    const client = await WireClient.connect(gateway.url, `/call/sip?id=${told['dialogId']}`)
    expect(await client.sees('incoming')).toMatchObject({ trackId: told['dialogId'] })
    client.send({ command: 'accept' })
    await caller.sees('answer')
    caller.send({ command: 'hangup' })
    await client.closed
    await server.stop(true)
  })

  test('tells calls apart that come with the same Call-ID', async () => {
    await using webhook = startWebhook()
    await using gateway = await startGateway({ SIP_PORT: '0', SIP_WEBHOOK_URL: webhook.url })
    const callId = crypto.randomUUID()
    const peer = await RawPeer.open()
    const port = gateway.app.sipPort ?? 0
    for (const tag of ['one', 'two']) peer.send(invite(port, peer.port, { callId, tag }), port)
    while (webhook.told.length < 2) await Bun.sleep(10)
    const [first, second] = webhook.told
    expect(first).not.toBe(second)
    for (const id of webhook.told) {
      const client = await WireClient.connect(gateway.url, `/call/sip?id=${id}`)
      await client.sees('incoming')
      client.ws.close()
      await client.closed
    }
    peer.close()
  })

  test('leaves no socket waiting for a call that is gone', async () => {
    await using gateway = await startGateway({
      SIP_PORT: '0',
      SIP_WEBHOOK_URL: 'http://127.0.0.1:1/',
      INVITE_TIMEOUT_SECONDS: '0.1',
    })
    const late = await WireClient.connect(gateway.url, '/call/sip?id=gone')
    expect(await late.closed).toMatchObject({ code: 4408 })
  })

  test('that fails costs the caller the call, at once', async () => {
    const server = Bun.serve({ port: 0, fetch: () => new Response('no', { status: 500 }) })
    await using gateway = await startGateway({ SIP_PORT: '0', SIP_WEBHOOK_URL: server.url.href })
    const caller = await WireClient.connect(ours.url, '/call/sip')
    caller.send({
      command: 'invite',
      option: { callee: `sip:bob@127.0.0.1:${gateway.app.sipPort}` },
    })
    expect(await caller.sees('reject')).toMatchObject({ code: 503 })
    await server.stop(true)
  })
})

/** An application that is told of calls and only takes note of their ids. */
function startWebhook() {
  const told: string[] = []
  const server = Bun.serve({
    port: 0,
    fetch: async (request) => {
      told.push(((await request.json()) as { dialogId: string }).dialogId)
      return new Response('ok')
    },
  })
  return { told, url: server.url.href, [Symbol.asyncDispose]: () => server.stop(true) }
}

function invite(
  to: number,
  from: number,
  { callId, tag }: { callId: string; tag: string },
): string {
  const lines = [
    `INVITE sip:bob@127.0.0.1:${to} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${from};branch=z9hG4bK${tag}`,
    'Max-Forwards: 70',
    `From: <sip:raw@127.0.0.1>;tag=${tag}`,
    `To: <sip:bob@127.0.0.1:${to}>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:raw@127.0.0.1:${from}>`,
    'Content-Type: application/sdp',
    `Content-Length: ${PEER_SDP.length}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${PEER_SDP}`
}

/** A registrar on the loopback that asks for a password and does not look at it. */
function startRegistrar(): Promise<Bun.udp.Socket<'buffer'>> {
  return Bun.udpSocket({
    hostname: '127.0.0.1',
    socket: {
      data(socket, bytes, port, address) {
        const request = bytes.toString()
        const header = (name: string) =>
          new RegExp(`^${name}: .*$`, 'im').exec(request)?.[0].trim() ?? ''
        const echoed = ['Via', 'From', 'Call-ID', 'CSeq'].map(header)
        const isAuthorized = header('Authorization').includes('username="alice"')
        const status = isAuthorized ? '200 OK' : '401 Unauthorized'
        const own = isAuthorized
          ? [`${header('Contact')};expires=600`]
          : ['WWW-Authenticate: Digest realm="test", nonce="n1", qop="auth"']
        const to = `${header('To')};tag=1`
        const lines = [`SIP/2.0 ${status}`, ...echoed, to, ...own, 'Content-Length: 0', '', '']
        socket.send(lines.join('\r\n'), port, address)
      },
      error() {},
    },
  })
}

test('SIP accounts are registered, and /metrics says so', async () => {
  const registrar = await startRegistrar()
  const address = `sip:alice@127.0.0.1:${registrar.port}`
  {
    const SIP_ACCOUNTS = JSON.stringify([{ address, password: 'secret' }])
    await using gateway = await startGateway({ SIP_PORT: '0', SIP_ACCOUNTS })
    const line = `bunpbx_sip_registrations{address="${address}",status="registered"} 1`
    for (;;) {
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
      if (metrics.includes(line)) break
      await Bun.sleep(20)
    }
  }
  registrar.close()
})

test('a number alone is called by the first account', async () => {
  const provider = await RawPeer.open((method, request, peer) => {
    peer.reply(request, method === 'INVITE' ? 486 : 200)
    return true
  })
  const address = `sip:alice@127.0.0.1:${provider.port}`
  const SIP_ACCOUNTS = JSON.stringify([{ address, password: 'secret' }])
  {
    await using gateway = await startGateway({ SIP_PORT: '0', SIP_ACCOUNTS })
    const caller = await WireClient.connect(gateway.url, '/call/sip')
    caller.send({ command: 'invite', option: { callee: 'tel:+4930123' } })
    expect(await caller.sees('reject')).toMatchObject({ code: 486 })
    expect(provider.lines).toContain('INVITE tel:+4930123 SIP/2.0')
  }
  provider.close()
})

test('SIP that is off says how to turn it on', async () => {
  await using gateway = await startGateway()
  const response = await fetch(`${gateway.url}/call/sip`, { headers: { upgrade: 'websocket' } })
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('SIP_PORT')
})

/** The half second that begins where the sound does. */
function loudest(samples: Int16Array): Int16Array {
  const start = samples.findIndex((sample) => Math.abs(sample) > 2000)
  return samples.subarray(start + 800, start + 4800)
}
