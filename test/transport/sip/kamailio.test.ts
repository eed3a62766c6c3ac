import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SipEndpoint } from '#transport/sip/sip-endpoint.ts'
import {
  acceptAll,
  freePort,
  Losses,
  placeCall,
  startEndpoint,
  type TestCall,
  until,
} from './sip-fixture.ts'

const hasKamailio = Bun.which('kamailio') !== null
let port = 0
const calls: TestCall[] = []
const losses = new Losses()
let kamailio: Bun.Subprocess | undefined
let callee: SipEndpoint
let caller: SipEndpoint

beforeAll(async () => {
  if (!hasKamailio) return
  port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'kamailio-'))
  const config = await Bun.file(join(import.meta.dir, 'kamailio.cfg')).text()
  await Bun.write(join(folder, 'kamailio.cfg'), config.replace('@PORT@', String(port)))
  const args = [
    '-f',
    join(folder, 'kamailio.cfg'),
    '-w',
    folder,
    '-Y',
    folder,
    '-m',
    '32',
    '-DD',
    '-E',
  ]
  kamailio = Bun.spawn(['kamailio', ...args], { stdout: 'ignore', stderr: 'ignore' })
  callee = await startEndpoint({ onInvite: acceptAll(calls) })
  caller = await startEndpoint({ tap: losses.tap })
})

afterAll(async () => {
  if (!hasKamailio) return
  await Promise.all([callee.close(), caller.close()])
  kamailio?.kill()
  await kamailio?.exited
})

describe.skipIf(!hasKamailio)('with kamailio as registrar and proxy (needs kamailio)', () => {
  test('an address is registered with a password, and calls come to it through the proxy', async () => {
    const registration = callee.register({
      registrar: `sip:127.0.0.1:${port}`,
      address: `sip:alice@127.0.0.1:${port}`,
      credentials: { username: 'alice', password: 'secret' },
      expiresSeconds: 60,
    })
    await until(() => registration.state.status === 'registered', 10_000)
    const outcome = placeCall(caller, `sip:alice@127.0.0.1:${port}`, {
      from: `sip:bob@127.0.0.1:${port}`,
      credentials: { username: 'bob', password: 'secret' },
    })
    await outcome.answered
    const { headers } = calls[0]?.call.description ?? {}
    expect(headers?.some((line) => line.startsWith('Record-Route:'))).toBe(true)
    await outcome.call.reoffer()
    await calls[0]?.call.reoffer()
    outcome.call.hangup()
    expect(await calls[0]?.ended).toMatchObject({ by: 'remote', reason: 'remote_bye' })
    expect(losses.seen.filter((line) => line === 'send INVITE')).toHaveLength(3)
    await registration.close()
  }, 15_000)

  test('a wrong password is refused with 407, and a missing address with 404', async () => {
    const call = (password: string) =>
      placeCall(caller, `sip:nobody@127.0.0.1:${port}`, {
        from: `sip:bob@127.0.0.1:${port}`,
        credentials: { username: 'bob', password },
      })
    expect(await call('wrong').ended).toMatchObject({ by: 'remote', code: 407 })
    expect(await call('secret').ended).toMatchObject({ by: 'remote', code: 404 })
  }, 15_000)
})
