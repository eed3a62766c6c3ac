import { afterEach, describe, expect, jest, test } from 'bun:test'
import { HttpCache } from '#media/source/http-cache.ts'
import type { HttpAnswer } from '#media/source/http-request.ts'
import { MemoryCache } from './memory-cache.ts'

type Headers = Readonly<Record<string, string>>

const SONG = new URL('http://media.example/song.mp3')
const never = new AbortController().signal

/** A server that answers what the test says, and remembers what it was asked. */
class FakeServer {
  readonly asked: Headers[] = []
  discarded = 0
  status = 200
  body = 'audio'
  headers: Headers = {}

  readonly get = (_url: URL, headers: Headers): Promise<HttpAnswer> => {
    this.asked.push(headers)
    const pieces = Array.from(this.body, (letter) => new TextEncoder().encode(letter))
    return Promise.resolve({
      status: this.status,
      headers: { 'content-length': String(this.body.length), ...this.headers },
      body: (async function* () {
        yield* pieces
      })(),
      discard: () => {
        this.discarded += 1
      },
    })
  }
}

function setUp(headers: Headers): { server: FakeServer; cache: HttpCache; store: MemoryCache } {
  const server = new FakeServer()
  server.headers = headers
  const store = new MemoryCache()
  return { server, store, cache: new HttpCache(store, server.get) }
}

async function read(cache: HttpCache, url = SONG): Promise<string> {
  const { body } = await cache.get(url, never)
  let text = ''
  for await (const piece of body) text += Buffer.from(piece)
  return text
}

afterEach(() => {
  jest.useRealTimers()
})

describe('HttpCache', () => {
  test('does not ask again for what is fresh', async () => {
    const { server, cache } = setUp({ 'cache-control': 'public, max-age=60' })
    expect(await read(cache)).toBe('audio')
    expect(await read(cache)).toBe('audio')
    expect(await read(cache, new URL('#t=10', SONG))).toBe('audio')
    expect(server.asked).toHaveLength(1)
    expect(cache.stats).toEqual({ hits: 2, revalidated: 0, misses: 1 })
  })

  test('asks again when it is no longer fresh, counting the age it came with', async () => {
    jest.useFakeTimers()
    const { server, cache } = setUp({ 'cache-control': 'max-age=60', age: '50' })
    await read(cache)
    jest.advanceTimersByTime(9000)
    await read(cache)
    expect(server.asked).toHaveLength(1)
    jest.advanceTimersByTime(2000)
    await read(cache)
    expect(server.asked).toHaveLength(2)
  })

  test('takes the lifetime from Expires and Date', async () => {
    const date = 'Tue, 24 Nov 2026 10:00:00 GMT'
    const { server, cache } = setUp({ date, expires: 'Tue, 24 Nov 2026 10:01:00 GMT' })
    await read(cache)
    await read(cache)
    expect(server.asked).toHaveLength(1)
  })

  test('revalidates by ETag and date, and plays what it has after a 304', async () => {
    const { server, cache } = setUp({ etag: '"1"', 'last-modified': 'yesterday' })
    await read(cache)
    server.status = 304
    server.headers = { etag: '"1"', 'cache-control': 'max-age=60' }
    expect(await read(cache)).toBe('audio')
    expect(server.asked[1]).toEqual({ 'if-none-match': '"1"', 'if-modified-since': 'yesterday' })
    expect(server.discarded).toBe(1)
    // The 304 said that it is fresh now.
    expect(await read(cache)).toBe('audio')
    expect(server.asked).toHaveLength(2)
    expect(cache.stats).toEqual({ hits: 1, revalidated: 1, misses: 1 })
  })

  test('replaces what has changed', async () => {
    const { server, cache } = setUp({ etag: '"1"' })
    await read(cache)
    server.headers = { etag: '"2"', 'cache-control': 'max-age=60' }
    server.body = 'new audio'
    expect(await read(cache)).toBe('new audio')
    expect(await read(cache)).toBe('new audio')
    expect(server.asked).toHaveLength(2)
  })

  test.each([
    ['no-store', { 'cache-control': 'No-Store, max-age=60', etag: '"1"' }],
    ['nothing to revalidate by', {}],
    ['no-cache without a validator', { 'cache-control': 'no-cache, max-age=60' }],
    ['Vary: *', { vary: '*', etag: '"1"' }],
  ])('keeps nothing: %s', async (_, headers) => {
    const { cache, store } = setUp(headers)
    await read(cache)
    expect(store.entries.size).toBe(0)
  })

  test('keeps nothing whose end was not announced, nor what is not the file', async () => {
    const { server, cache, store } = setUp({ etag: '"1"', 'content-length': '' })
    server.status = 404
    await read(cache)
    server.status = 200
    const { headers, ...answer } = await server.get(SONG, {})
    const open = { ...answer, headers: { ...headers, 'content-length': undefined } }
    await read(new HttpCache(store, () => Promise.resolve(open)))
    expect(store.entries.size).toBe(0)
  })

  test('keeps only what was read to its end', async () => {
    const { cache, store } = setUp({ etag: '"1"' })
    for await (const _ of (await cache.get(SONG, never)).body) break
    expect(store.entries.size).toBe(0)
    await read(cache)
    expect(store.entries.size).toBe(1)
  })

  test('keeps nothing larger than 20 MiB', async () => {
    const piece = new Uint8Array(1024 * 1024)
    const store = new MemoryCache()
    let left = 21
    const cache = new HttpCache(store, async () => ({
      status: 200,
      headers: { etag: '"1"', 'content-length': String(left * piece.length) },
      body: (async function* () {
        for (; left > 0; left -= 1) yield piece
      })(),
      discard: () => undefined,
    }))
    const { body } = await cache.get(SONG, never)
    let bytes = 0
    for await (const part of body) bytes += part.length
    expect(bytes).toBe(21 * piece.length)
    expect(store.entries.size).toBe(0)
  })

  test('takes what another version kept for nothing', async () => {
    for (const rubbish of ['', '{}', '\0\0\0\x02{}audio', '\xff\xff\xff\xff']) {
      const { cache, store } = setUp({ etag: '"1"' })
      store.entries.set(SONG.href, Uint8Array.from(Buffer.from(rubbish, 'latin1')))
      expect(await read(cache)).toBe('audio')
    }
  })

  test('finds what it kept before a restart', async () => {
    const { server, cache, store } = setUp({ 'cache-control': 'max-age=60' })
    await read(cache)
    expect(await read(new HttpCache(store, server.get))).toBe('audio')
    expect(server.asked).toHaveLength(1)
  })
})
