import { expect, test } from 'bun:test'
import {
  intervalOfRequest,
  intervalOfResponse,
  SessionTimer,
  timerRequestHeaders,
  timerResponseHeaders,
} from '#transport/sip/session-timer.ts'

test('of a request: their wish, else they refresh; we do where only a proxy has asked', () => {
  const of = (sessionExpires: string | undefined, supported = 'timer') =>
    intervalOfRequest({ sessionExpires, supported })
  expect(of('1800')).toEqual({ seconds: 1_800, refresher: 'them' })
  expect(of('1800 ; refresher=uac')).toEqual({ seconds: 1_800, refresher: 'them' })
  expect(of('1800;refresher=UAS')).toEqual({ seconds: 1_800, refresher: 'us' })
  expect(of('1800', '100rel')).toEqual({ seconds: 1_800, refresher: 'us' })
  expect(of('20')?.seconds).toBe(90)
  expect([of(undefined), of('soon')]).toEqual([undefined, undefined])
})

test('of a response: who it says refreshes, else we who have asked', () => {
  expect(intervalOfResponse('300;refresher=uas')).toEqual({ seconds: 300, refresher: 'them' })
  expect(intervalOfResponse('300;refresher=uac')).toEqual({ seconds: 300, refresher: 'us' })
  expect(intervalOfResponse(undefined)).toBeUndefined()
})

test('the headers say the roles from where each message stands', () => {
  expect(timerRequestHeaders()).toEqual(['Session-Expires: 1800', 'Min-SE: 90'])
  const theirs = { seconds: 300, refresher: 'them' } as const
  const ours = { seconds: 300, refresher: 'us' } as const
  expect(timerRequestHeaders(ours)[0]).toBe('Session-Expires: 300;refresher=uac')
  expect(timerRequestHeaders(theirs)[0]).toBe('Session-Expires: 300;refresher=uas')
  expect(timerResponseHeaders(theirs)).toEqual([
    'Require: timer',
    'Session-Expires: 300;refresher=uac',
  ])
  expect(timerResponseHeaders(ours)).toEqual(['Session-Expires: 300;refresher=uas'])
  expect(timerResponseHeaders(undefined)).toEqual([])
})

test('we refresh at half of the interval, and give up theirs at two thirds', async () => {
  const events: string[] = []
  const startedAt = performance.now()
  const note = (what: string): void => {
    events.push(what)
  }
  const create = (): SessionTimer =>
    new SessionTimer({ onRefresh: () => note('refresh'), onExpired: () => note('expired') })
  create().start({ seconds: 0.1, refresher: 'us' })
  create().start({ seconds: 0.15, refresher: 'them' })
  const stopped = create()
  stopped.start({ seconds: 0.05, refresher: 'us' })
  stopped.stop()
  while (events.length < 2 && performance.now() - startedAt < 2_000) await Bun.sleep(5)
  expect(events).toEqual(['refresh', 'expired'])
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95)
})
