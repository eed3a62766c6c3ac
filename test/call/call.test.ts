import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { createPcmCodec } from '#audio/codec/pcm.ts'
import { DtmfReader } from '#audio/dtmf-reader.ts'
import { Call } from '#call/call.ts'
import { EventWriter } from '#call/event-writer.ts'
import { Listener } from '#call/listener.ts'
import type { CallOption } from '#protocol/call-option.ts'
import { FakeCall } from '../support/fake-call.ts'
import { advance, settle } from '../support/time.ts'

const answered = async (option: CallOption = {}, options = {}) => {
  const fake = new FakeCall(option, options)
  await fake.call.start()
  await settle()
  return fake
}

/** Bytes of 16 kHz PCM per millisecond. */
const PCM_BYTES_PER_MS = 32
const heardMs = ({ client }: FakeCall) =>
  client.audio.reduce((sum, { length }) => sum + length, 0) / PCM_BYTES_PER_MS

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

describe('a call begins', () => {
  test('with answer and the track of the caller', async () => {
    const { client } = await answered()
    expect(client.names).toEqual(['answer', 'trackStart'])
    expect(client.events[0]).toMatchObject({ trackId: 'call-1', sdp: '' })
    expect(client.events[1]).toMatchObject({ trackId: 'call-1' })
  })

  test('with an error and the end when the codec is unknown', async () => {
    const { client } = await answered({ codec: 'mp4' })
    expect(client.names).toEqual(['error', 'hangup'])
    expect(client.events[0]).toMatchObject({ error: 'option.codec: is unknown', code: 400 })
    expect(client.events[1]).toMatchObject({ reason: 'error', initiator: 'system' })
    expect(client.closed).toEqual({ why: 'badFirstMessage', reason: 'error' })
  })

  test('with an error and close 1011 when the fault is ours', async () => {
    const fake = new FakeCall()
    const broken = new Call(
      {
        ...fake.deps,
        createLeg: () => {
          throw new Error('no such thing')
        },
      },
      { id: 'call-2', type: 'websocket', hasEvents: true },
      { option: {}, client: fake.client, metrics: fake.metrics, onEnded: () => undefined },
    )
    await broken.start()
    await settle()
    expect(fake.client.find('error')).toMatchObject([{ error: 'no such thing', code: 500 }])
    expect(fake.client.closed).toEqual({ why: 'fault', reason: 'error' })
  })

  test('without what cannot be honoured, and says so', async () => {
    const fake = await answered({ vad: { type: 'psychic' }, asr: { provider: 'nobody' } })
    expect(fake.client.find('error').map(({ sender, code }) => [sender, code])).toEqual([
      ['vad', 400],
      ['asr', 400],
    ])
    expect(fake.client.names).toEqual(['error', 'error', 'answer', 'trackStart'])
    fake.say({ command: 'tts', text: 'hi' })
    await advance(100)
    expect(heardMs(fake)).toBe(20)
  })

  test('but not twice', async () => {
    const fake = await answered()
    fake.say({ command: 'invite' })
    await settle()
    expect(fake.client.find('error')).toMatchObject([{ sender: 'command', code: 409 }])
  })
})

