import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { findCodec } from '#audio/codec/find-codec.ts'
import { generateDtmf } from '#audio/dtmf-generator.ts'
import { Resampler } from '#audio/resampler.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { CallEvent } from '#protocol/event.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { WireClient } from '../support/wire.ts'

const SPEECH = `${import.meta.dir}/../fixtures/vad/goforward-16k.s16le`

const TALE = 'Once upon a time there was a small telephone exchange.'

/** 16-bit PCM times `gain`. */
function atLevel(payload: Uint8Array, gain: number): Uint8Array {
  const samples = new Int16Array(payload.slice().buffer).map((sample) => sample * gain)
  return new Uint8Array(samples.buffer)
}

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
})

const call = (option: object = {}, path?: string) => WireClient.call(gateway.url, option, path)
const get = async (path: string) => fetch(gateway.url + path)
// biome-ignore lint/suspicious/noExplicitAny: what comes back is what is tested.
const json = async (path: string): Promise<any> => (await get(path)).json()

describe('a first call', () => {
  test('speaks, and every event fits the schema', async () => {
    const client = await call({ codec: 'pcm' }, '/call?id=first')
    client.send({
      command: 'tts',
      text: 'Hello, how can I help you?',
      playId: 'p',
      autoHangup: true,
    })
    const { code, reason } = await client.closed
    expect([code, reason]).toEqual([1000, 'autohangup'])
    expect(client.names).toEqual([
      'answer',
      'trackStart',
      'trackStart',
      'metrics',
      'metrics',
      'trackEnd',
      'trackEnd',
      'hangup',
    ])
    for (const event of client.events) expect(() => CallEvent.parse(event)).not.toThrow()
    const pcm = client.heardPcm()
    const [speech] = client.events.filter(({ event }) => event === 'trackEnd')
    const heardMs = pcm.length / 16
    expect(heardMs - (speech as { duration: number }).duration).toBeWithin(0, 20)
    expect(heardMs).toBeWithin(1_000, 4_000)
    expect(rmsDb(pcm)).toBeWithin(-35, -8)
  })

  test('is kept: the record, and every event before it was sent', async () => {
    const client = await call(
      { caller: 'ann', callee: 'bob', tts: { secretKey: 'hush' } },
      '/call?id=kept',
    )
    client.send({ command: 'history', speaker: 'bot', text: 'noted' })
    const event = await client.sees('addHistory')
    const live = await json('/calls/kept/events')
    expect(live.events.map(({ name }: { name: string }) => name)).toContain('addHistory')
    await client.hangup()
    expect(event).toMatchObject({ sender: 'kept', speaker: 'bot', text: 'noted' })

    const record = await (await get('/calls/kept')).json()
    expect(record).toMatchObject({
      id: 'kept',
      type: 'websocket',
      state: 'ended',
      caller: 'ann',
      callee: 'bob',
      reason: 'hangup',
      initiator: 'user',
      option: { tts: { secretKey: '[redacted]' } },
    })
    const lines = (await (await get('/calls/kept/events.jsonl')).text()).trim().split('\n')
    const rows = lines.map((line) => JSON.parse(line))
    expect(rows.map(({ direction, name }) => `${direction} ${name}`)).toEqual([
      'received invite',
      'sent answer',
      'sent trackStart',
      'received history',
      'sent addHistory',
      'received hangup',
      'sent trackEnd',
      'sent hangup',
    ])
    expect(rows.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(JSON.stringify(rows)).not.toContain('hush')
  })

  test('with dump=false leaves the record and no event', async () => {
    const client = await call({}, '/call?id=quiet&dump=false')
    await client.hangup()
    expect(await (await get('/calls/quiet')).json()).toMatchObject({
      hasEvents: false,
      state: 'ended',
    })
    expect(await (await get('/calls/quiet/events')).json()).toEqual({ events: [] })
  })

  test('is listed while it lives and can be killed', async () => {
    const client = await call({ caller: 'x' }, '/call/?id=listed')
    const { calls } = await json('/call/lists')
    expect(calls).toContainEqual({
      id: 'listed',
      call_type: 'websocket',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      option: { caller: 'x' },
    })
    const killed = await fetch(`${gateway.url}/call/kill/listed`, { method: 'POST' })
    expect([killed.status, await killed.json()]).toEqual([200, true])
    expect(await client.sees('hangup')).toMatchObject({ reason: 'killed', initiator: 'system' })
    await client.closed
    const again = await fetch(`${gateway.url}/call/kill/listed`, { method: 'POST' })
    expect(again.status).toBe(404)
  })
})

describe('audio', () => {
  test.each([
    ['pcm', 8_000],
    ['pcm', 16_000],
    ['pcm', 24_000],
    ['pcm', 48_000],
    ['pcmu', undefined],
    ['pcma', undefined],
    ['g722', undefined],
    ['opus', undefined],
    ['opus', 16_000],
  ])('a tone comes out as that tone over %s at %p', async (name, samplerate) => {
    const codec = findCodec(name, samplerate)!
    const client = await call({
      codec: name,
      ...(samplerate && { samplerate }),
      vad: { type: 'none' },
    })
    client.send({ command: 'play', url: 'tone-440.wav' })
    const { duration } = await client.sees('trackEnd', { trackId: 'server-side-track' })
    const decoder = codec.createDecoder()
    const frame = new Int16Array(codec.sampleRate / 50)
    const heard = client.audio.flatMap((payload) => {
      if (codec.bytesPerMs !== undefined) expect(payload).toHaveLength(codec.maxFrameBytes)
      return [...frame.subarray(0, decoder.decode(payload, frame))]
    })
    expect(
      findTones(Int16Array.from(heard).subarray(0, codec.sampleRate / 2), codec.sampleRate),
    ).toEqual([440])
    decoder.close()
    expect(heard.length / (codec.sampleRate / 1_000) - duration).toBeWithin(0, 20)
    await client.hangup()
  })

  test.each(['webrtc', 'energy'])('of a caller is heard by vad %s as well', async (type) => {
    const client = await call({ codec: 'pcm', vad: { type, silencePadding: 200 } })
    const speech = new Uint8Array(await Bun.file(SPEECH).arrayBuffer())
    client.sendAudio(new Uint8Array(32 * 500))
    client.sendAudio(speech)
    const speaking = await client.sees('speaking')
    const silence = await client.sees('silence')
    expect(silence.startTime).toBeGreaterThanOrEqual(speaking.startTime)
    expect(silence.speechDuration).toBeWithin(500, 2_500)
    await client.hangup()
  })

  test('with denoise and agc is still heard, at its time', async () => {
    const client = await call({ codec: 'pcmu', denoise: true, agc: true })
    const speech = new Int16Array(await Bun.file(SPEECH).arrayBuffer())
    const encoder = findCodec('pcmu')!.createEncoder()
    const narrow = new Resampler(16_000, 8_000).resample(speech)
    const payload = new Uint8Array(narrow.length)
    encoder.encode(narrow, payload)
    const startedAt = Date.now()
    client.sendAudio(payload)
    const speaking = await client.sees('speaking')
    expect(speaking.startTime).toBeLessThanOrEqual(Date.now())
    expect(speaking.startTime).toBeGreaterThan(startedAt - 5_000)
    await client.sees('silence')
    await client.hangup()
  })

  test.each([true, false])('of ours that a speakerphone gives back: gate %p', async (echoGate) => {
    const client = await call({ echoGate })
    client.send({ command: 'tts', text: TALE, playId: 'tale' })
    let echoed = 0
    const speakerphone = setInterval(() => {
      for (; echoed < client.audio.length - 8; echoed += 1) {
        client.sendAudio(atLevel(client.audio[echoed]!, 0.18))
      }
    }, 20)
    await client.sees('trackEnd', { playId: 'tale' })
    clearInterval(speakerphone)
    expect(client.names.includes('speaking')).toBe(!echoGate)
    await client.hangup()
  })

  test('of a caller who sends Opus, a packet per message, is heard', async () => {
    const client = await call({ codec: 'opus', samplerate: 16_000 })
    const encoder = findCodec('opus', 16_000)!.createEncoder()
    const speech = new Int16Array(await Bun.file(SPEECH).arrayBuffer())
    const payload = new Uint8Array(1_500)
    for (let i = 0; i + 960 <= speech.length; i += 960) {
      client.sendAudio(payload.slice(0, encoder.encode(speech.subarray(i, i + 960), payload)))
    }
    encoder.close()
    await client.sees('speaking')
    const silence = await client.sees('silence')
    expect(silence.speechDuration).toBeWithin(1_000, 2_500)
    await client.hangup()
  })

  test('of a caller who speaks is found: speaking, then silence, in time of day', async () => {
    const client = await call({ codec: 'pcm' })
    const speech = new Uint8Array(await Bun.file(SPEECH).arrayBuffer())
    for (let i = 0; i < speech.length; i += 1_001) client.sendAudio(speech.subarray(i, i + 1_001))
    const speaking = await client.sees('speaking')
    const silence = await client.sees('silence')
    expect(silence.startTime).toBeGreaterThanOrEqual(speaking.startTime)
    expect(silence.duration).toBeGreaterThanOrEqual(300)
    expect(silence.speechDuration).toBeWithin(1_000, 2_500)
    await client.hangup()
  })

  test.each(['pcm', 'pcmu', 'g722'])(
    'with keys pressed in it is dtmf, one event per press, over %s',
    async (name) => {
      const codec = findCodec(name)!
      const client = await call({ codec: name })
      const samples = generateDtmf('12#', codec.sampleRate, { durationMs: 60, gapMs: 60 })
      const payload = new Uint8Array(samples.length * 2)
      client.sendAudio(payload.subarray(0, codec.createEncoder().encode(samples, payload)))
      client.sendAudio(new Uint8Array(payload.length))
      const digits = [
        await client.sees('dtmf'),
        await client.sees('dtmf'),
        await client.sees('dtmf'),
      ]
      expect(digits.map(({ digit }) => digit).join('')).toBe('12#')
      await client.hangup()
    },
  )

  test('comes as binary events with audio=json', async () => {
    const client = await call({ codec: 'pcmu' }, '/call?audio=json')
    client.send({ command: 'play', url: 'tone-440.wav' })
    const { data, trackId } = await client.sees('binary')
    expect(trackId).toBe('server-side-track')
    expect(data).toHaveLength(160)
    expect(client.audio).toEqual([])
    await client.hangup()
  })
})

describe('playback', () => {
  test('interrupted is silent within a frame and tells the exact position', async () => {
    const client = await call({ codec: 'pcm' })
    client.send({ command: 'play', url: 'tone-440.wav', playId: 'tone' })
    await client.sees('trackStart', { playId: 'tone' })
    while (client.audio.length < 10) await Bun.sleep(5)
    client.send({ command: 'interrupt' })
    const { position } = await client.sees('interruption')
    await client.sees('trackEnd')
    const frames = client.audio.length
    // In the last one the sound fades within 5 ms.
    expect(position).toBe((frames - 1) * 20 + 5)
    await Bun.sleep(60)
    expect(client.audio.length).toBe(frames)
    await client.hangup()
  })

  test('speech tells which words were heard', async () => {
    const client = await call()
    const text = 'This is the first sentence. And this one is never heard, because we interrupt.'
    client.send({ command: 'tts', text })
    while (client.audio.length < 30) await Bun.sleep(5)
    client.send({ command: 'interrupt' })
    const interruption = await client.sees('interruption')
    expect((interruption.text ?? '') + (interruption.remaining ?? '')).toBe(text)
    expect(interruption.text).toStartWith('This is')
    expect(interruption.remaining).toContain('never heard')
    await client.hangup()
  })

  test('of text that streams in like tokens of a language model is one utterance', async () => {
    const client = await call()
    const tokens = 'Sure, I can help you with that. One moment, please.'.split(/(?<= )/)
    for (const text of tokens) {
      client.send({ command: 'tts', text, playId: 'llm', streaming: true })
      await Bun.sleep(2)
    }
    client.send({ command: 'tts', text: '', playId: 'llm', streaming: true, endOfStream: true })
    const { duration } = await client.sees('trackEnd', { playId: 'llm' })
    expect(duration).toBeWithin(1_500, 6_000)
    expect(client.names.filter((name) => name === 'trackStart')).toHaveLength(2)
    await client.hangup()
  })

  test('the same words again come from the cache, sample for sample', async () => {
    const client = await call()
    const say = async () => {
      client.audio.length = 0
      client.send({ command: 'tts', text: 'Please hold the line.' })
      await client.sees('trackEnd')
      return Buffer.concat(client.audio)
    }
    const first = await say()
    const second = await say()
    expect(second.equals(first)).toBe(true)
    const cached = client.events.flatMap((event) =>
      event.event === 'metrics' && event.key === 'completed.tts.flite'
        ? [event.data['cached']]
        : [],
    )
    expect(cached).toEqual([false, true])
    await client.hangup()
  })
})
