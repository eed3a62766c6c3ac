import { expect, test } from 'bun:test'
import { Core, Grammar, NameAddrHeader, URI } from 'sip.js'
import { AllowedMethods } from 'sip.js/lib/core/user-agent-core/allowed-methods.js'
import { parse } from 'sip.js/lib/grammar/pegjs/dist/grammar.js'
import { prepareSipJs } from '#transport/sip/engine/prepare-sip-js.ts'
import { SipEngine } from '#transport/sip/engine/sip-engine.ts'
import { parseSipMessage } from '#transport/sip/message/sip-message.ts'

/*
 * What src/transport/sip relies on in sip.js beyond its documented interface. When one of these
 * fails after an update, the code named in the test has to be looked at before anything else.
 */

prepareSipJs()

/** What the generated grammar of sip.js itself makes of a value; -1 when it refuses it. */
function slow(text: string, startRule: string): unknown {
  const options: { startRule: string; data?: unknown } = { startRule }
  try {
    parse(text, options)
  } catch {
    return -1
  }
  return options.data
}

function invite(to = '<sip:b@example.com>'): string {
  return [
    'INVITE sip:+49301@127.0.0.1 SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKabc;received=127.0.0.1;rport=9',
    'From: <sip:a@127.0.0.1>;tag=a',
    `To: ${to}`,
    'Call-ID: contract',
    'CSeq: 7 INVITE',
    'Contact: <sip:a@127.0.0.1:9>',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}

function createEngine() {
  const sent: string[] = []
  const invites: Core.IncomingInviteRequest[] = []
  const engine = new SipEngine({
    protocol: 'UDP',
    host: '127.0.0.1',
    port: 5060,
    userAgent: 'test',
    send: (text) => {
      sent.push(text)
      return Promise.resolve()
    },
    findCredentials: () => undefined,
    onInvite: (request) => invites.push(request),
    onUpdate: () => undefined,
  })
  return { engine, sent, invites }
}

test('Grammar.parse is called through its property, so that fast rules can stand before it', () => {
  const before = Grammar.parse
  const rules: string[] = []
  Grammar.parse = (text: string, rule: string) => {
    rules.push(rule)
    return before(text, rule)
  }
  try {
    const { engine } = createEngine()
    engine.receive(parseSipMessage(invite()))
    expect(rules).toContain('Request_Response')
    expect(rules).toContain('Via')
    engine.close()
  } finally {
    Grammar.parse = before
  }
})

test.each([
  ['SIP/2.0 180 Ringing', 'Request_Response'],
  ['42 INVITE', 'CSeq'],
  ['70', 'Max_Forwards'],
  ['130', 'Content_Length'],
  ['application/sdp', 'Content_Type'],
  ['abc-def@host', 'Call_ID'],
])('the fast rules make the same of %p as the grammar of %s', (text, rule) => {
  expect(Grammar.parse(text, rule)).toEqual(slow(text, rule) as never)
})

test.each([
  'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=192.0.2.9;rport=5070',
  'SIP/2.0/TCP host.example.com;branch=z9hG4bK1;rport',
  'SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1',
])('the fast rules read of the Via %p what sip.js uses', (text) => {
  const fast = Grammar.parse(text, 'Via')
  const { transport, host, port, branch, received } = slow(text, 'Via') as Record<string, string>
  expect(fast).toMatchObject({ transport, host, branch })
  expect([fast.port, fast.received]).toEqual([port, received])
})

test.each([
  '"A \\"B\\" C" <sip:alice@example.com:5070;transport=tcp;lr>;tag=x;q=0.7',
  'Alice <sip:alice%20b@EXAMPLE.com>;tag=1',
  '<sip:+4930123;phone-context=x@example.com>',
  'sip:alice@example.com;tag=9',
  '<sips:[2001:db8::1]:5061>;expires=60',
])('the fast rules read the address %p as the grammar does', (text) => {
  for (const rule of ['From', 'To']) {
    const fast = Grammar.parse(text, rule) as NameAddrHeader
    const known = slow(text, rule) as NameAddrHeader
    expect(fast).toBeInstanceOf(NameAddrHeader)
    expect(fast.uri.toRaw()).toBe(known.uri.toRaw())
    expect(fast.displayName ?? '').toBe(known.displayName ?? '')
    for (const name of ['tag', 'q', 'expires', 'lr']) {
      expect(fast.getParam(name)).toBe(known.getParam(name))
      expect(fast.uri.getParam(name)).toBe(known.uri.getParam(name))
    }
  }
})

test('Core.Timers and AllowedMethods are live tables', () => {
  expect(Core.Timers).toMatchObject({ TIMER_D: 32_000, TIMER_I: 5_000, TIMER_J: 32_000 })
  expect(Core.Timers).toMatchObject({ TIMER_K: 5_000, T1: 500, T2: 4_000 })
  expect(AllowedMethods).toContain('UPDATE')
  expect(AllowedMethods).not.toContain('SUBSCRIBE')
})

test('ClientTransaction.makeId is asked for branches: long ones, and that of the INVITE for CANCEL', () => {
  const { engine, sent } = createEngine()
  const uri = new URI('sip', 'b', '192.0.2.1')
  const request = engine.createRequest('INVITE', {
    uri,
    from: uri,
    to: uri,
    callId: 'c',
    cseq: 1,
    headers: [],
  })
  engine.core.invite(request)
  const branch = /branch=(z9hG4bK[0-9a-f]{32})/.exec(sent[0] ?? '')?.[1]
  expect(branch).toBeDefined()
  const reply = [
    'SIP/2.0 100 Trying',
    `Via: SIP/2.0/UDP 127.0.0.1:5060;branch=${branch}`,
    'From: <sip:b@192.0.2.1>;tag=1',
    'To: <sip:b@192.0.2.1>',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    '\r\n',
  ].join('\r\n')
  const [client] = engine.core.userAgentClients.values()
  engine.receive(parseSipMessage(reply))
  ;(client as unknown as Core.OutgoingInviteRequest).cancel()
  expect(sent[1]).toStartWith('CANCEL ')
  expect(sent[1]).toContain(`branch=${branch}`)
  // `forgetUnanswered`: the protected transaction and its state.
  engine.forgetUnanswered(client as unknown as Core.OutgoingInviteRequest)
  expect([...engine.core.userAgentClients.values()]).not.toContain(client as never)
  engine.close()
})

test('configuration.aor is looked at for each request, so that any user part is ours', () => {
  const { engine, sent, invites } = createEngine()
  expect(engine.receive(parseSipMessage(invite()))).toBe(true)
  expect(invites).toHaveLength(1)
  expect(sent.some((text) => text.startsWith('SIP/2.0 404'))).toBe(false)
  engine.close()
})

test('a dialog has sequenceGuard and a dialogState that can be moved; Dialog.receiveRequest counts', () => {
  const { engine, invites } = createEngine()
  engine.receive(parseSipMessage(invite()))
  const body = { contentDisposition: 'session', contentType: 'application/sdp', content: 'v=0' }
  const accepted = invites[0]?.accept({ statusCode: 200, body })
  const dialog = engine.core.dialogs.get(accepted?.session.id ?? '') as unknown as {
    sequenceGuard(message: unknown): boolean
    dialogState: { remoteSequenceNumber: number; remoteTarget: URI; callId: string }
  }
  expect(dialog.dialogState).toMatchObject({ remoteSequenceNumber: 7, callId: 'contract' })
  const update = Core.Parser.parseMessage(
    invite().replaceAll('INVITE', 'UPDATE').replace('CSeq: 7', 'CSeq: 8'),
    engine.core.loggerFactory.getLogger('x'),
  ) as Core.IncomingRequestMessage
  expect(dialog.sequenceGuard(update)).toBe(true)
  Core.Dialog.prototype.receiveRequest.call(dialog as unknown as Core.Dialog, update)
  expect(dialog.dialogState.remoteSequenceNumber).toBe(8)
  expect(engine.core.userAgentServers.get('z9hG4bKabc')).toBeDefined()
  engine.close()
})