describe('tts', () => {
  test('plays the whole text and reports its length', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'hello there', playId: 'p' })
    await advance(200)
    expect(heardMs(fake)).toBe(100)
    expect(fake.client.names.slice(2)).toEqual(['trackStart', 'metrics', 'metrics', 'trackEnd'])
    expect(fake.client.find('trackStart')[1]).toMatchObject({
      trackId: 'server-side-track',
      playId: 'p',
    })
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 100, playId: 'p' }])
  })

  test('no audio overtakes its trackStart, however slow the database', async () => {
    const fake = await answered()
    fake.journal.hold()
    fake.say({ command: 'tts', text: 'hello' })
    await advance(500)
    expect(fake.client.log).toEqual(['answer', 'trackStart'])
    fake.journal.release()
    await advance(200)
    expect(fake.client.log.filter((name) => name !== 'metrics')).toEqual([
      'answer',
      'trackStart',
      'trackStart',
      'audio',
      'trackEnd',
    ])
  })

  test.each([
    ['the same play id', 'p', 'p'],
    ['no play id, twice', undefined, undefined],
  ])('appends with %s', async (_name, first, second) => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'first', playId: first })
    fake.say({ command: 'tts', text: 'second', playId: second })
    await advance(300)
    expect(heardMs(fake)).toBe(120)
    expect(fake.client.find('interruption')).toEqual([])
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 110 }])
  })

  test.each([
    ['another play id', 'p', 'q'],
    ['a missing play id', 'p', undefined],
    ['a first play id', undefined, 'q'],
  ])('replaces with %s: interruption, trackEnd, trackStart', async (_name, first, second) => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'aaaaaaaaaa bbbbbbbbbb', playId: first })
    await advance(62)
    fake.say({ command: 'tts', text: 'c', playId: second })
    await advance(100)
    const order = fake.client.names.filter((name) => name !== 'metrics').slice(2)
    expect(order).toEqual(['trackStart', 'interruption', 'trackEnd', 'trackStart', 'trackEnd'])
    expect(fake.client.find('interruption')[0]?.position).toBeGreaterThanOrEqual(40)
  })

  test('streaming text ends with endOfStream, not when it runs dry', async () => {
    const fake = await answered()
    const piece = (text: string, endOfStream = false) =>
      fake.say({ command: 'tts', text, playId: 's', streaming: true, endOfStream })
    piece('one t')
    await advance(200)
    expect(fake.client.find('trackEnd')).toEqual([])
    piece('wo ')
    await advance(200)
    expect(heardMs(fake)).toBe(80)
    expect(fake.client.find('trackEnd')).toEqual([])
    piece('', true)
    await advance(100)
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 60 }])
    expect(fake.synthesizer.opened).toHaveLength(1)
  })

  test('a stream may begin with an empty piece and waits for the next', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: '', playId: 's', streaming: true, autoHangup: true })
    await advance(500)
    expect(fake.client.find('trackEnd')).toEqual([])
    fake.say({ command: 'tts', text: 'hi', playId: 's', streaming: true, endOfStream: true })
    await advance(200)
    expect(heardMs(fake)).toBe(20)
    expect(fake.client.names.slice(-2)).toEqual(['trackEnd', 'hangup'])
  })

  test('an option of the command is merged over that of the call, the speaker on top', async () => {
    const fake = await answered({ tts: { speaker: 'alice', speed: 1.5, volume: 7 } })
    fake.say({ command: 'tts', text: 'a', playId: '1' })
    fake.say({ command: 'tts', text: 'a', playId: '2', option: { volume: 3 } })
    fake.say({ command: 'tts', text: 'a', playId: '3', speaker: 'bob', option: { speaker: 'eve' } })
    expect(fake.synthesizer.opened).toMatchObject([
      { speaker: 'alice', speed: 1.5, volume: 7, sampleRate: 16_000 },
      { speaker: 'alice', speed: 1.5, volume: 3 },
      { speaker: 'bob', speed: 1.5, volume: 7 },
    ])
  })

  test('a failing synthesis is an error and the end of the track; the call goes on', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'good fail never', playId: 'p' })
    await advance(200)
    expect(fake.client.find('error')).toMatchObject([{ sender: 'tts', code: 502, playId: 'p' }])
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 40 }])
    fake.say({ command: 'tts', text: 'again' })
    await advance(200)
    expect(fake.client.find('trackEnd')).toHaveLength(2)
  })

  test('an unknown provider is an error without a track', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'hi', option: { provider: 'tencent' } })
    await settle()
    expect(fake.client.names).toEqual(['answer', 'trackStart', 'error'])
    expect(fake.client.find('error')).toMatchObject([{ sender: 'tts', code: 400 }])
  })

  test('a burst of 10,000 texts is spoken up to the bound; the rest is refused', async () => {
    const fake = await answered()
    for (let i = 0; i < 10_000; i += 1) fake.say({ command: 'tts', text: 'x' })
    await settle()
    const refused = fake.client.find('error')
    expect(refused.length).toBe(5_000)
    expect(refused[0]).toMatchObject({ sender: 'tts', code: 429 })
    expect(fake.synthesizer.openCount).toBeLessThanOrEqual(2)
  })

  test('makes no more than about ten seconds ahead of what is heard', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'wwwwwwwwww '.repeat(1_000) })
    await advance(1_000)
    expect(fake.synthesizer.clauseCount).toBeLessThan(1_000)
    fake.say({ command: 'interrupt' })
    await settle()
    expect(fake.synthesizer.openCount).toBe(0)
  })
})

