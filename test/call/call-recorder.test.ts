import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { RecorderError } from '#media/recorder/recorder-error.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { Leg, LegHandlers } from '#transport/leg.ts'
import { FakeCall } from '../support/fake-call.ts'
import { advance, settle } from '../support/time.ts'

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

async function answered(recorder: NonNullable<CallOption['recorder']>) {
  const fake = new FakeCall({ recorder })
  await fake.call.start()
  await settle()
  return fake
}

const pcm = (value: number) => new Uint8Array(new Int16Array(320).fill(value).buffer)
const recordOf = ({ journal }: FakeCall) => [...journal.records.values()][0]

describe('option.recorder', () => {
  test.each([
    [true, { name: 'call-1.wav', format: 'wav', sampleRate: 16_000 }],
    [{}, { name: 'call-1.wav', format: 'wav', sampleRate: 16_000 }],
    [{ recorderFile: '' }, { name: 'call-1.wav', format: 'wav', sampleRate: 16_000 }],
    [
      { recorderFile: 'a/{id}', format: 'ogg', samplerate: 8000 },
      { name: 'a/call-1.ogg', format: 'ogg', sampleRate: 8000 },
    ],
  ] as const)('%p records', async (option, plan) => {
    const { recorder } = await answered(option)
    expect(recorder.plans).toEqual([plan])
  })

  test('false and nothing do not', async () => {
    expect((await answered(false)).recorder.plans).toEqual([])
    const fake = new FakeCall()
    await fake.call.start()
    expect(fake.recorder.plans).toEqual([])
  })

  test('begins with the answer: ringing and what comes before are no part of it', async () => {
    const fake = new FakeCall({ recorder: true })
    const connected = Promise.withResolvers<{ readonly sdp: string }>()
    let handlers: LegHandlers | undefined
    const leg: Leg = {
      type: 'sip',
      sendRate: 16_000,
      stats: {},
      connect: (given) => {
        handlers = given
        return connected.promise
      },
      send: () => undefined,
      hangup: () => undefined,
    }
    const hear = (value: number) =>
      handlers?.onFrame({ samples: new Int16Array(2).fill(value), sampleRate: 16_000, position: 0 })
    Object.assign(fake.deps, { createLeg: () => leg })
    void fake.call.start()
    handlers?.onRinging?.({ hasEarlyMedia: true })
    hear(1)
    expect(fake.recorder.plans).toEqual([])
    connected.resolve({ sdp: '' })
    await settle()
    hear(2)
    expect(fake.recorder.plans).toHaveLength(1)
    expect(fake.recorder.caller).toEqual([2, 2])
    fake.call.end({ reason: 'done', initiator: 'user' })
    expect(fake.recorder.endedCount).toBe(1)
  })

  test('records what is heard and what is sent, muted as silence', async () => {
    const fake = await answered(true)
    const { recorder, call, client } = fake
    call.receivePayload(pcm(5))
    fake.say({ command: 'mute', trackId: 'call-1' })
    call.receivePayload(pcm(6))
    fake.say({ command: 'unmute' })
    call.receivePayload(pcm(7))
    const heard = [5, 0, 7].flatMap((value) => new Array<number>(320).fill(value))
    expect(recorder.caller).toEqual(heard)
    fake.say({ command: 'play', url: '100.wav' })
    await advance(300)
    const sent = client.audio.flatMap((payload) => [...new Int16Array(payload.buffer)])
    expect(sent).toHaveLength(1600)
    expect(recorder.ours).toEqual(sent)
  })

  test('ends with the call, and its record learns what has become of it after the hangup', async () => {
    const fake = await answered(true)
    const { recorder, call, client } = fake
    recorder.handlers?.onOpened('call-1-2.wav')
    const begun = { file: 'call-1-2.wav', format: 'wav' as const, sampleRate: 16_000 }
    expect(recordOf(fake)).toMatchObject({ state: 'active', recording: begun })
    call.end({ reason: 'hangup', initiator: 'user' })
    await settle()
    expect(recorder.endedCount).toBe(1)
    expect(client.names).toContain('hangup')
    const totals = { bytes: 44, durationMs: 1, peaks: { intervalMs: 10, left: [1], right: [2] } }
    recorder.handlers?.onEnd(totals)
    expect(recordOf(fake)).toMatchObject({ state: 'ended', recording: { ...begun, ...totals } })
  })

  test('a name that may not be is one error, and the call goes on', async () => {
    const { client, recorder } = await answered({ recorderFile: '../x' })
    expect(client.find('error')).toMatchObject([{ sender: 'recorder', code: 400 }])
    expect(client.names).toContain('answer')
    expect(recorder.plans).toEqual([])
  })

  test.each([
    [{ format: 'pcm' }, 'option.recorder.format: "pcm" is unknown; known are wav, ogg'],
    [
      { samplerate: 44_100 },
      'option.recorder.samplerate: 44100 is unknown; known are 8000, 16000, 24000, 48000',
    ],
  ])('%o costs the recording, not the call', async (option, error) => {
    const { client, recorder } = await answered(option)
    expect(client.find('error')).toMatchObject([{ sender: 'recorder', code: 400, error }])
    expect(client.names).toContain('answer')
    expect(recorder.plans).toEqual([])
  })

  test('a disk that fails is one error, and the call goes on', async () => {
    const fake = await answered(true)
    fake.recorder.handlers?.onError(new RecorderError('disk', 'the disk is full'))
    await settle()
    expect(fake.client.find('error')).toMatchObject([{ sender: 'recorder', code: 507 }])
    expect(fake.client.names).not.toContain('hangup')
  })
})
