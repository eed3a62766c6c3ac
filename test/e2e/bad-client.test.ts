import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { RawWebSocket } from '../support/raw-websocket.ts'
import { rejection } from '../support/rejection.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { WireClient } from '../support/wire.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({ INVITE_TIMEOUT_SECONDS: '0.2', MAX_CALLS: '20' })
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
})

const call = (option: object = {}, path?: string) => WireClient.call(gateway.url, option, path)
const connect = (path?: string) => WireClient.connect(gateway.url, path)

/** The record of a call, once it has ended. */
async function ended(id: string): Promise<{ reason: string }> {
  for (;;) {
    const response = await fetch(`${gateway.url}/calls/${id}`)
    const record = (await response.json()) as { state: string; reason: string }
    if (record.state === 'ended') return record
    await Bun.sleep(20)
  }
}

describe('the first message', () => {
  test.each([
    ['no JSON', 'hello', 'message: is not valid JSON'],
    ['no object', '[1]', 'message: must be a JSON object'],
    ['another command', '{"command":"tts","text":"hi"}', 'not tts'],
    ['an unknown command', '{"command":"dance"}', '"dance" is unknown'],
    ['an option of the wrong type', '{"command":"invite","option":3}', 'invite.option'],
  ])('that is %s gets an error and close 4400', async (_name, message, error) => {
    const client = await connect()
    client.send(message)
    expect(await client.closed).toEqual({ code: 4400, reason: 'bad_first_message' })
    expect(client.names).toEqual(['error'])
    expect(client.events[0]).toMatchObject({ sender: 'command', code: 400 })
    expect((client.events[0] as { error: string }).error).toContain(error)
  })

  test('that is audio gets an error and close 4400', async () => {
    const client = await connect()
    client.sendAudio(new Uint8Array(640))
    expect((await client.closed).code).toBe(4400)
    expect(client.names).toEqual(['error'])
  })

  test('that does not come gets close 4408', async () => {
    const client = await connect()
    expect(await client.closed).toEqual({ code: 4408, reason: 'no_invite' })
  })

  test.each([
    [{ codec: 'mp4' }, 'option.codec: "mp4" is unknown; known are pcm, pcmu, pcma, g722, opus'],
    [
      { codec: 'pcm', samplerate: 44_100 },
      'option.samplerate: 44100 is not a rate of pcm; known are 8000, 16000, 24000, 48000',
    ],
    [
      { codec: 'pcmu', samplerate: 16_000 },
      'option.samplerate: 16000 is not a rate of pcmu; known are 8000',
    ],
  ])('with %o gets an error, hangup and close 4400', async (option, error) => {
    const client = await connect()
    client.send({ command: 'invite', option })
    expect((await client.closed).code).toBe(4400)
    expect(client.names).toEqual(['error', 'hangup'])
    expect(client.events[0]).toMatchObject({ error, code: 400 })
  })
})

describe('the query', () => {
  test.each(['id=a/b', 'id=', `id=${'x'.repeat(129)}`, 'dump=maybe', 'ping=-1', 'audio=mp3'])(
    '%s is refused before the upgrade',
    async (query) => {
      const error = await rejection(RawWebSocket.connect(gateway.url, `/call?${query}`))
      expect(error.message).toStartWith('HTTP/1.1 400')
      expect(error.message).toContain(query.split('=')[0] as string)
    },
  )

  test('with an id that is live is refused with 409, and free again after the call', async () => {
    const client = await call({}, '/call?id=twice')
    const error = await rejection(RawWebSocket.connect(gateway.url, '/call?id=twice'))
    expect(error.message).toStartWith('HTTP/1.1 409')
    await client.hangup()
    await (await call({}, '/call?id=twice')).hangup()
  })
})