describe('interrupt', () => {
  test('is silent at once and tells what was heard', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'aaaaa bbbbb ccccc', playId: 'p' })
    await advance(70)
    const before = heardMs(fake)
    fake.say({ command: 'interrupt' })
    // One more frame, in which the sound fades for 5 ms.
    expect(heardMs(fake)).toBe(before + 20)
    await advance(200)
    expect(heardMs(fake)).toBe(before + 20)
    expect(fake.client.find('interruption')).toMatchObject([
      {
        position: before + 5,
        playId: 'p',
        text: 'aaaaa ',
        remaining: 'bbbbb ccccc',
        totalDuration: 150,
      },
    ])
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: before + 5 }])
    expect(fake.synthesizer.openCount).toBe(0)
  })

  test('also cuts a file, without a text', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: '500.wav' })
    await advance(100)
    fake.say({ command: 'interrupt' })
    await settle()
    const [interruption] = fake.client.find('interruption')
    expect(interruption).toMatchObject({ playId: '500.wav' })
    expect(interruption).not.toHaveProperty('text')
  })

  test('cuts Chinese between characters', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: '今天天气很好我们走吧' })
    await advance(50)
    fake.say({ command: 'interrupt' })
    await settle()
    expect(fake.client.find('interruption')).toMatchObject([
      { position: 65, text: '今天天气很好', remaining: '我们走吧' },
    ])
  })

  test('before the first frame has position 0', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: '500.wav' })
    fake.say({ command: 'interrupt' })
    await advance(100)
    expect(fake.client.find('interruption')).toMatchObject([{ position: 0 }])
    expect(fake.client.audio).toEqual([])
  })

  test('says nothing when nothing plays', async () => {
    const fake = await answered()
    fake.say({ command: 'interrupt' })
    await settle()
    expect(fake.client.names).toEqual(['answer', 'trackStart'])
  })
})

describe('play', () => {
  test('replaces what plays, even the same url', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: '500.wav' })
    await advance(50)
    fake.say({ command: 'play', url: '500.wav' })
    await advance(600)
    expect(fake.client.names.slice(2)).toEqual([
      'trackStart',
      'interruption',
      'trackEnd',
      'trackStart',
      'trackEnd',
    ])
    expect(fake.client.find('trackEnd')[1]).toMatchObject({ duration: 500, playId: '500.wav' })
  })

  test('of what is missing is an error, then the end of the track', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: 'missing', playId: 'm' })
    await advance(100)
    expect(fake.client.names.slice(2)).toEqual(['trackStart', 'error', 'trackEnd'])
    expect(fake.client.find('error')).toMatchObject([{ sender: 'play', code: 404, playId: 'm' }])
  })
})

describe('dtmf', () => {
  const keysIn = ({ client }: FakeCall) => {
    const keys: string[] = []
    const reader = new DtmfReader((key) => void keys.push(key))
    for (const payload of client.audio) {
      const samples = new Int16Array(payload.length / 2)
      createPcmCodec(8000).createDecoder().decode(payload, samples)
      reader.read(samples)
    }
    return keys.join('')
  }

  test('presses keys that the far end can hear, also over a playback', async () => {
    const fake = await answered({ samplerate: 8000 })
    fake.say({ command: 'play', url: '500.wav' })
    await advance(100)
    fake.say({ command: 'dtmf', digits: '12a#', durationMs: 50, gapMs: 50 })
    await advance(1_500)
    expect(keysIn(fake)).toBe('12A#')
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 500 }])
    expect(fake.client.find('error')).toEqual([])
  })

  test.each([
    [undefined, []],
    [false, ['1', '2']],
  ])(
    'that come back as an echo are no keys of the caller, with echoGate %p',
    async (echoGate, keys) => {
      const fake = await answered({ samplerate: 8000, ...(echoGate !== undefined && { echoGate }) })
      fake.say({ command: 'dtmf', digits: '12' })
      for (let at = 0; at < 30; at += 1) {
        await advance(20)
        fake.call.receivePayload(fake.client.audio[at - 5] ?? new Uint8Array(320))
      }
      expect(fake.client.find('dtmf').map(({ digit }) => digit)).toEqual(keys)
    },
  )

  test('refuses more keys than it can keep', async () => {
    const fake = await answered()
    fake.say({ command: 'dtmf', digits: '1'.repeat(256) })
    fake.say({ command: 'dtmf', digits: '2' })
    await settle()
    expect(fake.client.find('error')).toMatchObject([{ sender: 'command', code: 429 }])
  })

  test('stops with the call', async () => {
    const fake = await answered()
    fake.say({ command: 'dtmf', digits: '1'.repeat(20) })
    await advance(100)
    fake.say({ command: 'hangup' })
    await settle()
    expect(fake.pacer.memberCount).toBe(0)
  })
})

