import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmsDb } from '#audio/tone-detector.ts'
import { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import { listen, samplesOf, say } from '../../support/spoken.ts'

const SENTENCE = 'Thank you for calling, how can I help you today?'

let flite: FliteSynthesizer
beforeAll(async () => {
  flite = new FliteSynthesizer()
  await say(flite, 'Warm up.')
})
afterAll(async () => {
  await flite.close()
})

describe('FliteSynthesizer', () => {
  test.each(['slt', 'rms', 'awb', 'kal16', 'kal'])('speaks with the voice %s', async (speaker) => {
    const spoken = await say(flite, SENTENCE, { speaker })
    expect(spoken.error).toBeUndefined()
    expect(spoken.clauses.join('')).toBe(SENTENCE)
    expect(spoken.samples / 16_000).toBeWithin(1.5, 5)
    const samples = samplesOf(spoken)
    expect(rmsDb(samples)).toBeWithin(-35, -8)
    expect(samples.some((sample) => Math.abs(sample) === 32_767)).toBe(false)
  })

  test('has the same length at every rate', async () => {
    const lengths: number[] = []
    for (const sampleRate of [8_000, 16_000, 24_000, 48_000]) {
      lengths.push((await say(flite, SENTENCE, { sampleRate })).samples / sampleRate)
    }
    for (const seconds of lengths) expect(Math.abs(seconds - lengths[0]!)).toBeLessThan(0.02)
  })

  test('is faster and slower, louder and softer', async () => {
    const normal = await say(flite, SENTENCE)
    const fast = await say(flite, SENTENCE, { speed: 2 })
    const slow = await say(flite, SENTENCE, { speed: 0.5 })
    expect(fast.samples / normal.samples).toBeWithin(0.4, 0.65)
    expect(slow.samples / normal.samples).toBeWithin(1.6, 2.2)
    const soft = await say(flite, SENTENCE, { volume: 2.5 })
    expect(rmsDb(samplesOf(soft)) - rmsDb(samplesOf(normal))).toBeWithin(-6.5, -5.5)
    const silent = await say(flite, SENTENCE, { volume: 0 })
    expect(samplesOf(silent).every((sample) => sample === 0)).toBe(true)
  })

  test('speaks the first clause before the last one is made', async () => {
    const text = `${SENTENCE} `.repeat(8)
    const { synthesis, spoken, done } = listen(flite)
    synthesis.push(text)
    synthesis.finish()
    const startedMs = performance.now()
    await done
    const wholeMs = performance.now() - startedMs
    expect(spoken.clauses.length).toBeGreaterThan(8)
    expect(spoken.firstAudioMs!).toBeLessThan(wholeMs / 3)
  })

  test('says text that streams in as if it had been whole', async () => {
    const whole = await say(flite, SENTENCE)
    const { synthesis, done } = listen(flite)
    for (const letter of SENTENCE) synthesis.push(letter)
    synthesis.finish()
    const streamed = await done
    expect(streamed.clauses).toEqual(whole.clauses)
    expect(samplesOf(streamed)).toEqual(samplesOf(whole))
  })

  test('flush speaks what is there', async () => {
    const { synthesis, spoken, done } = listen(flite)
    synthesis.push('Hello there')
    synthesis.flush()
    while (spoken.samples === 0) await Bun.sleep(5)
    expect(spoken.clauses).toEqual(['Hello there'])
    synthesis.finish()
    await done
  })

  test('begins no clause while the flow is closed', async () => {
    const { synthesis, spoken, done } = listen(flite)
    synthesis.setFlow(false)
    synthesis.push(`${SENTENCE} ${SENTENCE}`)
    synthesis.finish()
    await say(flite, 'Another call is not held up.')
    expect(spoken.samples).toBe(0)
    synthesis.setFlow(true)
    expect((await done).samples).toBeGreaterThan(0)
  })

  test('says nothing more once it is closed', async () => {
    const { synthesis, spoken } = listen(flite)
    synthesis.push(SENTENCE.repeat(5))
    synthesis.finish()
    synthesis.close()
    synthesis.close()
    await say(flite, 'The next one.')
    expect(spoken).toMatchObject({ clauses: [], samples: 0, isCached: undefined, error: undefined })
  })

  test('a long text keeps another one waiting for no more than a clause or two', async () => {
    const long = listen(flite)
    long.synthesis.push(`${SENTENCE} `.repeat(40))
    long.synthesis.finish()
    await say(flite, 'Quick one.')
    expect(long.spoken.clauses.length).toBeLessThan(5)
    long.synthesis.close()
  })

  test.each([
    ['unknown voice', { speaker: 'nobody' }, 'known are slt, rms, awb, kal16, kal'],
    ['impossible pace', { speed: 5 }, 'tts.speed: 5 is not between'],
  ])('an %s is an error that says what is possible', async (_name, options, message) => {
    const { error } = await say(flite, SENTENCE, options)
    expect(error).toMatchObject({ provider: 'flite', code: 'parameter' })
    expect(error?.message).toContain(message)
  })

  test.each(['你好，世界。', '🙂🙂', '...', '— —'])(
    '%s cannot be said, and it says so',
    async (text) => {
      expect((await say(flite, text)).error).toMatchObject({ code: 'text' })
    },
  )

  test('skips what it cannot say among what it can', async () => {
    const spoken = await say(flite, 'Great 🎉. 你好。 Bye now.')
    expect(spoken.error).toBeUndefined()
    expect(spoken.clauses.join('')).toBe('Great 🎉. 你好。 Bye now.')
  })

  test.each(['', '   \n '])('%j ends without audio and without an error', async (text) => {
    expect(await say(flite, text)).toMatchObject({ samples: 0, isCached: false, error: undefined })
  })

  test.each([
    '-voice kal',
    '--help',
    '/etc/passwd',
    'a.txt',
    '"quoted" `x` $HOME; rm',
    "it's\0here",
  ])('%j is text, not an option or a file', async (text) => {
    const { samples, error } = await say(flite, text)
    expect(error).toBeUndefined()
    expect(samples).toBeGreaterThan(1_000)
  })
})
