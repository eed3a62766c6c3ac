import { afterAll, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import type { InboundCall } from '#transport/sip/inbound-call.ts'
import { header, type SipMessage } from '#transport/sip/message/sip-message.ts'
import type { SipCallEnd } from '#transport/sip/sip-call.ts'
import type { SipEndpoint, SipEndpointOptions } from '#transport/sip/sip-endpoint.ts'
import { PEER_SDP, RawPeer } from './raw-peer.ts'
import { createTestMedia, placeCall, startEndpoint, until } from './sip-fixture.ts'

const open: { close(): unknown }[] = []
afterAll(async () => {
  await Promise.all(open.map((thing) => thing.close()))
})

async function startPeer(onRequest?: Parameters<typeof RawPeer.open>[0]): Promise<RawPeer> {
  const peer = await RawPeer.open(onRequest)
  open.push(peer)
  return peer
}

async function start(options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const endpoint = await startEndpoint(options)
  open.push(endpoint)
  return endpoint
}

test('a 200 without Contact is acknowledged, and the call goes on', async () => {
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') peer.reply(request, 200, { body: PEER_SDP, hasNoContact: true })
  })
  const endpoint = await start()
  const outcome = placeCall(endpoint, peer.uri)
  await outcome.answered
  outcome.call.hangup()
  await until(() => peer.count('BYE') === 1)
  expect(peer.count('ACK')).toBe(1)
  await until(() => endpoint.stats['calls'] === 0)
})

test('a 183 without Contact and tag still brings early media', async () => {
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    peer.reply(request, 183, { body: PEER_SDP, hasNoContact: true, tag: '' })
    peer.reply(request, 200, { body: PEER_SDP })
  })
  const outcome = placeCall(await start(), peer.uri)
  await outcome.answered
  expect(outcome.provisionals).toMatchObject([{ code: 183, hasEarlyMedia: true }])
  outcome.call.hangup()
})

test('a 200 without SDP takes that of the 183', async () => {
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    peer.reply(request, 183, { body: PEER_SDP })
    peer.reply(request, 200)
  })
  const outcome = placeCall(await start(), peer.uri)
  await outcome.answered
  expect(outcome.agreed).toHaveLength(1)
  outcome.call.hangup()
})

test.each([
  ['without SDP', ''],
  ['with something else', 'hello'],
  ['that refuses the audio', PEER_SDP.replace('42000', '0')],
])('a 200 %s is acknowledged and hung up', async (_name, body) => {
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') peer.reply(request, 200, { body })
  })
  const endpoint = await start()
  const outcome = placeCall(endpoint, peer.uri)
  expect(await outcome.ended).toMatchObject({ by: 'fault', reason: 'bad_sdp', code: 488 })
  await until(() => peer.count('ACK') === 1 && peer.count('BYE') === 1)
  await until(() => endpoint.stats['calls'] === 0 && endpoint.stats['dialogs'] === 0)
})

test('a 183 that came reliably is acknowledged by PRACK', async () => {
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') {
      peer.reply(request, 183, { body: PEER_SDP, headers: ['Require: 100rel', 'RSeq: 77'] })
    }
    if (method !== 'PRACK') return
    peer.reply(request, 200)
    const invite = peer.last('INVITE')
    if (invite !== undefined) peer.reply(invite, 200)
  })
  const outcome = placeCall(await start(), peer.uri)
  await outcome.answered
  const prack = peer.last('PRACK')
  expect(prack && header(prack, 'rack')).toBe('77 1 INVITE')
  expect(outcome.provisionals).toMatchObject([{ hasEarlyMedia: true }])
  outcome.call.hangup()
})

test('of two forks that answer the second is hung up', async () => {
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    peer.reply(request, 180, { tag: 'a' })
    peer.reply(request, 180, { tag: 'b' })
    peer.reply(request, 200, { tag: 'a', body: PEER_SDP })
    peer.reply(request, 200, { tag: 'b', body: PEER_SDP })
  })
  const endpoint = await start()
  const outcome = placeCall(endpoint, peer.uri)
  await outcome.answered
  await until(() => peer.count('BYE') === 1)
  const bye = peer.last('BYE')
  expect(bye && header(bye, 'to')).toContain('tag=b')
  expect(peer.count('ACK')).toBe(2)
  expect(endpoint.stats['calls']).toBe(1)
  outcome.call.hangup()
  await until(() => peer.count('BYE') === 2)
})