describe('ambiance', () => {
  const sampleAt = ({ client }: FakeCall) => Buffer.from(client.audio.at(-1) ?? []).readInt16LE(0)

  test('is heard from the answer on, softer under a playback', async () => {
    const fake = await answered({ ambiance: { url: '1000.wav', level: 0.5, duckLevel: 0.2 } })
    await advance(1_000)
    expect(sampleAt(fake)).toBe(500)
    fake.say({ command: 'play', url: '500.wav', volume: 2 })
    await advance(400)
    expect(sampleAt(fake)).toBe(2_200)
    fake.say({ command: 'interrupt' })
    await advance(500)
    expect(sampleAt(fake)).toBe(500)
    fake.say({ command: 'hangup' })
    await settle()
    expect(fake.pacer.memberCount).toBe(0)
    expect(fake.loops.size).toBe(0)
  })

  test('that is not enabled is not even opened', async () => {
    const fake = await answered({ ambiance: { url: 'missing', enabled: false } })
    await advance(100)
    expect(fake.client.find('error')).toEqual([])
    expect(fake.loops.size).toBe(0)
  })

  test('that cannot be had is an error, and the call goes on', async () => {
    const fake = await answered({ ambiance: { url: 'missing' } })
    await advance(100)
    expect(fake.client.find('error')).toMatchObject([{ sender: 'ambiance', code: 404 }])
    expect(fake.call.isEnded).toBe(false)
  })

  test('that is refused is an error that names the option', async () => {
    const fake = await answered({ ambiance: { url: '121000.wav' } })
    await advance(100)
    expect(fake.client.find('error')).toMatchObject([
      { code: 413, error: 'option.ambiance.url: a loop may be 120 seconds long' },
    ])
  })
})

describe('pause and resume', () => {
  test('continue at the same sample; the pause does not count', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: '200.wav' })
    await advance(100)
    fake.say({ command: 'pause' })
    await advance(20)
    const before = heardMs(fake)
    await advance(1_000)
    expect(heardMs(fake)).toBe(before)
    fake.say({ command: 'resume' })
    await advance(300)
    // The fade of the pause is 5 ms of the file in a frame of its own.
    expect(heardMs(fake)).toBe(220)
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 200 }])
  })

  test.each(['pause', 'resume'] as const)(
    '%s with nothing playing is an error',
    async (command) => {
      const fake = await answered()
      fake.say({ command })
      await settle()
      expect(fake.client.find('error')).toMatchObject([{ code: 409, sender: 'command' }])
    },
  )
})

describe('autoHangup', () => {
  test.each([
    [{ command: 'tts', text: 'bye', autoHangup: true } as const],
    [{ command: 'play', url: '60.wav', autoHangup: true } as const],
    [{ command: 'play', url: 'missing', autoHangup: true } as const],
    [{ command: 'tts', text: 'fail', autoHangup: true } as const],
    [{ command: 'tts', text: 'x', autoHangup: true, option: { provider: 'none' } } as const],
    [{ command: 'tts', text: '', autoHangup: true } as const],
  ])('hangs up after %o', async (command) => {
    const fake = await answered()
    fake.say(command)
    await advance(300)
    expect(fake.client.events.at(-1)).toMatchObject({
      event: 'hangup',
      reason: 'autohangup',
      initiator: 'system',
    })
    expect(fake.endedCount).toBe(1)
  })

  test('of a text that is refused waits for the speech that it was meant to follow', async () => {
    const fake = await answered()
    fake.say({ command: 'tts', text: 'hello there', playId: 'p' })
    const option = { provider: 'none' }
    fake.say({ command: 'tts', text: 'bye', playId: 'p', autoHangup: true, option })
    await advance(300)
    expect(fake.client.find('error')).toMatchObject([{ sender: 'tts', code: 400 }])
    expect(fake.client.find('interruption')).toEqual([])
    expect(fake.client.find('trackEnd')[0]).toMatchObject({ duration: 100, playId: 'p' })
    expect(fake.client.events.at(-1)).toMatchObject({ event: 'hangup', reason: 'autohangup' })
  })

  test('does not hang up after an interruption', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: '500.wav', autoHangup: true })
    await advance(60)
    fake.say({ command: 'interrupt' })
    await advance(1_000)
    expect(fake.client.names).not.toContain('hangup')
  })
})

