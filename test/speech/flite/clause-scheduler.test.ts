import { afterEach, describe, expect, test } from 'bun:test'
import { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import { hear, speak } from '../../support/utterance-listener.ts'

const scripted = () => new Worker(new URL('./scripted-worker.ts', import.meta.url))
const failing = () => new Worker(new URL('./failing-worker.ts', import.meta.url))

let synthesizer: FliteSynthesizer
let faults: string[] = []
function start(createWorker: () => Worker = scripted): FliteSynthesizer {
  faults = []
  synthesizer = new FliteSynthesizer({ createWorker, onFault: (fault) => faults.push(fault) })
  return synthesizer
}
afterEach(() => synthesizer.close())

describe('ClauseScheduler', () => {
  test('a clause that traps fails its utterance, and nobody else', async () => {
    start()
    const [bad, good] = await Promise.all([
      hear(synthesizer, 'Good begin. It will trap here. Never said.'),
      hear(synthesizer, 'All is well. Really.'),
    ])
    expect(bad.log).toEqual(['clause Good begin. ', 'audio', 'error server'])
    expect(bad.error?.message).toContain('unreachable')
    expect(good.log.at(-1)).toBe('end')
    expect(synthesizer.stats).toMatchObject({ failures: 1, restarts: 0, queued: 0 })
    expect(faults).toEqual([])
  })

  test.each(['die', 'throw'])('a Worker that dies (%s) fails one utterance', async (word) => {
    start()
    await synthesizer.ready
    const [bad, good] = await Promise.all([
      hear(synthesizer, `It will ${word} now.`),
      hear(synthesizer, 'All is well. Really.'),
    ])
    expect(bad.log).toEqual(['error server'])
    expect(good.log).toEqual(['clause All is well. ', 'audio', 'clause Really.', 'audio', 'end'])
    expect(synthesizer.stats).toMatchObject({ failures: 1, restarts: 1 })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain('the flite Worker died')
  })

  test('without a Worker that loads everything fails, until one does', async () => {
    let createWorker = failing
    start(() => createWorker())
    const early = await hear(synthesizer, 'Nobody says this.')
    expect(early.log).toEqual(['error server'])
    expect(early.error?.message).toContain('there is no flite')
    const late = await hear(synthesizer, 'Nor this.')
    expect(late.log).toEqual(['error server'])
    createWorker = scripted
    await synthesizer.ready
    expect((await hear(synthesizer, 'But this.')).log.at(-1)).toBe('end')
  })

  test('a new utterance waits for one clause at most, old ones take turns', async () => {
    start()
    await synthesizer.ready
    const order: string[] = []
    const note = (name: string) => ({
      onClause: () => order.push(name),
      onAudio() {},
      onEnd: () => {},
      onError: () => {},
    })
    const text = 'One more sentence. '.repeat(20)
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const name of ['a', 'b']) {
      const synthesis = synthesizer.open({ sampleRate: 8000 }, note(name))
      synthesis.push(text)
      synthesis.finish()
    }
    const first = speak(synthesizer, text)
    await first.listener.heard
    const before = order.length
    synthesizer.open({ sampleRate: 8000 }, { ...note('c'), onEnd: () => resolve() }).finish()
    const late = synthesizer.open(
      { sampleRate: 8000 },
      { ...note('d'), onAudio: () => order.push('D') },
    )
    late.push('Me too. ')
    await promise
    await first.listener.over
    expect(order.indexOf('d') - before).toBeLessThanOrEqual(2)
    const turns = order.filter((name) => name === 'a' || name === 'b').join('')
    expect(turns).toMatch(/^(ab)+$/)
    late.close()
  })
})
