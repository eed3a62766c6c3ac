import { expect, test } from 'bun:test'
import type { SipCallEnd } from '#transport/sip/sip-call.ts'
import {
  acceptAll,
  createTestMedia,
  freePort,
  runSipp,
  startEndpoint,
  type TestCall,
  until,
} from './sip-fixture.ts'

const hasSipp = Bun.which('sipp') !== null

test.concurrent.skipIf(!hasSipp)(
  'answers sipp by UDP: 200 calls at 50 a second (needs sipp)',
  async () => {
    const calls: TestCall[] = []
    const endpoint = await startEndpoint({ onInvite: acceptAll(calls) })
    const target = `127.0.0.1:${endpoint.port('UDP')}`
    const { code, text } = await runSipp([
      target,
      '-sn',
      'uac',
      '-m',
      '200',
      '-r',
      '50',
      '-d',
      '100',
    ])
    expect({ code, text }).toEqual({ code: 0, text: '' })
    expect(calls).toHaveLength(200)
    const ends = await Promise.all(calls.map(({ ended }) => ended))
    expect(ends.every(({ by, reason }) => by === 'remote' && reason === 'remote_bye')).toBe(true)
    expect(endpoint.stats).toMatchObject({ calls: 0, dialogs: 0, paths: 0, faults: 0, waiting: 0 })
    await endpoint.close()
  },
)

test.concurrent.skipIf(!hasSipp)(
  'answers sipp by TCP, one connection for all (needs sipp)',
  async () => {
    const calls: TestCall[] = []
    const tcp = { host: '127.0.0.1', port: 0 }
    const endpoint = await startEndpoint({ tcp, onInvite: acceptAll(calls) })
    const target = `127.0.0.1:${endpoint.port('TCP')}`
    const args = [target, '-sn', 'uac', '-t', 't1', '-m', '50', '-r', '50', '-d', '50']
    expect(await runSipp(args)).toEqual({ code: 0, text: '' })
    await Promise.all(calls.map(({ ended }) => ended))
    expect(endpoint.stats).toMatchObject({ calls: 0, dialogs: 0, faults: 0 })
    await endpoint.close()
  },
)

test.concurrent.skipIf(!hasSipp)(
  'calls sipp: 200 calls at 50 a second, each hung up (needs sipp)',
  async () => {
    const endpoint = await startEndpoint()
    const port = await freePort()
    const sipp = runSipp(['-sn', 'uas', '-p', String(port), '-m', '200'])
    await Bun.sleep(300)
    const ends: SipCallEnd[] = []
    let answered = 0
    for (let i = 0; i < 200; i += 1) {
      const call = endpoint.invite(
        {
          from: 'sip:bunpbx@127.0.0.1',
          to: `sip:service@127.0.0.1:${port}`,
          media: createTestMedia().media,
        },
        {
          onAnswered: () => {
            answered += 1
            setTimeout(() => call.hangup(), 100)
          },
          onEnded: (end) => ends.push(end),
        },
      )
      await Bun.sleep(20)
    }
    await until(() => ends.length === 200)
    expect(answered).toBe(200)
    expect(ends.every(({ by, reason }) => by === 'local' && reason === 'hangup')).toBe(true)
    expect(await sipp).toEqual({ code: 0, text: '' })
    await until(() => endpoint.stats['calls'] === 0)
    expect(endpoint.stats).toMatchObject({ dialogs: 0, paths: 0, credentials: 0, faults: 0 })
    await endpoint.close()
  },
  20_000,
)
