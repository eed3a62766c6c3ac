import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SipEndpoint } from '#transport/sip/sip-endpoint.ts'
import {
  acceptAll,
  freePort,
  placeCall,
  startEndpoint,
  type TestCall,
  until,
} from './sip-fixture.ts'

const hasBaresip = Bun.which('baresip') !== null
const calls: TestCall[] = []
let baresip: Bun.Subprocess | undefined
let endpoint: SipEndpoint
let port = 0

beforeAll(async () => {
  if (!hasBaresip) return
  port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'baresip-'))
  const modules = ['g711', 'g722', 'ausine', 'aufile'].map((name) => `module ${name}.so`)
  const lines = [
    'poll_method epoll',
    `sip_listen 127.0.0.1:${port}`,
    `audio_player aufile,${folder}/play.wav`,
    'audio_source ausine,440',
    'ausrc_srate 48000',
    'auplay_srate 48000',
    'ausrc_channels 2',
    'auplay_channels 2',
    'module_path /usr/lib/baresip/modules',
    ...modules,
    'module_tmp uuid.so',
    'module_tmp account.so',
    'module_app menu.so',
  ]
  await Bun.write(join(folder, 'config'), `${lines.join('\n')}\n`)
  const account = `<sip:bare@127.0.0.1:${port}>;regint=0;answermode=auto`
  await Bun.write(join(folder, 'accounts'), `${account}\n`)
  await Bun.write(join(folder, 'contacts'), '')
  baresip = Bun.spawn(['baresip', '-f', folder], { stdout: 'ignore', stderr: 'ignore' })
  endpoint = await startEndpoint({ onInvite: acceptAll(calls) })
})

afterAll(async () => {
  if (!hasBaresip) return
  await endpoint.close()
  baresip?.kill()
  await baresip?.exited
})

describe.skipIf(!hasBaresip)('with baresip as the phone (needs baresip)', () => {
  test('it is called, held, resumed, sent a key, and transferred to us, whom it calls', async () => {
    const outcome = placeCall(endpoint, `sip:bare@127.0.0.1:${port}`)
    await outcome.answered
    expect(outcome.agreed[0]).toMatchObject({ codec: { name: 'pcmu' }, telephoneEventType: 101 })
    outcome.media.hold(true)
    await outcome.call.reoffer()
    expect(outcome.agreed.at(-1)?.direction).toBe('sendonly')
    outcome.media.hold(false)
    await outcome.call.reoffer()
    expect(outcome.agreed.at(-1)?.direction).toBe('sendrecv')
    await outcome.call.sendDtmf('5', 160)
    const target = `sip:operator@127.0.0.1:${endpoint.port('UDP')}`
    expect(await outcome.call.refer(target)).toBe(200)
    await until(() => calls.length === 1)
    expect(calls[0]?.call.description.requestUri).toBe(target)
    outcome.call.hangup()
    calls[0]?.call.hangup()
    await until(() => endpoint.stats['calls'] === 0)
    expect(endpoint.stats).toMatchObject({ dialogs: 0, unreadable: 0, faults: 0 })
  }, 15_000)
})