describe('in mid-call', () => {
  test('nonsense gets an error each, and the call goes on', async () => {
    const client = await call({}, '/call?id=nonsense')
    const messages = [
      '{',
      '[]',
      '{"command":"dance"}',
      '{"command":"tts","text":5}',
      '{"command":"invite"}',
    ]
    for (const message of messages) client.send(message)
    client.send({ command: 'history', speaker: 'me', text: 'still here' })
    await client.sees('addHistory')
    const errors = client.events.filter(({ event }) => event === 'error')
    expect(errors.map((event) => (event as { code?: number }).code)).toEqual([
      400, 400, 400, 400, 409,
    ])
    await client.hangup()
  })

  test('a message that is no command is kept without its secrets', async () => {
    const client = await call({}, '/call?id=hush')
    client.send('{"command":"tts","text":5,"option":{"secretKey":"hush"}}')
    await client.sees('error')
    await client.hangup()
    const dump = await (await fetch(`${gateway.url}/calls/hush/events.jsonl`)).text()
    expect(dump).toContain('"name":"invalid"')
    expect(dump).not.toContain('"hush\\"')
  })

  test('an option that is not honoured yet is reported, and the call goes on', async () => {
    const client = await connect()
    client.send({
      command: 'invite',
      option: { subscribe: true, denoise: false, eou: { type: 'x' } },
    })
    await client.sees('answer')
    expect(client.events.slice(0, 2)).toMatchObject([
      { event: 'error', sender: 'option', error: 'option.eou: is not supported yet', code: 501 },
      { event: 'error', sender: 'option', error: 'option.subscribe: is not supported yet' },
    ])
    await client.hangup()
  })

  test('an unknown provider, voice or detector costs only itself', async () => {
    const client = await call({ asr: { provider: 'nobody' }, vad: { type: 'psychic' } })
    client.send({ command: 'tts', text: 'x', option: { provider: 'tencent' }, playId: '1' })
    client.send({ command: 'tts', text: 'x', speaker: 'nobody', playId: '2' })
    await client.sees('trackEnd', { playId: '2' })
    const errors = client.events.flatMap((event) => (event.event === 'error' ? [event] : []))
    expect(errors.map(({ sender, code }) => [sender, code])).toEqual([
      ['vad', 400],
      ['asr', 400],
      ['tts', 400],
      ['tts', 400],
    ])
    expect(errors[0]?.error).toBe(
      'option.vad.type: "psychic" is unknown; known are: silero, webrtc, energy, none',
    )
    expect(errors[2]?.error).toBe('tts.provider: "tencent" is unknown; known are: flite')
    await client.hangup()
  })

  test('a text of a megabyte is refused, a message of three ends the call', async () => {
    const client = await call({}, '/call?id=big')
    client.send({ command: 'tts', text: 'x'.repeat(1_000_000) })
    expect(await client.sees('error')).toMatchObject({ code: 400 })
    client.send('x'.repeat(3_000_000))
    expect((await client.closed).code).toBe(1009)
    expect((await ended('big')).reason).toBe('message_too_big')
  })

  test.each([
    ['http://127.0.0.1:9/x.wav', 403],
    ['http://169.254.169.254/latest/meta-data', 403],
    ['http://[::1]/x.wav', 403],
    ['../../etc/passwd', 403],
    ['/etc/passwd', 403],
    ['file:///etc/passwd', 400],
    ['nope.wav', 404],
    ['README.md', 415],
  ])('play of %s fails with %i, then its track ends', async (url, code) => {
    const client = await call()
    client.send({ command: 'play', url })
    expect(await client.sees('error')).toMatchObject({ sender: 'play', code, playId: url })
    await client.sees('trackEnd', { playId: url })
    await client.hangup()
  })
})