test('early media of one fork gives way to the answer of another', async () => {
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    peer.reply(request, 183, { tag: 'a', body: PEER_SDP })
    peer.reply(request, 200, { tag: 'b', body: PEER_SDP.replace('42000', '43000') })
  })
  const outcome = placeCall(await start(), peer.uri)
  await outcome.answered
  expect(outcome.agreed.map(({ remote }) => remote.port)).toEqual([42_000, 43_000])
  outcome.call.hangup()
})

test('a far end that answers CANCEL but not the INVITE is given up', async () => {
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') peer.reply(request, 180)
  })
  const endpoint = await start({ cancelTimeoutMs: 50 })
  const outcome = placeCall(endpoint, peer.uri)
  await until(() => outcome.provisionals.length === 1)
  outcome.call.hangup()
  await until(() => endpoint.stats['calls'] === 0)
  expect(endpoint.stats).toMatchObject({ dialogs: 0, paths: 0 })
})

test('a 200 that crosses the CANCEL is acknowledged and hung up', async () => {
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') {
      peer.reply(request, 180)
      setTimeout(() => peer.reply(request, 200, { body: PEER_SDP }), 40)
    }
  })
  const endpoint = await start()
  const outcome = placeCall(endpoint, peer.uri)
  await until(() => outcome.provisionals.length === 1)
  outcome.call.hangup()
  await until(() => peer.count('BYE') === 1)
  expect(peer.count('ACK')).toBe(1)
  await until(() => endpoint.stats['calls'] === 0 && endpoint.stats['dialogs'] === 0)
})

test('it rings no longer than allowed', async () => {
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') peer.reply(request, 180)
  })
  const outcome = placeCall(await start(), peer.uri, { ringTimeoutMs: 60 })
  expect(await outcome.ended).toMatchObject({ reason: 'no_answer', code: 408 })
  await until(() => peer.count('CANCEL') === 1)
})

/** What the far end would compute from the Authorization header (RFC 7616 §3.4.1). */
function isRight(request: SipMessage, algorithm: string, password: string): boolean {
  const text = header(request, 'authorization') ?? header(request, 'proxy-authorization') ?? ''
  const field = (name: string): string =>
    new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(text)?.[1] ?? ''
  const hash = (value: string): string => createHash(algorithm).update(value).digest('hex')
  const secret = hash(`${field('username')}:${field('realm')}:${password}`)
  const asked = hash(`INVITE:${field('uri')}`)
  const parts = [secret, field('nonce'), field('nc'), field('cnonce'), 'auth', asked]
  return field('uri') !== '' && hash(parts.join(':')) === field('response')
}

test.each([
  [401, 'WWW-Authenticate', 'md5', ['Digest realm="r", nonce="n1", qop="auth"']],
  [
    407,
    'Proxy-Authenticate',
    'md5',
    ['Digest realm="r", nonce="n1", algorithm=MD5, qop="auth,auth-int"'],
  ],
  [
    401,
    'WWW-Authenticate',
    'sha256',
    [
      'Digest realm="r", nonce="n1", algorithm=MD5, qop="auth"',
      'Digest realm="r", nonce="n1", algorithm=SHA-256, qop="auth"',
      'Digest realm="r", nonce="n1", algorithm=SHA-512-256, qop="auth"',
    ],
  ],
])(
  'a %i is answered with the strongest digest that is offered',
  async (status, name, hash, offers) => {
    const peer = await startPeer((method, request) => {
      if (method !== 'INVITE') return
      if (isRight(request, hash, 'se"cret')) peer.reply(request, 200, { body: PEER_SDP })
      else peer.reply(request, status, { headers: offers.map((offer) => `${name}: ${offer}`) })
    })
    const credentials = { username: 'alice', password: 'se"cret' }
    const outcome = placeCall(await start(), peer.uri, { credentials })
    await outcome.answered
    expect(peer.count('INVITE')).toBe(2)
    outcome.call.hangup()
  },
)

test('a wrong password is tried once; a stale nonce is answered anew', async () => {
  let asked = 0
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    asked += 1
    const stale = asked === 2 ? ', stale=TRUE' : ''
    peer.reply(request, 401, {
      headers: [`WWW-Authenticate: Digest realm="r", nonce="n${asked}", qop="auth"${stale}`],
    })
  })
  const credentials = { username: 'alice', password: 'wrong' }
  const outcome = placeCall(await start(), peer.uri, { credentials })
  expect(await outcome.ended).toMatchObject({ by: 'remote', code: 401, reason: 'rejected' })
  expect(asked).toBe(3)
})

