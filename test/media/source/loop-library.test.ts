import { heapStats } from 'bun:jsc'
import { describe, expect, test } from 'bun:test'
import type { Playback } from '#media/playback.ts'
import { LoopLibrary, type LoopLibraryOptions } from '#media/source/loop-library.ts'
import { MediaError } from '#media/source/media-error.ts'
import type { MediaHandlers } from '#media/source/media-library.ts'
import { rejection } from '../../support/rejection.ts'

const RATE = 8_000

/** A file of so many samples, as fast as it is read; counts up from 1. */
class FakeFile implements Playback {
  #next = 1
  readonly #length: number
  isClosed = false

  constructor(length: number) {
    this.#length = length
  }

  get isFinished(): boolean {
    return this.#next > this.#length
  }

  read(frame: Int16Array): number {
    const count = Math.min(frame.length, this.#length - this.#next + 1)
    for (let i = 0; i < count; i += 1) frame[i] = (this.#next + i) % 10_000
    this.#next += count
    return count
  }

  close(): void {
    this.isClosed = true
  }
}

const setUp = (lengthSamples: number, options: LoopLibraryOptions = {}) => {
  const opened: { file: FakeFile; handlers: MediaHandlers }[] = []
  const library = new LoopLibrary((_url, _rate, handlers) => {
    const file = new FakeFile(lengthSamples)
    opened.push({ file, handlers })
    return file
  }, options)
  return { library, opened }
}

describe('LoopLibrary', () => {
  test('gives the whole file, its end laid over its beginning', async () => {
    const { library } = setUp(2 * RATE)
    const loop = await library.acquire('a.wav', RATE).samples
    const seam = (RATE * 20) / 1000
    expect(loop).toHaveLength(2 * RATE - seam)
    expect(loop[seam]).toBe(seam + 1)
    // The first sample follows the last one as it did in the file.
    expect(Math.abs(loop[0]! - (loop.at(-1)! + 1))).toBeLessThan(60)
  })

  test.each([1, 2, 333])('repeats a file of %d samples to a second and more', async (length) => {
    const { library } = setUp(length)
    const loop = await library.acquire('a.wav', RATE).samples
    expect(loop.length).toBeWithin(RATE, RATE + 333)
    const once = length - Math.min(160, length >> 1)
    expect(loop.length % once).toBe(0)
    expect(loop.subarray(once, 2 * once)).toEqual(loop.subarray(0, once))
  })

  test.each([119, 121])('holds a file of %d seconds no more than once', async (seconds) => {
    const arrays = () => {
      Bun.gc(true)
      const { Int16Array: count = 0 } = heapStats().objectTypeCounts
      return count
    }
    const { library } = setUp(RATE * seconds)
    const before = arrays()
    const loop = library.acquire('a.wav', RATE)
    await loop.samples.catch(() => undefined)
    await Bun.sleep(0)
    // It came in 1,190 pieces and more.
    expect(arrays() - before).toBeLessThan(200)
    loop.release()
  })

  test('decodes a file once for all calls that use it, and lets it go with the last', async () => {
    const { library, opened } = setUp(RATE)
    const first = library.acquire('a.wav', RATE)
    const second = library.acquire('a.wav', RATE)
    library.acquire('a.wav', 16_000)
    expect(await first.samples).toBe(await second.samples)
    expect(opened).toHaveLength(2)
    first.release()
    first.release()
    expect(library.size).toBe(2)
    second.release()
    expect(library.size).toBe(1)
    expect(opened[0]!.file.isClosed).toBe(true)
  })

  test('released before it is there stops the decoder', () => {
    const { library, opened } = setUp(RATE)
    library.acquire('a.wav', RATE).release()
    expect(opened[0]!.file.isClosed).toBe(true)
    expect(library.size).toBe(0)
  })

  test('refuses what is too long for a loop', async () => {
    const { library, opened } = setUp(RATE * 121)
    const error = await rejection(library.acquire('a.wav', RATE).samples)
    expect(error).toMatchObject({
      code: 'too_large',
      message: 'url: a loop may be 120 seconds long',
    })
    expect(opened[0]!.file.isClosed).toBe(true)
    expect(library.size).toBe(0)
  })

  test('refuses what is too much for the memory, until there is room again', async () => {
    const { library } = setUp(2 * RATE, { maxBytes: 10 * RATE })
    const loops = ['a', 'b'].map((name) => library.acquire(name, RATE))
    await Promise.all(loops.map(({ samples }) => samples))
    const error = await rejection(library.acquire('c', RATE).samples)
    expect(error).toMatchObject({ code: 'too_large' })
    expect(library.size).toBe(2)
    loops[0]!.release()
    expect(await library.acquire('c', RATE).samples).toHaveLength(2 * RATE - 160)
  })

  test('refuses a file without audio', async () => {
    const { library } = setUp(0)
    expect(await rejection(library.acquire('a.wav', RATE).samples)).toMatchObject({
      code: 'decode',
    })
  })

  test('tells what the file says, and tries again the next time', async () => {
    const { library, opened } = setUp(RATE)
    const loop = library.acquire('a.wav', RATE)
    opened[0]!.handlers.onError(new MediaError('not_found', 'url: no such file'))
    expect(await rejection(loop.samples)).toMatchObject({ code: 'not_found' })
    loop.release()
    await library.acquire('a.wav', RATE).samples
    expect(opened).toHaveLength(2)
  })
})
