import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { DiskCache } from '#core/disk-cache.ts'
import { withCache } from '#speech/tts-cache.ts'
import { FakeSynthesizer } from '../support/fake-synthesizer.ts'
import { listen, samplesOf, say } from '../support/spoken.ts'
import { Listener, speak } from '../support/utterance-listener.ts'

let directory: string
let cache: DiskCache
beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/bunpbx-tts-`)
  cache = new DiskCache(directory, 10_000_000)
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** Resolves once what was said has been put in the cache. */
const kept = async (bytes: number) => {
  while (cache.bytes < bytes) await Bun.sleep(2)
}

describe('withCache', () => {
  test('says the same again without the synthesizer, clause for clause', async () => {
    const fake = new FakeSynthesizer()
    const cached = withCache(fake, cache)
    const first = await say(cached, 'hello there friend')
    await kept(1)
    const second = await say(cached, 'hello there friend')
    expect([first.isCached, second.isCached]).toEqual([false, true])
    expect(second.clauses).toEqual(first.clauses)
    expect(samplesOf(second)).toEqual(samplesOf(first))
    expect(fake.opened).toHaveLength(1)
  })

  test.each([
    [{ speaker: 'bob' }],
    [{ speed: 1.2 }],
    [{ volume: 3 }],
    [{ sampleRate: 8_000 }],
    [{ extra: { style: 'happy' } }],
    [{ cacheKey: 'k' }],
  ])('does not take %o for the same', async (options) => {
    const fake = new FakeSynthesizer()
    const cached = withCache(fake, cache)
    await say(cached, 'hello')
    await kept(1)
    await say(cached, 'hello', options)
    expect(fake.opened).toHaveLength(2)
  })

  test('takes the same cacheKey for the same, whatever the text', async () => {
    const fake = new FakeSynthesizer()
    const cached = withCache(fake, cache)
    await say(cached, 'hello', { cacheKey: 'greeting' })
    await kept(1)
    expect((await say(cached, 'something else', { cacheKey: 'greeting' })).isCached).toBe(true)
  })

  test('does not keep what failed or was cut short', async () => {
    const fake = new FakeSynthesizer()
    const cached = withCache(fake, cache)
    await say(cached, 'good fail')
    const { synthesis } = listen(cached)
    synthesis.push('never ends')
    synthesis.close()
    await Bun.sleep(20)
    expect(cache.bytes).toBe(0)
  })

  test('lets streamed text straight through', async () => {
    const fake = new FakeSynthesizer()
    const { synthesis, spoken, done } = listen(withCache(fake, cache))
    synthesis.push('one ')
    await Bun.sleep(5)
    expect(spoken.clauses).toEqual(['one '])
    synthesis.push('two')
    synthesis.finish()
    expect((await done).clauses).toEqual(['one ', 'two'])
    expect(cache.bytes).toBe(0)
  })

  test('minds the flow', async () => {
    const cached = withCache(new FakeSynthesizer(), cache)
    const text = 'wwwwwwwwww '.repeat(50)
    await say(cached, text)
    await kept(1)
    const { synthesis, spoken, done } = listen(cached)
    synthesis.setFlow(false)
    synthesis.push(text)
    synthesis.finish()
    await Bun.sleep(20)
    expect(spoken.samples).toBe(0)
    synthesis.setFlow(true)
    expect((await done).samples).toBe(50 * 1_600)
  })

  test('closed while it looks, it says nothing', async () => {
    const fake = new FakeSynthesizer()
    const { synthesis, spoken } = listen(withCache(fake, cache))
    synthesis.push('hello')
    synthesis.finish()
    synthesis.close()
    await Bun.sleep(20)
    expect(spoken.samples).toBe(0)
    expect(fake.opened).toEqual([])
  })

  test('the receiver may change the audio it was given', async () => {
    const cached = withCache(new FakeSynthesizer(), cache)
    for (const isCached of [false, true, true]) {
      let firstSample: number | undefined
      const listener: Listener = new Listener((kind) => {
        if (kind !== 'audio') return
        firstSample ??= listener.chunks[0]?.[0]
        listener.chunks.at(-1)?.fill(0)
      })
      speak(cached, 'One two', {}, listener)
      await listener.over
      expect(firstSample).toBe('O'.charCodeAt(0))
      expect(listener.isCached).toBe(isCached)
      while (cache.bytes === 0) await Bun.sleep(1)
    }
  })

  test('a hit that is closed by its own handlers reports nothing more', async () => {
    const cached = withCache(new FakeSynthesizer(), cache)
    // A word of three seconds, so that its audio comes in two parts.
    const word = 'w'.repeat(300)
    await say(cached, `${word} two`)
    await kept(1)
    const { listener, synthesis } = speak(
      cached,
      undefined,
      {},
      new Listener((kind) => {
        if (kind === 'clause') synthesis.close()
      }),
    )
    synthesis.push(`${word} two`)
    synthesis.finish()
    while (listener.log.length === 0) await Bun.sleep(1)
    synthesis.setFlow(true)
    expect(listener.log).toEqual([`clause ${word} `])
  })
})
