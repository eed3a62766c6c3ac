import { afterAll, expect, test } from 'bun:test'
import { header } from '#transport/sip/message/sip-message.ts'
import type { RegistrationState } from '#transport/sip/registration.ts'
import type { SipEndpoint } from '#transport/sip/sip-endpoint.ts'
import { RawPeer } from './raw-peer.ts'
import { startEndpoint, until } from './sip-fixture.ts'

const open: { close(): unknown }[] = []
afterAll(async () => {
  await Promise.all(open.map((thing) => thing.close()))
})

async function register(
  onRegister: (request: Parameters<RawPeer['reply']>[0], peer: RawPeer, count: number) => void,
) {
  let count = 0
  const peer = await RawPeer.open((method, request, self) => {
    if (method !== 'REGISTER') return false
    count += 1
    onRegister(request, self, count)
    return true
  })
  const endpoint: SipEndpoint = await startEndpoint()
  open.push(endpoint, peer)
  const states: RegistrationState[] = []
  const registration = endpoint.register({
    registrar: `sip:127.0.0.1:${peer.port}`,
    address: 'sip:alice@pbx.example',
    credentials: { username: 'alice', password: 'secret' },
    onChange: (state) => states.push(state),
  })
  return { peer, endpoint, registration, states }
}

test('a challenge is answered, the expiry of the registrar counts, and closing takes it back', async () => {
  const { peer, endpoint, registration, states } = await register((request, self) => {
    const contact = header(request, 'contact') ?? ''
    if (header(request, 'authorization') === undefined) {
      self.reply(request, 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] })
      return
    }
    const isLeaving = contact.endsWith('expires=0')
    const others = 'Contact: <sip:alice@192.0.2.7>;expires=9999'
    const own = `Contact: ${contact.replace(/expires=\d+/, 'expires=300')}`
    self.reply(request, 200, { hasNoContact: true, headers: isLeaving ? [others] : [others, own] })
  })
  await until(() => registration.state.status === 'registered')
  const seconds = ((registration.state.expiresAt ?? 0) - Date.now()) / 1_000
  expect(seconds).toBeGreaterThan(290)
  expect(seconds).toBeLessThanOrEqual(300)
  expect(peer.lines[0]).toMatch(/^REGISTER sip:127\.0\.0\.1:\d+ SIP\/2\.0$/)
  await registration.close()
  expect(states.map(({ status }) => status)).toEqual(['registering', 'registered', 'unregistered'])
  expect(endpoint.stats).toMatchObject({ credentials: 0, paths: 0 })
})

test('an interval that is too brief is asked for again', async () => {
  const { peer, registration } = await register((request, self, count) => {
    if (count === 1) self.reply(request, 423, { headers: ['Min-Expires: 3600'] })
    else self.reply(request, 200, { hasNoContact: true, headers: ['Expires: 3600'] })
  })
  await until(() => registration.state.status === 'registered')
  const last = peer.received.at(-1)
  expect(last && header(last, 'expires')).toBe('3600')
  const numbers = peer.received.map((request) => Number.parseInt(header(request, 'cseq') ?? '', 10))
  expect(numbers).toEqual([1, 2])
})

test('a refresh comes in time, in the same Call-ID, with a higher number', async () => {
  const { peer, states } = await register((request, self) => {
    self.reply(request, 200, { hasNoContact: true, headers: ['Expires: 1'] })
  })
  await until(() => peer.received.length === 3)
  const ids = new Set(peer.received.map((request) => header(request, 'call-id')))
  expect(ids.size).toBe(1)
  expect(states.every(({ status }) => status !== 'failed')).toBe(true)
})

test('a refusal is kept and waited out', async () => {
  const { peer, registration } = await register((request, self) => self.reply(request, 403))
  await until(() => registration.state.status === 'failed')
  expect(registration.state).toEqual({ status: 'failed', code: 403, reason: 'Reply' })
  await Bun.sleep(30)
  expect(peer.received).toHaveLength(1)
})