test('credentials of one realm are not given to another', async () => {
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    peer.reply(request, 401, { headers: ['WWW-Authenticate: Digest realm="evil", nonce="n"'] })
  })
  const credentials = { username: 'alice', password: 'x', realm: 'mine' }
  const outcome = placeCall(await start(), peer.uri, { credentials })
  expect(await outcome.ended).toMatchObject({ code: 401 })
  expect(peer.count('INVITE')).toBe(1)
})

test('a session interval that is too small is asked for again as the far end wants it', async () => {
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    if (header(request, 'session-expires') === '3600') {
      peer.reply(request, 200, { body: PEER_SDP })
    } else peer.reply(request, 422, { headers: ['Min-SE: 3600'] })
  })
  const outcome = placeCall(await start(), peer.uri)
  await outcome.answered
  outcome.call.hangup()
})

test('the route set of a proxy is followed in its order', async () => {
  const proxy = await startPeer()
  const peer = await startPeer((method, request) => {
    if (method !== 'INVITE') return
    const routes = [`<sip:127.0.0.1:1;lr;n=2>, <sip:127.0.0.1:${proxy.port};lr;n=1>`]
    peer.reply(request, 200, { body: PEER_SDP, headers: [`Record-Route: ${routes[0]}`] })
  })
  const outcome = placeCall(await start(), peer.uri)
  await outcome.answered
  await until(() => proxy.count('ACK') === 1)
  const ack = proxy.last('ACK')
  const routes = ack?.headers.filter(({ name }) => name === 'route').map(({ value }) => value)
  expect(routes?.map((route) => /n=\d/.exec(route)?.[0])).toEqual(['n=1', 'n=2'])
  outcome.call.hangup()
  await until(() => proxy.count('BYE') === 1)
})

test('an outbound proxy gets the INVITE, its ACK and its CANCEL', async () => {
  const proxy = await startPeer((method, request) => {
    if (method === 'INVITE') proxy.reply(request, 486)
  })
  const outcome = placeCall(await start(), 'sip:+4930@pbx.invalid', {
    proxy: `sip:127.0.0.1:${proxy.port}`,
  })
  expect(await outcome.ended).toMatchObject({ reason: 'busy' })
  await until(() => proxy.count('ACK') === 1)
  expect(proxy.lines[0]).toBe('INVITE sip:+4930@pbx.invalid SIP/2.0')
})

test('the next address is called when the first is out of service', async () => {
  const first = await startPeer((method, request) => {
    if (method === 'INVITE') first.reply(request, 503)
  })
  const second = await startPeer((method, request) => {
    if (method === 'INVITE') second.reply(request, 200, { body: PEER_SDP })
  })
  const records = [first, second].map(({ port }, i) => {
    return { name: 'host.example', port, priority: i, weight: 0 }
  })
  const endpoint = await start({
    dns: {
      naptr: () => Promise.reject(new Error('none')),
      srv: (name) => Promise.resolve(name === '_sip._udp.pbx.example' ? records : []),
      addresses: () => Promise.resolve(['127.0.0.1']),
    },
  })
  const outcome = placeCall(endpoint, 'sip:bob@pbx.example')
  await outcome.answered
  expect(first.count('INVITE')).toBe(1)
  outcome.call.hangup()
})

/** An endpoint that has taken a call of a raw peer. */
async function takeCall(invite: { headers?: string[]; body?: string } = {}) {
  const { media, agreed } = createTestMedia(41_000)
  const ended = Promise.withResolvers<SipCallEnd>()
  const calls: InboundCall[] = []
  const endpoint = await start({
    onInvite: (call) => {
      calls.push(call)
      call.attach({ onEnded: ended.resolve })
      call.accept(media)
    },
  })
  const peer = await startPeer()
  const port = endpoint.port('UDP') ?? 0
  const callId = `raw-${port}-${peer.port}`
  peer.request('INVITE', { port, callId, ...invite })
  await until(() => peer.last('SIP/2.0 200') !== undefined)
  const ok = peer.last('SIP/2.0 200')
  const to = (ok && header(ok, 'to')) ?? ''
  const answer = async (
    method: string,
    cseq: number,
    more: Partial<Parameters<RawPeer['request']>[1]> = {},
  ): Promise<SipMessage> => {
    const before = peer.received.length
    peer.request(method, { port, callId, to, cseq, ...more })
    const isFinal = (message: SipMessage): boolean =>
      /^SIP\/2\.0 [2-6]/.test(message.startLine) && header(message, 'cseq') === `${cseq} ${method}`
    await until(() => peer.received.slice(before).some(isFinal))
    return peer.received.slice(before).find(isFinal) as SipMessage
  }
  return { endpoint, peer, port, callId, to, ok, calls, agreed, ended: ended.promise, answer }
}