describe('mute', () => {
  const loud = new Uint8Array(new Int16Array(320).fill(5_000).buffer)

  test('makes the caller silent to the recognizer', async () => {
    const fake = await answered({ asr: {} })
    fake.say({ command: 'mute', trackId: 'call-1' })
    fake.call.receivePayload(loud)
    expect(fake.recognizer.heardSamples).toBe(320)
    expect(fake.recognizer.peak).toBe(0)
    fake.say({ command: 'unmute', trackId: 'call-1' })
    fake.call.receivePayload(loud)
    expect(fake.recognizer.peak).toBe(5_000)
  })

  test('makes playback silent while its position goes on', async () => {
    const fake = await answered()
    fake.say({ command: 'mute', trackId: 'server-side-track' })
    fake.say({ command: 'play', url: '100.wav' })
    await advance(200)
    expect(fake.client.audio.every((payload) => payload.every((byte) => byte === 0))).toBe(true)
    expect(fake.client.find('trackEnd')).toMatchObject([{ duration: 100 }])
  })

  test('of an unknown track is an error that names the known ones', async () => {
    const fake = await answered()
    fake.say({ command: 'mute', trackId: 'nobody' })
    await settle()
    expect(fake.client.find('error')[0]?.error).toContain('server-side-track')
  })
})

describe('listening', () => {
  test('runs through a pipeline that prints itself', () => {
    const { deps, client } = new FakeCall()
    const print = (option: CallOption) => {
      const events = new EventWriter('record', client, undefined)
      return String(new Listener(deps, 'call-1', { option, sampleRate: 8_000 }, events))
    }
    expect(print({})).toBe('DtmfDetector -> EchoGate -> VadDetector(fake)')
    expect(print({ denoise: true, agc: true })).toBe(
      'DtmfDetector -> Denoiser(fake) -> EchoGate -> VadDetector(fake) -> AutomaticGain',
    )
    expect(print({ agc: { targetDb: -25 } })).toEndWith('AutomaticGain')
    expect(print({ denoise: false, agc: false })).toBe(
      'DtmfDetector -> EchoGate -> VadDetector(fake)',
    )
    expect(print({ asr: {} })).toBe('DtmfDetector -> EchoGate -> VadDetector(fake) -> AsrTap(fake)')
    expect(print({ asr: {}, vad: { type: 'none' } })).toBe(
      'DtmfDetector -> EchoGate -> AsrTap(fake)',
    )
    expect(print({ vad: { type: 'none' }, echoGate: false })).toBe('DtmfDetector')
  })

  test('has the defaults of the protocol, at the rate of the leg', async () => {
    const fake = await answered({ asr: {} })
    expect(fake.vad.created).toEqual([
      { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 },
    ])
    expect(fake.recognizer.opened).toEqual([{ sampleRate: 16_000 }])
  })

  test('turns what the detectors find into events in time of day', async () => {
    const fake = await answered()
    for (let i = 0; i < 50; i += 1) {
      await advance(20)
      fake.call.receivePayload(new Uint8Array(20 * PCM_BYTES_PER_MS))
    }
    const now = Date.now()
    fake.vad.emit({ type: 'speaking', startMs: 500 })
    fake.vad.emit({
      type: 'silence',
      startMs: 900,
      durationMs: 100,
      speechStartMs: 500,
      speechDurationMs: 400,
    })
    await settle()
    const [speaking] = fake.client.find('speaking')
    const [silence] = fake.client.find('silence')
    expect(silence!.startTime - speaking!.startTime).toBe(400)
    expect(silence).toMatchObject({ duration: 100, speechDuration: 400 })
    expect(now - speaking!.startTime).toBe(500)
  })

  test('passes transcripts on', async () => {
    const fake = new FakeCall({ asr: {} })
    fake.recognizer.script = [
      { atMs: 40, index: 0, text: 'hel', isFinal: false },
      { atMs: 80, index: 0, text: 'hello', isFinal: true },
    ]
    await fake.call.start()
    for (let i = 0; i < 5; i += 1) {
      await advance(20)
      fake.call.receivePayload(new Uint8Array(20 * PCM_BYTES_PER_MS))
    }
    await settle()
    expect(fake.client.find('asrDelta')).toMatchObject([{ index: 0, text: 'hel' }])
    const [final] = fake.client.find('asrFinal')
    expect(final).toMatchObject({ index: 0, text: 'hello' })
    expect(final!.endTime - final!.startTime).toBe(80)
  })

  test('goes on without a detector that breaks, and says so once', async () => {
    const fake = await answered({ asr: {} })
    fake.vad.breaksAbove = 100
    const loud = new Uint8Array(new Int16Array(320).fill(5_000).buffer)
    fake.call.receivePayload(loud)
    fake.call.receivePayload(loud)
    await settle()
    expect(fake.client.find('error')).toHaveLength(1)
    expect(fake.client.find('error')[0]?.sender).toBe('VadDetector(fake)')
    expect(fake.recognizer.heardSamples).toBe(640)
  })
})

