import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { generateDtmf } from '#audio/dtmf-generator.ts'
import { DtmfReader } from '#audio/dtmf-reader.ts'
import { Ambiance } from '#media/ambiance.ts'
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

/** So many samples, all the same. */
class Constant extends Counting {
  readonly #sample: number

  constructor(sample: number, total: number) {
    super(total)
    this.#sample = sample
  }

  override read(frame: Int16Array): number {
    const count = super.read(frame)
    frame.fill(this.#sample, 0, count)
    return count
  }
}

const largestStep = (samples: readonly number[]) =>
  samples.reduce(
    (max, sample, i) => Math.max(max, Math.abs(sample - (samples[i - 1] ?? sample))),
    0,
  )

/** 5 ms at 8 kHz. */
const FADE_SAMPLES = 40

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

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
    const heard = sent.flat()
    expect(heard.slice(0, 160)).toEqual(numbers(1, 160))
    expect(heard.slice(160 + FADE_SAMPLES, 400)).toEqual(numbers(161 + FADE_SAMPLES, 400))
  })

  test('runs dry in the middle of a frame without a click, and goes on without one', () => {
    const { player, sent, handlers } = setUp()
    const playback = new Constant(10_000, 1_600)
    playback.available = 600
    player.start(playback, handlers)
    jest.advanceTimersByTime(200)
    playback.available = 1_600
    jest.advanceTimersByTime(70)
    const heard = sent.flat()
    expect(heard.slice(0, 600 - FADE_SAMPLES)).toEqual(new Array(600 - FADE_SAMPLES).fill(10_000))
    expect(largestStep(heard)).toBeLessThanOrEqual(10_000 / FADE_SAMPLES + 1)
    expect(heard.at(-1)).toBe(10_000)
  })

  test('pauses and resumes at the same sample, fading out and in', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Counting(1_600), handlers)
    jest.advanceTimersByTime(60)
    const before = sent.length
    player.pause()
    player.pause()
    jest.advanceTimersByTime(500)
    const fade = sent.slice(before)
    expect(fade).toHaveLength(1)
    const cutAt = before * 160
    expect(player.positionMs).toBe(before * 20 + 5)
    expect(fade[0]!.slice(FADE_SAMPLES)).toEqual(new Array(120).fill(0))
    expect(fade[0]![0]).toBeWithin(cutAt * 0.9, cutAt)
    expect(fade[0]![FADE_SAMPLES - 2]).toBeWithin(1, cutAt * 0.1)
    player.resume()
    player.resume()
    jest.advanceTimersByTime(500)
    const resumed = sent.slice(before + 1).flat()
    expect(resumed[0]).toBeLessThan(cutAt * 0.1)
    const next = cutAt + FADE_SAMPLES + 1
    expect(resumed.slice(FADE_SAMPLES, 1_600 - next + 1)).toEqual(
      numbers(next + FADE_SAMPLES, 1_600),
    )
    expect(player.positionMs).toBe(200)
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

  test('sends no faster for being started anew all the time', () => {
    const { player, sent, handlers } = setUp()
    for (let i = 0; i < 500; i += 1) {
      player.start(new Counting(80_000), handlers)
      jest.advanceTimersByTime(2)
    }
    expect(sent.length).toBeWithin(48, 53)
  })

  test('keeps its rhythm from one playback to the next, also from one that was cut short', () => {
    const { player, sent, handlers } = setUp()
    for (let i = 0; i < 10; i += 1) {
      player.start(new Counting(80_000), handlers)
      jest.advanceTimersByTime(90)
      player.stop()
      jest.advanceTimersByTime(10)
    }
    expect(sent.length).toBeLessThanOrEqual(51)
  })

  test('stop under an ambiance sends what fades away at once too, and keeps the rhythm', () => {
    const { player, sent, handlers } = setUp()
    player.ambiance = new Ambiance(new Int16Array(100), 8_000, { level: 1, duckLevel: 1 })
    player.start(new Constant(10_000, 80_000), handlers)
    jest.advanceTimersByTime(500)
    const before = sent.length
    player.stop()
    expect(sent).toHaveLength(before + 1)
    expect(sent.at(-1)![0]).toBeWithin(9_000, 10_000)
    expect(player.positionMs).toBe(before * 20 + 5)
    jest.advanceTimersByTime(500)
    expect(sent.slice(before + 1).flat()).toEqual(
      new Array((sent.length - before - 1) * 160).fill(0),
    )
    expect(sent.length).toBeWithin(before + 24, before + 27)
  })

  test('stop that is the end under an ambiance has sent all that it counts', () => {
    const { player, sent, handlers } = setUp()
    player.ambiance = new Ambiance(new Int16Array(100), 8_000, { level: 1, duckLevel: 1 })
    player.start(new Constant(10_000, 80_000), handlers)
    jest.advanceTimersByTime(500)
    player.close()
    const heard = sent.flat().filter((sample) => sample !== 0)
    expect(heard.length).toBeWithin(player.positionMs * 8 - 1, player.positionMs * 8 + 1)
  })

  test('stop sends what fades away at once, closes the playback and reports no end', () => {
    const { pacer, player, sent, ends, handlers } = setUp()
    const playback = new Counting(1_600)
    player.start(playback, handlers)
    jest.advanceTimersByTime(60)
    const before = sent.length
    player.stop()
    player.stop()
    expect(sent).toHaveLength(before + 1)
    jest.advanceTimersByTime(500)
    expect(sent).toHaveLength(before + 1)
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

  test('stopped before anything was heard sends nothing at all', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Counting(1_600), handlers)
    player.stop()
    jest.advanceTimersByTime(100)
    expect(sent).toEqual([])
  })

  test('muted in the middle falls silent without a click', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Constant(10_000, 1_600), handlers)
    jest.advanceTimersByTime(60)
    player.isMuted = true
    jest.advanceTimersByTime(200)
    expect(largestStep(sent.flat().slice(0, -1))).toBeLessThanOrEqual(10_000 / FADE_SAMPLES + 1)
    expect(sent.at(-1)!.every((sample) => sample === 0)).toBe(true)
  })

  test.each([
    [0.5, 5_000],
    [1, 10_000],
    [2, 20_000],
  ])('plays at a volume of %d', (volume, sample) => {
    const { player, sent, handlers } = setUp()
    player.start(new Constant(10_000, 320), handlers, volume)
    jest.advanceTimersByTime(100)
    expect(new Set(sent.flat())).toEqual(new Set([sample]))
  })

  test('never wraps around at a volume that is too much', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Constant(30_000, 320), handlers, 4)
    jest.advanceTimersByTime(100)
    expect(Math.min(...sent.flat())).toBeGreaterThan(20_000)
  })

  test.each(['pause', 'stop'] as const)('%s does not wrap around either', (command) => {
    const { player, sent, handlers } = setUp()
    player.start(new Constant(12_000, 8_000), handlers, 4)
    jest.advanceTimersByTime(100)
    player[command]()
    jest.advanceTimersByTime(100)
    expect(Math.min(...sent.flat())).toBe(0)
    expect(largestStep(sent.flat())).toBeLessThan(2_000)
  })

  test('loops an ambiance under everything, softer under a playback', () => {
    const { player, sent, ends, handlers } = setUp()
    player.ambiance = new Ambiance(new Int16Array(333).fill(1000), 8_000, {
      level: 0.5,
      duckLevel: 0.1,
    })
    jest.advanceTimersByTime(1_000)
    expect(sent.length).toBeWithin(45, 55)
    expect(new Set(sent.at(-1))).toEqual(new Set([500]))
    player.start(new Constant(10_000, 8_000), handlers)
    jest.advanceTimersByTime(900)
    expect(new Set(sent.at(-1))).toEqual(new Set([10_100]))
    jest.advanceTimersByTime(1_000)
    expect(ends).toHaveLength(1)
    expect(new Set(sent.at(-1))).toEqual(new Set([500]))
    const steps = largestStep(sent.slice(2).flat())
    expect(steps).toBe(10_000)
  })

  test('presses keys that a detector reads, and the playback loses nothing meanwhile', () => {
    const { player, sent, ends, handlers } = setUp()
    const keys: string[] = []
    const reader = new DtmfReader((key) => void keys.push(key))
    player.start(new Constant(10_000, 3_200), handlers)
    jest.advanceTimersByTime(100)
    expect(player.pressKeys('42#', { durationMs: 60, gapMs: 60 })).toBe(true)
    jest.advanceTimersByTime(2_000)
    for (const frame of sent) reader.read(Int16Array.from(frame))
    expect(keys).toEqual(['4', '2', '#'])
    expect(ends).toHaveLength(1)
    expect(player.positionMs).toBe(400)
  })

  test('keys that a loud playback was in the way of come back to their loudness bit by bit', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Constant(32_000, 3_200), handlers)
    jest.advanceTimersByTime(100)
    const before = sent.length
    player.pressKeys('5', { durationMs: 1_000, gapMs: 40 })
    jest.advanceTimersByTime(900)
    const ideal = generateDtmf('5', 8_000, { durationMs: 1_000 })
    const heard = sent.slice(before).flat()
    const gainAt = (from: number) => {
      const part = (all: ArrayLike<number>) => Array.from(all).slice(from, from + 80)
      const size = (all: number[]) => all.reduce((sum, sample) => sum + Math.abs(sample), 0)
      return size(part(heard)) / size(part(ideal))
    }
    expect(gainAt(80)).toBeLessThan(0.9)
    expect(Math.abs(gainAt(160) - gainAt(80))).toBeLessThan(0.05)
    expect(gainAt(6_000)).toBe(1)
  })

  test('a playback is not softer for the loud one before it', () => {
    const { player, sent, handlers } = setUp()
    player.start(new Constant(30_000, 80_000), handlers, 4)
    jest.advanceTimersByTime(100)
    player.start(new Constant(10_000, 80_000), handlers)
    jest.advanceTimersByTime(100)
    expect(sent.at(-4)![0]).toBe(10_000)
  })

  test('presses keys with nothing playing, and then leaves the pacer', () => {
    const { pacer, player, sent } = setUp()
    expect(player.pressKeys('1', { durationMs: 50, gapMs: 50 })).toBe(true)
    jest.advanceTimersByTime(500)
    expect(sent).toHaveLength(5)
    expect(pacer.memberCount).toBe(0)
  })

  test('takes no more than 256 keys at a time', () => {
    const { player } = setUp()
    expect(player.pressKeys('1'.repeat(256), {})).toBe(true)
    expect(player.pressKeys('1', {})).toBe(false)
  })

  test('closed sends nothing more, whatever it was sending', () => {
    const { pacer, player, sent, handlers } = setUp()
    player.ambiance = new Ambiance(new Int16Array(100).fill(1000), 8_000, {
      level: 1,
      duckLevel: 1,
    })
    player.pressKeys('123', {})
    player.start(new Counting(1_600), handlers)
    jest.advanceTimersByTime(60)
    player.close()
    const before = sent.length
    jest.advanceTimersByTime(500)
    expect(sent).toHaveLength(before)
    expect(pacer.memberCount).toBe(0)
  })
})