test('an INVITE without SDP gets our offer, and the ACK brings the answer', async () => {
  const { peer, port, callId, to, ok, agreed, answer } = await takeCall()
  expect(ok?.body).toContain('m=audio 41000 RTP/AVP 0 8 9 96 101 97')
  peer.request('ACK', { port, callId, to, body: PEER_SDP })
  await until(() => agreed.length === 1)
  expect(agreed[0]).toMatchObject({ codec: { name: 'pcmu' }, remote: { port: 42_000 } })
  expect((await answer('BYE', 2)).startLine).toBe('SIP/2.0 200 OK')
})

test('an ACK that brings no answer to our offer ends the call', async () => {
  const { peer, port, callId, to, ended } = await takeCall()
  peer.request('ACK', { port, callId, to })
  expect(await ended).toMatchObject({ by: 'fault', reason: 'bad_sdp' })
  await until(() => peer.count('BYE') === 1)
})

test('hold in all its forms is answered as it should be, and resume undoes it', async () => {
  const { peer, port, callId, to, agreed, answer } = await takeCall({ body: PEER_SDP })
  peer.request('ACK', { port, callId, to })
  const cases = [
    [PEER_SDP.replace('t=0 0\r\n', 't=0 0\r\na=sendonly\r\n'), 'recvonly'],
    [`${PEER_SDP}a=inactive\r\n`, 'inactive'],
    [PEER_SDP.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 0.0.0.0'), 'recvonly'],
    [PEER_SDP, 'sendrecv'],
  ] as const
  for (const [i, [body, direction]] of cases.entries()) {
    const reply = await answer('INVITE', i + 2, { body })
    expect(reply.startLine).toBe('SIP/2.0 200 OK')
    expect(reply.body).toContain(`a=${direction}\r\n`)
    expect(agreed.at(-1)?.direction).toBe(direction)
    expect(header(reply, 'contact')).toContain(`:${port}`)
    peer.request('ACK', { port, callId, to, cseq: i + 2, branch: `z9hG4bKack${i}` })
  }
})

test('an offer without a common codec is refused, and the call stays as it was', async () => {
  const { peer, port, callId, to, agreed, answer, endpoint } = await takeCall({ body: PEER_SDP })
  peer.request('ACK', { port, callId, to })
  const reply = await answer('INVITE', 2, { body: PEER_SDP.replace('AVP 0 101', 'AVP 18') })
  expect(reply.startLine).toStartWith('SIP/2.0 488')
  peer.request('ACK', { port, callId, to, cseq: 2, branch: `z9hG4bK${callId}INVITE2` })
  expect(agreed).toHaveLength(1)
  expect(endpoint.stats['calls']).toBe(1)
  expect((await answer('INVITE', 3, { body: PEER_SDP })).startLine).toBe('SIP/2.0 200 OK')
})

test('UPDATE refreshes, holds, and moves the Contact', async () => {
  const { peer, port, callId, to, agreed, answer } = await takeCall({
    body: PEER_SDP,
    headers: ['Supported: timer', 'Session-Expires: 120;refresher=uac'],
  })
  peer.request('ACK', { port, callId, to })
  const timer = ['Supported: timer', 'Session-Expires: 120;refresher=uac']
  const refreshed = await answer('UPDATE', 2, { headers: timer })
  expect(refreshed.startLine).toBe('SIP/2.0 200 OK')
  expect(header(refreshed, 'session-expires')).toBe('120;refresher=uac')
  const held = await answer('UPDATE', 3, { body: `${PEER_SDP}a=sendonly\r\n` })
  expect(held.body).toContain('a=recvonly')
  expect(agreed.at(-1)?.direction).toBe('recvonly')
  // Repeated, it is answered again and not taken for an older one.
  expect((await answer('UPDATE', 3, { body: `${PEER_SDP}a=sendonly\r\n` })).startLine).toBe(
    'SIP/2.0 200 OK',
  )
  expect((await answer('UPDATE', 2, { branch: 'z9hG4bKold' })).startLine).toStartWith('SIP/2.0 500')
})

test('a far end that supports session timers is told who refreshes', async () => {
  const { ok } = await takeCall({
    body: PEER_SDP,
    headers: ['Supported: timer', 'Session-Expires: 1800'],
  })
  expect(ok && header(ok, 'session-expires')).toBe('1800;refresher=uac')
  expect(ok && header(ok, 'require')).toBe('timer')
})

test('keys in INFO, OPTIONS and unknown requests in a call are answered', async () => {
  const { peer, port, callId, to, answer } = await takeCall({ body: PEER_SDP })
  peer.request('ACK', { port, callId, to })
  const relay = { body: 'Signal=10\r\nDuration=100\r\n', type: 'application/dtmf-relay' }
  expect((await answer('INFO', 2, relay)).startLine).toBe('SIP/2.0 200 OK')
  expect((await answer('OPTIONS', 3)).startLine).toBe('SIP/2.0 200 OK')
  expect((await answer('SUBSCRIBE', 4)).startLine).toStartWith('SIP/2.0 405')
  expect((await answer('REFER', 5, { headers: ['Refer-To: <sip:x@y>'] })).startLine).toStartWith(
    'SIP/2.0 603',
  )
})

test('a caller may give up by BYE before the answer', async () => {
  const ended = Promise.withResolvers<SipCallEnd>()
  const endpoint = await start({
    onInvite: (call) => {
      call.attach({ onEnded: ended.resolve })
      call.ring()
    },
  })
  const peer = await startPeer()
  const port = endpoint.port('UDP') ?? 0
  peer.request('INVITE', { port, callId: 'early-bye', body: PEER_SDP })
  await until(() => peer.last('SIP/2.0 180') !== undefined)
  const ringing = peer.last('SIP/2.0 180')
  const to = (ringing && header(ringing, 'to')) ?? ''
  peer.request('BYE', { port, callId: 'early-bye', to, cseq: 2 })
  expect(await ended.promise).toMatchObject({ by: 'remote', reason: 'canceled' })
  await until(() => peer.last('SIP/2.0 487') !== undefined)
  expect(peer.last('SIP/2.0 200')).toBeDefined()
})

test('unsolicited news of voice mail is taken without complaint', async () => {
  const endpoint = await start()
  const peer = await startPeer()
  const port = endpoint.port('UDP') ?? 0
  const headers = ['Event: message-summary', 'Subscription-State: active']
  peer.request('NOTIFY', { port, callId: 'mwi', headers })
  await until(() => peer.lines.length === 1)
  expect(peer.lines[0]).toBe('SIP/2.0 200 OK')
})

test('sources beyond their limit and scanners get no answer', async () => {
  const endpoint = await start({ limit: { perSecond: 0.001, burst: 2 } })
  const peer = await startPeer()
  const port = endpoint.port('UDP') ?? 0
  peer.request('OPTIONS', { port, callId: 's', headers: ['User-Agent: friendly-scanner'] })
  for (let i = 0; i < 5; i += 1) peer.request('OPTIONS', { port, callId: `l${i}` })
  await until(() => endpoint.stats['ignored'] === 4)
  expect(endpoint.stats).toMatchObject({ limited: 3 })
  expect(peer.lines).toEqual(['SIP/2.0 200 OK', 'SIP/2.0 200 OK'])
})

test('one dead peer costs the others nothing', async () => {
  const dead = await RawPeer.open()
  const deadUri = dead.uri
  dead.close()
  const peer = await startPeer((method, request) => {
    if (method === 'INVITE') peer.reply(request, 486)
  })
  const endpoint = await start()
  const outcomes = []
  for (let i = 0; i < 20; i += 1) {
    const lost = placeCall(endpoint, deadUri)
    await Bun.sleep(2)
    const outcome = placeCall(endpoint, peer.uri)
    outcomes.push(outcome)
    await outcome.ended
    lost.call.hangup()
  }
  expect(outcomes.every(({ rejections }) => rejections[0]?.code === 486)).toBe(true)
  // None had to be repeated.
  expect(peer.count('INVITE')).toBe(20)
})
