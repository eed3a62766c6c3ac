import { afterAll, expect, test } from 'bun:test'
import type { InboundCall } from '#transport/sip/inbound-call.ts'
import type { SipCallEnd, TransferRequest } from '#transport/sip/sip-call.ts'
import type { SipEndpoint, SipEndpointOptions } from '#transport/sip/sip-endpoint.ts'
import { rejection } from '../../support/rejection.ts'
import {
  acceptAll,
  createTestMedia,
  Losses,
  placeCall,
  startEndpoint,
  type TestCall,
  until,
  uriOf,
} from './sip-fixture.ts'

const endpoints: SipEndpoint[] = []
afterAll(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
})

async function start(options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const endpoint = await startEndpoint(options)
  endpoints.push(endpoint)
  return endpoint
}

/** An answered call and both its ends. */
async function talk() {
  const { media, agreed } = createTestMedia(41_000)
  const inbound = Promise.withResolvers<InboundCall>()
  const ended = Promise.withResolvers<SipCallEnd>()
  const digits: string[] = []
  const transfers: TransferRequest[] = []
  const calleeLosses = new Losses()
  const callee = await start({
    tap: calleeLosses.tap,
    onInvite: (call) => {
      call.attach({
        onEnded: ended.resolve,
        onDtmf: (digit, ms) => digits.push(`${digit}:${ms}`),
        onTransferRequest: (request) => transfers.push(request),
      })
      call.accept(media)
      inbound.resolve(call)
    },
  })
  const caller = await start()
  const outcome = placeCall(caller, uriOf(callee, '+4930123'))
  await outcome.answered
  const call = await inbound.promise
  await until(() => calleeLosses.seen.includes('receive ACK'))
  return {
    caller,
    callee,
    outcome,
    inbound: { call, media, agreed, ended: ended.promise, digits, transfers },
  }
}

test('an inbound call tells who calls, whom, and from where', async () => {
  const { inbound, outcome } = await talk()
  const { description } = inbound.call
  expect(description.from).toBe('sip:caller@127.0.0.1')
  expect(description.requestUri).toMatch(/^sip:\+4930123@127\.0\.0\.1:\d+$/)
  expect(description.callId).toBe(outcome.call.callId)
  expect(description.source.host).toBe('127.0.0.1')
  expect(description.headers.some((line) => /^user-agent: BunPBX$/i.test(line))).toBe(true)
  expect(outcome.agreed[0]).toMatchObject({
    payloadType: 0,
    telephoneEventType: 101,
    ptimeMs: 20,
    direction: 'sendrecv',
    remote: { address: '127.0.0.1', port: 41_000 },
  })
  expect(inbound.agreed[0]).toMatchObject({ codec: { name: 'pcmu' }, direction: 'sendrecv' })
})

test('who is called may hang up, with headers of its own', async () => {
  const { inbound, outcome } = await talk()
  inbound.call.hangup({ headers: { Reason: 'Q.850;cause=16;text="done"' } })
  expect(await outcome.ended).toEqual({
    by: 'remote',
    reason: 'remote_bye',
    cause: 'Q.850;cause=16;text="done"',
  })
})

test('a hang-up before the ACK has come is sent after it', async () => {
  const ended: SipCallEnd[] = []
  const callee = await start({
    onInvite: (call) => {
      call.attach({ onEnded: (end) => ended.push(end) })
      call.accept(createTestMedia().media)
      call.hangup()
    },
  })
  const caller = await start()
  const outcome = placeCall(caller, uriOf(callee))
  expect(await outcome.ended).toMatchObject({ by: 'remote', reason: 'remote_bye' })
  expect(ended).toMatchObject([{ by: 'local', reason: 'hangup' }])
  await until(() => callee.stats['calls'] === 0)
})

test('either end may hold and resume, and the codec stays', async () => {
  const { inbound, outcome } = await talk()
  outcome.media.hold(true)
  await outcome.call.reoffer()
  expect(inbound.agreed.at(-1)).toMatchObject({ direction: 'recvonly', codec: { name: 'pcmu' } })
  expect(outcome.agreed.at(-1)?.direction).toBe('sendonly')
  inbound.media.hold(true)
  await inbound.call.reoffer()
  expect(outcome.agreed.at(-1)?.direction).toBe('inactive')
  inbound.media.hold(false)
  outcome.media.hold(false)
  await outcome.call.reoffer()
  expect(inbound.agreed.at(-1)?.direction).toBe('sendrecv')
  expect(outcome.agreed.at(-1)?.direction).toBe('sendrecv')
})

test('offers of both ends at once are sorted out', async () => {
  const { inbound, outcome } = await talk()
  const both = [outcome.call.reoffer(), inbound.call.reoffer()]
  await Promise.all(both)
  expect(outcome.agreed.length).toBeGreaterThanOrEqual(3)
}, 15_000)

