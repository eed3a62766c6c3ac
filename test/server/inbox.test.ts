import { describe, expect, test } from 'bun:test'
import { Inbox } from '#server/inbox.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('Inbox', () => {
  test('handles a message at once', () => {
    const handled: string[] = []
    new Inbox((text) => handled.push(text)).push('a')
    expect(handled).toEqual(['a'])
  })

  test('handles a burst in order, a batch per turn of the event loop', async () => {
    const handled: string[] = []
    const inbox = new Inbox((text) => handled.push(text))
    const burst = Array.from({ length: 200 }, (_, i) => String(i))
    for (const text of burst) expect(inbox.push(text)).toBe(true)
    const perTurn = [handled.length]
    while (handled.length < 200) {
      const before = handled.length
      await turn()
      perTurn.push(handled.length - before)
    }
    expect(handled).toEqual(burst)
    expect(Math.max(...perTurn)).toBe(32)
  })

  test('has a bound', () => {
    const inbox = new Inbox(() => undefined)
    let taken = 0
    while (inbox.push('{}')) taken += 1
    expect(taken).toBe(20_032)
    inbox.clear()
    expect(inbox.push('{}')).toBe(true)
  })
})
