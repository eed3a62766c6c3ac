import { afterAll, expect, test } from 'bun:test'
import { rejection } from '../../support/rejection.ts'
import {
  acceptAll,
  Losses,
  placeCall,
  startEndpoint,
  type TestCall,
  until,
  uriOf,
} from './sip-fixture.ts'

const endpoints: { close(): Promise<void> }[] = []
afterAll(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
})

/** Two ends of which the caller loses what it sends and receives. */
async function startPair(lose: Record<string, number>) {
  const calls: TestCall[] = []
  const losses = new Losses(lose)
  const callee = await startEndpoint({ onInvite: acceptAll(calls) })
  const caller = await startEndpoint({ tap: losses.tap })
  endpoints.push(callee, caller)
  return { callee, caller, calls, losses }
}

test.concurrent.each([
  [{ INVITE: 2 }],
  [{ '100/INVITE': 1, '180/INVITE': 1 }],
  [{ '200/INVITE': 2 }],
  [{ ACK: 2 }],
  [{ BYE: 2 }],
  [{ '200/BYE': 2 }],
])(
  'a call comes about and ends on both sides although %o are lost',
  async (lose) => {
    const { callee, caller, calls, losses } = await startPair(lose)
    const outcome = placeCall(caller, uriOf(callee))
    await outcome.answered
    // The call goes on until what was lost has come after all.
    await until(() => losses.seen.includes('send ACK'))
    outcome.call.hangup()
    expect(await outcome.ended).toMatchObject({ by: 'local', reason: 'hangup' })
    expect(await calls[0]?.ended).toMatchObject({ by: 'remote', reason: 'remote_bye' })
    await until(() => caller.stats['calls'] === 0 && callee.stats['calls'] === 0, 10_000)
    expect(calls).toHaveLength(1)
    expect(caller.stats).toMatchObject({ dialogs: 0, paths: 0, waiting: 0, faults: 0 })
    expect(callee.stats).toMatchObject({ dialogs: 0, paths: 0, waiting: 0, faults: 0 })
  },
  15_000,
)

test.concurrent.each([
  [{ INVITE: 2 }],
  [{ '200/INVITE': 2 }],
  [{ ACK: 2 }],
  [{ INFO: 1, '200/INFO': 1 }],
  [{ REFER: 1, '603/REFER': 1 }],
])(
  'what is asked in a call is done once although %o are lost',
  async (lose) => {
    const { callee, caller, calls, losses } = await startPair({})
    const outcome = placeCall(caller, uriOf(callee))
    await outcome.answered
    await until(() => losses.seen.includes('send ACK'))
    losses.lose(lose)
    await outcome.call.reoffer()
    await outcome.call.sendDtmf('1', 100)
    expect(await rejection(outcome.call.refer('sip:x@y.example'))).toMatchObject({ status: 603 })
    // An offer of the other end shows that it has got our ACK.
    await calls[0]?.call.reoffer()
    outcome.call.hangup()
    expect(await calls[0]?.ended).toMatchObject({ by: 'remote' })
    expect(caller.stats['faults']).toBe(0)
  },
  15_000,
)

test.concurrent('a refusal whose 486 and ACK are lost reaches the caller once', async () => {
  const losses = new Losses({ '486/INVITE': 2, ACK: 1 })
  const callee = await startEndpoint({
    onInvite: (call) => {
      call.attach({ onEnded: () => undefined })
      call.reject({ code: 486 })
    },
  })
  const caller = await startEndpoint({ tap: losses.tap })
  endpoints.push(callee, caller)
  const outcome = placeCall(caller, uriOf(callee))
  expect(await outcome.ended).toMatchObject({ by: 'remote', reason: 'busy', code: 486 })
  await until(() => callee.stats['waiting'] === 0, 10_000)
  expect(outcome.rejections).toHaveLength(1)
}, 15_000)

test.concurrent('a CANCEL and the 487 that are lost are sent again', async () => {
  const losses = new Losses({ CANCEL: 1, '487/INVITE': 1 })
  const canceled = Promise.withResolvers<unknown>()
  const callee = await startEndpoint({
    onInvite: (call) => {
      call.attach({ onEnded: canceled.resolve })
      call.ring()
    },
  })
  const caller = await startEndpoint({ tap: losses.tap })
  endpoints.push(callee, caller)
  const outcome = placeCall(caller, uriOf(callee))
  await until(() => outcome.provisionals.length > 0)
  outcome.call.hangup()
  expect(await outcome.ended).toMatchObject({ by: 'local', reason: 'canceled' })
  expect(await canceled.promise).toMatchObject({ by: 'remote', reason: 'canceled', code: 487 })
  await until(() => caller.stats['calls'] === 0 && callee.stats['waiting'] === 0, 10_000)
}, 15_000)

test.concurrent('5 % loss of everything both ways: 100 calls all come about and end', async () => {
  let dice = 7
  const chance = (): boolean => {
    dice = (dice * 1_103_515_245 + 12_345) % 2 ** 31
    return dice / 2 ** 31 >= 0.05
  }
  const calls: TestCall[] = []
  const callee = await startEndpoint({ onInvite: acceptAll(calls), tap: chance })
  const caller = await startEndpoint()
  endpoints.push(callee, caller)
  const outcomes = Array.from({ length: 100 }, () => placeCall(caller, uriOf(callee)))
  await Promise.all(outcomes.map(({ answered }) => answered))
  for (const { call } of outcomes) call.hangup()
  await Promise.all(calls.map(({ ended }) => ended))
  expect(calls).toHaveLength(100)
  await until(() => caller.stats['calls'] === 0 && callee.stats['calls'] === 0, 12_000)
}, 25_000)