describe('the end', () => {
  test('of a call comes in order: playback, caller, hangup, close', async () => {
    const fake = await answered()
    fake.say({ command: 'play', url: '500.wav' })
    await advance(60)
    fake.say({ command: 'hangup', reason: 'user_requested', initiator: 'user' })
    await settle()
    expect(fake.client.names.slice(3)).toEqual(['interruption', 'trackEnd', 'trackEnd', 'hangup'])
    expect(fake.client.events.at(-1)).toMatchObject({ reason: 'user_requested', initiator: 'user' })
    expect(fake.client.closed).toEqual({ why: 'ended', reason: 'user_requested' })
    expect(fake.endedCount).toBe(1)
  })

  test('is reported once, whatever follows', async () => {
    const fake = await answered({ asr: {} })
    fake.say({ command: 'tts', text: 'hello' })
    fake.say({ command: 'hangup' })
    fake.say({ command: 'hangup' })
    fake.call.end({ reason: 'disconnected', initiator: 'user' })
    fake.vad.emit({ type: 'speaking', startMs: 0 })
    await advance(200)
    expect(fake.client.names.filter((name) => name === 'hangup')).toHaveLength(1)
    expect(fake.client.names.at(-1)).toBe('hangup')
  })

  test('leaves nothing behind', async () => {
    const fake = await answered({ asr: {} })
    fake.say({ command: 'tts', text: 'hello hello hello' })
    await advance(40)
    fake.say({ command: 'hangup' })
    await settle()
    expect(fake.synthesizer.openCount).toBe(0)
    expect(fake.recognizer.openCount).toBe(0)
    expect(fake.vad.openCount).toBe(0)
    expect(fake.pacer.memberCount).toBe(0)
    expect(jest.getTimerCount()).toBe(0)
  })

  test('completes the record', async () => {
    const fake = await answered({ caller: '123', codec: 'pcm', tts: { secretKey: 'hush' } })
    fake.say({ command: 'hangup', reason: 'done' })
    await settle()
    const [record] = [...fake.journal.records.values()]
    expect(record).toMatchObject({
      id: 'call-1',
      type: 'websocket',
      state: 'ended',
      caller: '123',
      reason: 'done',
      initiator: 'user',
      option: { tts: { secretKey: '[redacted]' } },
    })
    expect(fake.metrics.ended.get('websocket')?.get('other')).toBe(1)
  })
})

describe('the journal', () => {
  test('numbers every row of the call and has each event before it is sent', async () => {
    const fake = await answered()
    fake.journal.hold()
    fake.say({ command: 'history', speaker: 'bot', text: 'hi' })
    expect(fake.client.names).toEqual(['answer', 'trackStart'])
    expect(fake.journal.rows.map(({ sequence, name }) => [sequence, name])).toEqual([
      [0, 'answer'],
      [1, 'trackStart'],
      [2, 'addHistory'],
    ])
    fake.journal.release()
    expect(fake.client.names.at(-1)).toBe('addHistory')
  })

  test('gets no secret, neither of a command nor of the events that repeat it', async () => {
    const fake = await answered()
    const url = 'https://user:hush@e.com/500.wav?token=hush'
    fake.call.received('play', { command: 'play', url })
    fake.say({ command: 'play', url })
    fake.say({ command: 'interrupt' })
    await settle()
    expect(fake.client.find('interruption')).toMatchObject([{ playId: url }])
    expect(JSON.stringify(fake.journal.rows)).toContain('e.com/500.wav')
    expect(JSON.stringify(fake.journal.rows)).not.toContain('hush')
  })

  test('gets no events with dump=false, but the record', async () => {
    const fake = await answered({}, { hasEvents: false })
    fake.say({ command: 'hangup' })
    await settle()
    expect(fake.journal.rows).toEqual([])
    expect(fake.journal.records.size).toBe(1)
    expect(fake.client.names).toEqual(['answer', 'trackStart', 'trackEnd', 'hangup'])
  })
})