describe('a client out of its mind', () => {
  /** Plays the tone on a call of its own, over and over, and gives the longest gap in it. */
  async function longestGapWhile(work: () => Promise<void>): Promise<number> {
    const client = await call({ vad: { type: 'none' } })
    const arrivals: number[] = []
    const receive = client.ws.onmessage
    client.ws.onmessage = function (event) {
      if (typeof event.data !== 'string') arrivals.push(performance.now())
      receive?.call(this, event)
    }
    client.send({ command: 'tts', text: 'One two three four five six seven. '.repeat(20) })
    while (arrivals.length < 5) await Bun.sleep(5)
    await work()
    await client.hangup()
    return Math.max(...arrivals.slice(1).map((at, i) => at - arrivals[i]!))
  }

  test('10,000 commands in a burst are all answered, and the other call does not notice', async () => {
    const gap = await longestGapWhile(async () => {
      const client = await call({}, '/call?dump=false')
      for (let i = 0; i < 10_000; i += 1)
        client.send({ command: 'history', speaker: 's', text: String(i) })
      await client.hangup()
      const texts = client.events.flatMap((event) =>
        event.event === 'addHistory' ? [event.text] : [],
      )
      expect(texts).toEqual(Array.from({ length: 10_000 }, (_, i) => String(i)))
    })
    expect(gap).toBeLessThan(250)
  })

  test('200 pieces of text at once, as from a language model, are one utterance', async () => {
    const client = await call()
    for (let i = 0; i < 200; i += 1)
      client.send({ command: 'tts', text: 'a ', playId: 'p', streaming: true })
    client.send({ command: 'tts', text: '', playId: 'p', streaming: true, endOfStream: true })
    client.send({ command: 'interrupt' })
    const { remaining } = await client.sees('interruption')
    expect(remaining).toHaveLength(400)
    expect(client.names).not.toContain('error')
    await client.hangup()
  })

  test('who sends an hour of audio at once is heard as far as there is room', async () => {
    const gap = await longestGapWhile(async () => {
      const client = await call({ codec: 'pcmu' }, '/call?id=flood')
      for (let i = 0; i < 30; i += 1) client.sendAudio(new Uint8Array(960_000).fill(0xff))
      await client.hangup()
      expect((await ended('flood')).reason).toBe('hangup')
    })
    expect(gap).toBeLessThan(1_000)
  })

  test('who does not read is disconnected, and its call ends', async () => {
    const client = await RawWebSocket.connect(gateway.url, '/call?id=deaf&ping=0')
    client.send({ command: 'invite' })
    const text = 'x'.repeat(60_000)
    const timer = setInterval(() => client.send({ command: 'history', speaker: 's', text }), 1)
    expect((await ended('deaf')).reason).toBe('too_slow')
    clearInterval(timer)
    client.socket.destroy()
  })

  test('who vanishes without a word is missed', async () => {
    const client = await RawWebSocket.connect(gateway.url, '/call?id=gone&ping=0')
    client.send({ command: 'invite' })
    client.socket.destroy()
    expect((await ended('gone')).reason).toBe('disconnected')
  })

  test('who answers no ping is given up', async () => {
    const client = await RawWebSocket.connect(gateway.url, '/call?id=mute&ping=1')
    client.send({ command: 'invite' })
    expect((await ended('mute')).reason).toBe('connection_lost')
    client.socket.destroy()
  })
})

test('at capacity a call is refused with 503, and it says when to try again', async () => {
  await using small = await startGateway({ MAX_CALLS: '1' })
  const first = await WireClient.call(small.url)
  const error = await rejection(RawWebSocket.connect(small.url, '/call'))
  expect(error.message).toStartWith('HTTP/1.1 503')
  expect(error.message.toLowerCase()).toContain('retry-after: 5')
  await first.hangup()
  await (await WireClient.call(small.url)).hangup()
})

test('after all that nothing is left behind', async () => {
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
  expect(metrics).toMatch(/^bunpbx_active_calls\{type="websocket"\} 0$/m)
  expect(await (await fetch(`${gateway.url}/call/lists`)).json()).toEqual({ calls: [] })
  expect((await fetch(`${gateway.url}/ready`)).status).toBe(200)
})