test('an offer that ends with the call is rejected', async () => {
  const { outcome } = await talk()
  const offer = outcome.call.reoffer()
  outcome.call.hangup()
  expect(await rejection(offer)).toMatchObject({ code: 'closed' })
})

test('keys are told by INFO', async () => {
  const { inbound, outcome } = await talk()
  await outcome.call.sendDtmf('#', 160)
  expect(inbound.digits).toEqual(['#:160'])
})

test('a transfer is asked for, reported, and never dialled by itself', async () => {
  const { inbound, outcome, callee } = await talk()
  const result = outcome.call.refer('sip:other@127.0.0.1')
  await until(() => inbound.transfers.length === 1)
  expect(inbound.transfers[0]).toMatchObject({ target: 'sip:other@127.0.0.1' })
  inbound.transfers[0]?.finish(200)
  expect(await result).toBe(200)
  expect(callee.stats['calls']).toBe(1)
})

test('an end that takes no transfers declines them', async () => {
  const { inbound } = await talk()
  expect(await rejection(inbound.call.refer('sip:other@127.0.0.1'))).toMatchObject({
    code: 'refused',
    status: 603,
  })
})

test.each([
  [486, 'busy'],
  [603, 'rejected'],
  [480, 'no_answer'],
  [404, 'rejected'],
])('a refusal with %i ends the call as %s, and its code is kept', async (code, reason) => {
  const callee = await start({
    onInvite: (call) => {
      call.attach({ onEnded: () => undefined })
      call.reject({ code, headers: { Reason: 'Q.850;cause=17' } })
    },
  })
  const caller = await start()
  const outcome = placeCall(caller, uriOf(callee))
  const end = { by: 'remote', reason, code, cause: 'Q.850;cause=17' } as const
  expect(await outcome.ended).toEqual(end)
  expect(outcome.rejections).toMatchObject([{ code, contacts: [] }])
})

test('a 302 is told with its contacts and not followed', async () => {
  const callee = await start({
    onInvite: (call) => {
      call.attach({ onEnded: () => undefined })
      call.reject({ code: 302, contacts: ['sip:elsewhere@192.0.2.9'] })
    },
  })
  const caller = await start()
  const outcome = placeCall(caller, uriOf(callee))
  expect(await outcome.ended).toMatchObject({ code: 302, reason: 'rejected' })
  expect(outcome.rejections[0]?.contacts).toEqual(['sip:elsewhere@192.0.2.9'])
})

test('a call without a common codec can be refused, and says what the far end has', async () => {
  const errors: unknown[] = []
  const callee = await start({
    onInvite: (call) => {
      call.attach({ onEnded: () => undefined })
      try {
        call.accept(createTestMedia().media)
      } catch (error) {
        errors.push(error)
        call.reject({ code: 488 })
      }
    },
  })
  const caller = await start()
  const { media } = createTestMedia()
  media.createOffer = () =>
    'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n'
  const outcome = placeCall(caller, uriOf(callee), { media })
  expect(await outcome.ended).toMatchObject({ code: 488 })
  expect(String(errors[0])).toContain('the far end has G729')
})

test('early media of a 183 is agreed on before the answer', async () => {
  const calls: InboundCall[] = []
  const { media } = createTestMedia(41_000)
  const callee = await start({
    onInvite: (call) => {
      calls.push(call)
      call.attach({ onEnded: () => undefined })
      call.ring({ code: 183, media })
    },
  })
  const caller = await start()
  const outcome = placeCall(caller, uriOf(callee))
  await until(() => outcome.agreed.length === 1)
  expect(outcome.provisionals).toMatchObject([{ code: 183, hasEarlyMedia: true }])
  calls[0]?.accept(media)
  await outcome.answered
  expect(outcome.agreed).toHaveLength(1)
  outcome.call.hangup()
})

test('a caller that requires 100rel gets it reliably, and answers with PRACK', async () => {
  const { media } = createTestMedia(41_000)
  const losses = new Losses({ '183/INVITE': 1 })
  const ended: SipCallEnd[] = []
  const callee = await start({
    tap: losses.tap,
    onInvite: (call) => {
      call.attach({ onEnded: (end) => ended.push(end) })
      call.ring({ code: 183, media })
      call.accept(media)
    },
  })
  const caller = await start()
  // Our own INVITE only supports 100rel; on its way it is made to require it.
  const relay = await startRelay(caller, callee, (text) =>
    text.replace(/^(INVITE[^\r]*\r\n)/, '$1Require: 100rel\r\n'),
  )
  const outcome = placeCall(caller, `sip:x@127.0.0.1:${relay.port}`)
  await outcome.answered
  expect(losses.seen).toContain('receive PRACK')
  expect(losses.seen.indexOf('receive PRACK')).toBeLessThan(losses.seen.indexOf('send 200/INVITE'))
  outcome.call.hangup()
  await until(() => ended.length === 1)
  relay.close()
})

