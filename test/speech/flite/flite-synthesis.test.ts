import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import { hear, Listener, speak } from '../../support/utterance-listener.ts'

let flite: FliteSynthesizer
beforeAll(() => {
  flite = new FliteSynthesizer()
  return flite.ready
})
afterAll(() => flite.close())

const seconds = ({ samples }: Listener, sampleRate = 16_000) => samples.length / sampleRate

describe('FliteSynthesis', () => {
  test('names its voices, the default first', () => {
    expect(flite.speakers).toEqual(['slt', 'rms', 'awb', 'kal16', 'kal'])
  })

  test('speaks clause by clause, and the clauses are the text', async () => {
    const text = 'Hello there. How are you, my friend? \n\n Fine!  '
    const listener = await hear(flite, text)
    expect(listener.clauses.join('')).toBe(text)
    expect(listener.log).toEqual([
      ...['clause Hello there. ', 'audio'],
      ...['clause How are you, my friend? \n\n ', 'audio'],
      ...['clause Fine!  ', 'audio'],
      'end',
    ])
    expect(listener.isCached).toBe(false)
    expect(seconds(listener)).toBeWithin(2, 5)
  })

  test('text that streams in is the same as text at once', async () => {
    const text = 'Your order, number 10,000, costs $3.14 today. Shall I go on, or wait for you?'
    const whole = await hear(flite, text)
    const { listener, synthesis } = speak(flite, undefined)
    for (const piece of text.match(/.{1,3}/gs) ?? []) {
      synthesis.push(piece)
      await Promise.resolve()
    }
    synthesis.finish()
    await listener.over
    expect(listener.clauses).toEqual(whole.clauses)
    expect(listener.samples).toEqual(whole.samples)
  })

  test('the first audio comes long before the end', async () => {
    const text = 'Please hold the line while I look for it. '.repeat(25)
    const startMs = performance.now()
    const { listener } = speak(flite, text)
    await listener.over
    const totalMs = performance.now() - startMs
    expect(listener.firstAudioAtMs! - startMs).toBeLessThan(totalMs / 4)
  })

  test('flush speaks what is there, and more may follow', async () => {
    const { listener, synthesis } = speak(flite, undefined)
    synthesis.push('Hold on')
    synthesis.flush()
    await listener.heard
    expect(listener.log).toEqual(['clause Hold on', 'audio'])
    synthesis.push(' a second')
    synthesis.finish()
    await listener.over
    expect(listener.clauses.join('')).toBe('Hold on a second')
  })

  test('speed changes the length, pauses included, and volume the level', async () => {
    const text = 'Please hold the line. I am looking for it.'
    const normal = await hear(flite, text)
    const fast = await hear(flite, text, { speed: 2 })
    expect(seconds(normal) / seconds(fast)).toBeWithin(1.7, 2.1)
    const loudest = ({ samples }: Listener) => samples.reduce((max, x) => Math.max(max, x), 0)
    const quiet = await hear(flite, text, { volume: 2.5 })
    expect(loudest(quiet) / loudest(normal)).toBeCloseTo(0.5, 2)
  })

  test('clauses are as far apart as flite itself puts them', async () => {
    const parts = await hear(flite, 'Hello there. I am the agent.')
    const whole = await hear(flite, 'Hello there; I am the agent.')
    expect(parts.clauses).toHaveLength(2)
    expect(seconds(parts) - seconds(whole)).toBeWithin(-0.3, 0.5)
  })

  test('while the flow is closed no clause is begun', async () => {
    const { listener, synthesis } = speak(
      flite,
      undefined,
      {},
      new Listener((kind) => {
        if (kind === 'audio') synthesis.setFlow(false)
      }),
    )
    synthesis.push('One thing. And another one. And the last. ')
    synthesis.finish()
    await listener.heard
    // Another utterance goes all the way; this one stays where it is.
    await hear(flite, 'Meanwhile. Something else. Is said.')
    expect(listener.log).toEqual(['clause One thing. ', 'audio'])
    synthesis.setFlow(true)
    await hear(flite, 'Meanwhile. Something else. Is said.')
    expect(listener.clauses).toEqual(['One thing. ', 'And another one. '])
    synthesis.setFlow(true)
    await hear(flite, 'Meanwhile. Something else. Is said.')
    synthesis.setFlow(true)
    await listener.over
    expect(listener.clauses.join('')).toBe('One thing. And another one. And the last. ')
  })

  test('nothing is reported after close', async () => {
    const { listener, synthesis } = speak(flite, 'One thing. And another one. And the last.')
    await listener.heard
    synthesis.close()
    synthesis.close()
    const length = listener.log.length
    await hear(flite, 'Meanwhile. Something else. Is said.')
    expect(listener.log).toHaveLength(length)
    expect(flite.stats.queued).toBe(0)
  })

  test('closed by its own handlers, it reports nothing more', async () => {
    const { listener, synthesis } = speak(
      flite,
      'One thing. And another one.',
      {},
      new Listener(() => synthesis.close()),
    )
    await hear(flite, 'Meanwhile. Something else. Is said.')
    expect(listener.log).toEqual(['clause One thing. '])
  })

  test('a text of fifty clauses delays nobody', async () => {
    const long = speak(flite, 'This is one of very many sentences in a row. '.repeat(50))
    await long.listener.heard
    const before = long.listener.clauses.length
    const short = speak(flite, 'Me first, please.')
    await short.listener.heard
    expect(long.listener.clauses.length - before).toBeLessThanOrEqual(2)
    long.synthesis.close()
  })

  test('what cannot be spoken is skipped', async () => {
    const listener = await hear(flite, '👍 你好。 Hello! ... 再见。')
    expect(listener.clauses.join('')).toBe('👍 你好。 Hello! ... 再见。')
    expect(listener.chunks).toHaveLength(1)
    expect(listener.log.at(-1)).toBe('end')
  })

  test.each(['', '  \n '])('%j ends without audio', async (text) => {
    const listener = await hear(flite, text)
    expect(listener.clauses.join('')).toBe(text)
    expect(listener.chunks).toEqual([])
    expect(listener.log.at(-1)).toBe('end')
  })

  test.each(['你好，我是小明。', '...', '👍'])('%j alone is an error', async (text) => {
    const { error } = await hear(flite, text)
    expect(error).toMatchObject({ provider: 'flite', code: 'text' })
    expect(error?.message).toContain('English only')
  })

  test.each([
    [{ speaker: 'bob' }, 'known are slt, rms, awb, kal16, kal'],
    [{ speed: 0.2 }, 'not between 0.25 and 4'],
    [{ speed: 4.1 }, 'not between 0.25 and 4'],
    [{ speed: Number.NaN }, 'not between 0.25 and 4'],
    [{ volume: -1 }, 'not between 0 and 10'],
    [{ volume: 11 }, 'not between 0 and 10'],
    [{ sampleRate: 100 }, 'not between 8000 and 48000'],
    [{ sampleRate: 8000.5 }, 'not whole'],
  ])('%j is refused, once open has returned', async (options, message) => {
    const { listener, synthesis } = speak(flite, undefined, options)
    expect(listener.log).toEqual([])
    synthesis.push('Hello.')
    await listener.over
    synthesis.finish()
    expect(listener.log).toEqual(['error parameter'])
    expect(listener.error?.message).toContain(message)
  })

  test('text without end is refused', async () => {
    const { listener, synthesis } = speak(flite, undefined)
    synthesis.setFlow(false)
    for (let i = 0; i < 12; i += 1) synthesis.push('More words. '.repeat(10_000))
    await listener.over
    expect(listener.error?.code).toBe('text')
  })

  test('counts clauses, and times the first audio of each utterance', async () => {
    const { clauses } = flite.stats
    const { count } = flite.latency
    await hear(flite, 'One thing. And another one.')
    expect(flite.stats.clauses).toBe(clauses + 2)
    expect(flite.latency.count).toBe(count + 1)
  })

  test('two Workers speak two utterances, each in order', async () => {
    const two = new FliteSynthesizer({ workers: 2 })
    const text = 'One thing. And another one. And a third. And the last.'
    const listeners = await Promise.all([hear(two, text), hear(two, text), hear(two, text)])
    for (const { clauses } of listeners) expect(clauses.join('')).toBe(text)
    await two.close()
  })
})
