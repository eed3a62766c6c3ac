import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { Pacer } from '#media/pacer.ts'
import type { Playback } from '#media/playback.ts'
import { Player } from '#media/player.ts'

/** Hands out the numbers 1, 2, 3 …, as far as they have been released. */
class Counting implements Playback {
  #next = 1
  available: number
  readonly #total: number
  isClosed = false

  constructor(total: number, available = total) {
    this.#total = total
    this.available = available
  }

  get isFinished(): boolean {
    return this.#next > this.#total
  }

  read(frame: Int16Array): number {
    const count = Math.min(frame.length, this.available - this.#next + 1)
    for (let i = 0; i < count; i += 1) frame[i] = this.#next + i
    this.#next += count
    return count
  }

  close(): void {
    this.isClosed = true
  }
}

const setUp = () => {
  const pacer = new Pacer()
  const sent: number[][] = []
  const player = new Player(pacer, 8_000, ({ samples }) => void sent.push([...samples]))
  const ends: number[] = []
  const handlers = { onEnd: () => void ends.push(performance.now()) }
  return { pacer, player, sent, ends, handlers }
}

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

describe('Player', () => {
  test('sends whole frames and pads the last one with silence', () => {
    const { player, sent, ends, handlers } = setUp()
    player.start(new Counting(200), handlers)
    jest.advanceTimersByTime(100)
    expect(sent).toHaveLength(2)
    expect(sent[0]).toHaveLength(160)
    expect(sent[0]!.slice(0, 3)).toEqual([1, 2, 3])
    expect(sent[1]!.slice(38, 42)).toEqual([199, 200, 0, 0])
    expect(player.positionMs).toBe(25)
    expect(ends).toHaveLength(1)
  })

  test('loses no sample over an underrun, and counts it', () => {
    const { player, sent, handlers } = setUp()
    const playback = new Counting(400, 160)
    player.start(playback, handlers)
    jest.advanceTimersByTime(100)
    expect(sent).toHaveLength(1)
    expect(player.stats.underruns).toBe(4)
    playback.available = 400
    jest.advanceTimersByTime(100)
    expect(sent.flat().filter((sample) => sample !== 0)).toEqual(
      Array.from({ length: 400 }, (_, i) => i + 1),
    )
  })

  test('pauses and resumes at the same sample', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Counting(1_600), handlers)
    jest.advanceTimersByTime(60)
    player.pause()
    player.pause()
    const before = sent.length
    jest.advanceTimersByTime(500)
    expect(sent).toHaveLength(before)
    player.resume()
    player.resume()
    jest.advanceTimersByTime(500)
    expect(sent.flat()).toEqual(Array.from({ length: 1_600 }, (_, i) => i + 1))
  })

  test('sends no faster for being paused and resumed all the time', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Counting(80_000), handlers)
    for (let i = 0; i < 500; i += 1) {
      player.pause()
      jest.advanceTimersByTime(1)
      player.resume()
      jest.advanceTimersByTime(1)
    }
    expect(sent.length).toBeLessThanOrEqual(50)
  })

  test('stop closes the playback, sends nothing more and reports no end', () => {
    const { pacer, player, sent, ends, handlers } = setUp()
    const playback = new Counting(1_600)
    player.start(playback, handlers)
    jest.advanceTimersByTime(60)
    const before = sent.length
    player.stop()
    player.stop()
    jest.advanceTimersByTime(500)
    expect(sent).toHaveLength(before)
    expect(playback.isClosed).toBe(true)
    expect(ends).toEqual([])
    expect(pacer.memberCount).toBe(0)
  })

  test('stopped while paused leaves the pacer empty', () => {
    const { pacer, player, handlers } = setUp()
    player.start(new Counting(1_600), handlers)
    player.pause()
    player.stop()
    player.start(new Counting(160), handlers)
    jest.advanceTimersByTime(100)
    expect(pacer.memberCount).toBe(0)
  })

  test('muted sends silence and keeps the time', () => {
    const { player, sent, handlers } = setUp()
    player.isMuted = true
    player.start(new Counting(320), handlers)
    jest.advanceTimersByTime(100)
    expect(sent.flat().every((sample) => sample === 0)).toBe(true)
    expect(player.positionMs).toBe(40)
  })
})