/** Passes datagrams between two ends, changing those of the caller. */
function startRelay(
  caller: SipEndpoint,
  callee: SipEndpoint,
  change: (text: string) => string,
): Promise<Bun.udp.Socket<'buffer'>> {
  const callerPort = caller.port('UDP')
  return Bun.udpSocket({
    hostname: '127.0.0.1',
    socket: {
      data(socket, data, port) {
        const isOfCaller = port === callerPort
        const to = isOfCaller ? callee.port('UDP') : callerPort
        socket.send(isOfCaller ? change(data.toString()) : data, to ?? 0, '127.0.0.1')
      },
      error() {},
    },
  })
}

test('a hang-up at any moment of the setting up ends the call on both sides', async () => {
  const calls: TestCall[] = []
  const callee = await start({
    onInvite: (call) => {
      const { promise, resolve } = Promise.withResolvers<SipCallEnd>()
      calls.push({ call, ended: promise })
      call.attach({ onEnded: resolve })
      setTimeout(() => call.ring(), 5)
      setTimeout(() => {
        try {
          call.accept(createTestMedia().media)
        } catch {
          // It has been canceled meanwhile.
        }
      }, 10)
    },
  })
  const caller = await start()
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const outcome = placeCall(caller, uriOf(callee))
      await Bun.sleep(i / 3)
      outcome.call.hangup()
      return outcome
    }),
  )
  for (const { ended } of outcomes) expect((await ended).by).toBe('local')
  await Promise.all(calls.map(({ ended }) => ended))
  await until(() => caller.stats['calls'] === 0 && callee.stats['calls'] === 0, 10_000)
  // The last answers of the protocol come after the calls are over for the application.
  for (const endpoint of [caller, callee]) {
    await until(() => endpoint.stats['dialogs'] === 0 && endpoint.stats['waiting'] === 0, 10_000)
    expect(endpoint.stats).toMatchObject({ dialogs: 0, paths: 0, waiting: 0 })
  }
}, 30_000)

test('nobody there: the call ends after 32 s at the latest, and without delay when refused', async () => {
  const caller = await start()
  const outcome = placeCall(caller, 'sip:x@127.0.0.1;transport=tcp')
  expect(await outcome.ended).toMatchObject({ by: 'fault', reason: 'unreachable', code: 503 })
})

test('a call to oneself is two calls', async () => {
  const calls: TestCall[] = []
  const endpoint: SipEndpoint = await start({ onInvite: acceptAll(calls) })
  const outcome = placeCall(endpoint, uriOf(endpoint))
  await outcome.answered
  outcome.call.hangup()
  expect(await calls[0]?.ended).toMatchObject({ by: 'remote' })
  await until(() => endpoint.stats['calls'] === 0)
  expect(endpoint.stats).toMatchObject({ dialogs: 0, paths: 0 })
})

test('headers of the client are sent, and none can break the message', async () => {
  const calls: TestCall[] = []
  const callee = await start({ onInvite: acceptAll(calls) })
  const caller = await start()
  const outcome = placeCall(caller, uriOf(callee), { headers: { 'X-Account': '42 — ü' } })
  await outcome.answered
  expect(calls[0]?.call.description.headers).toContain('X-Account: 42 — ü')
  for (const headers of [{ 'X-A': 'b\r\nVia: c' }, { Via: 'x' }, { 'a b': 'c' }]) {
    const place = () => placeCall(caller, uriOf(callee), { headers })
    expect(place).toThrow(expect.objectContaining({ code: 'bad_header' }))
  }
  outcome.call.hangup()
})

test('nothing that a client says can break out of its field', async () => {
  const { caller, outcome } = await talk()
  const evil = 'sip:a@127.0.0.1>\r\nVia: x'
  for (const options of [{ from: evil }, { proxy: evil }, { callId: 'a\r\nVia: x' }]) {
    expect(() => placeCall(caller, 'sip:b@127.0.0.1', options)).toThrow()
  }
  expect(() => placeCall(caller, evil)).toThrow(expect.objectContaining({ code: 'bad_uri' }))
  expect(await rejection(outcome.call.refer(evil))).toMatchObject({ code: 'bad_uri' })
  expect(await rejection(outcome.call.sendDtmf('1\r\n', 100))).toMatchObject({
    code: 'bad_message',
  })
  const hangUp = () => outcome.call.hangup({ headers: { 'X-A': 'b\r\nc' } })
  expect(hangUp).toThrow(expect.objectContaining({ code: 'bad_header' }))
  outcome.call.hangup()
})

test('closing hangs up what is under way', async () => {
  const { caller, inbound, outcome } = await talk()
  await caller.close()
  expect(await outcome.ended).toMatchObject({ by: 'local', reason: 'server_shutdown' })
  expect(await inbound.ended).toMatchObject({ by: 'remote' })
})
