import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { findTones } from '#audio/tone-detector.ts'
import type { MediaError } from '#media/source/media-error.ts'
import { MediaLibrary, type MediaLibraryOptions } from '#media/source/media-library.ts'
import { join } from '../../audio/chunks.ts'
import { playFixture } from '../../audio/file/decode-all.ts'
import { setChecksum, splitPages } from '../../audio/file/ogg-pages.ts'
import { head, RawServer } from './raw-server.ts'

const FIXTURES = joinPath(import.meta.dir, '../../fixtures/play')
const RATE = 8000

const cacheDir = await mkdtemp(joinPath(tmpdir(), 'media-library-'))
const faults: string[] = []

function createLibrary(options: Partial<MediaLibraryOptions> = {}): MediaLibrary {
  return new MediaLibrary({
    mediaDir: FIXTURES,
    allowPrivate: true,
    cacheDir,
    cacheMaxBytes: 1_000_000,
    onFault: (message) => faults.push(message),
    ...options,
  })
}

const library = createLibrary()
const brokenDir = await mkdtemp(joinPath(tmpdir(), 'media-broken-'))
const breakable = createLibrary({ mediaDir: brokenDir })
const web = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: ({ url }) => new Response(Bun.file(FIXTURES + new URL(url).pathname)),
})

afterAll(async () => {
  await library.close()
  await web.stop(true)
  await breakable.close()
  await rm(cacheDir, { recursive: true })
  await rm(brokenDir, { recursive: true })
})

interface Heard {
  readonly samples: Int16Array
  readonly error: MediaError | undefined
}

/** Plays `url` to its end, as fast as it is decoded. */
async function playThrough(url: string, on = library): Promise<Heard> {
  let error: MediaError | undefined
  const playback = on.open(url, RATE, {
    onError: (reported) => {
      error = reported
    },
  })
  const frame = new Int16Array(160)
  const heard: Int16Array[] = []
  while (!playback.isFinished) {
    const count = playback.read(frame)
    heard.push(frame.slice(0, count))
    // The Worker has no event for us; a player comes back every 20 ms.
    if (count === 0) await Bun.sleep(1)
  }
  return { samples: join(heard), error }
}

/** Opens what will fail; resolves with the error. */
async function failure(url: string, on = library): Promise<MediaError> {
  const { promise, resolve } = Promise.withResolvers<MediaError>()
  on.open(url, RATE, { onError: resolve })
  return promise
}

/** A head for an endless WAV of 8000 Hz, and a second of it. */
async function endlessWav(): Promise<[Uint8Array, Uint8Array]> {
  const wav = (await playFixture('tone-440.wav')).slice(0, 44)
  new DataView(wav.buffer).setUint32(40, 0xffff_ffff, true)
  return [wav, new Uint8Array(32_000)]
}

describe('MediaLibrary', () => {
  test.each([
    ['tone-440.wav', 0.5],
    ['tone-440.mp3', 1],
    ['tone-440.flac', 1],
    ['tone-440.flac.ogg', 1],
    ['paged-440.ogg', 1],
    ['paged-440.opus.ogg', 1],
  ])('plays %s, from MEDIA_DIR and from a server', async (name, length) => {
    for (const url of [name, `${web.url}${name}`]) {
      const { samples, error } = await playThrough(url)
      expect(error).toBeUndefined()
      expect(samples.length).toBeWithin(length * RATE - 10, length * RATE + 10)
      expect(findTones(samples.subarray(1000), RATE)).toEqual([440])
    }
  })

  test('reports what cannot be played, by a code, and the playback is finished', async () => {
    const { samples, error } = await playThrough('../secret.wav')
    expect(samples).toHaveLength(0)
    expect(error).toMatchObject({ name: 'MediaError', code: 'forbidden' })
    expect(await failure('nope.wav')).toMatchObject({ code: 'not_found' })
    expect(await failure('file:///etc/passwd')).toMatchObject({ code: 'bad_url' })
    expect(await failure('tone-440.m4a')).toMatchObject({ code: 'unsupported' })
    expect(await failure(`${web.url}README.md`)).toMatchObject({ code: 'unsupported' })
  })

  test('reports nothing inside of open', () => {
    let hasFailed = false
    const playback = library.open('../x', RATE, {
      onError: () => {
        hasFailed = true
      },
    })
    expect(hasFailed).toBe(false)
    playback.close()
  })

  test('measures the time to the first audio', async () => {
    const before = library.latency.count
    await playThrough('tone-440.wav')
    expect(library.latency.count).toBe(before + 1)
  })

  test('plays what came of a file that breaks off, then reports it', async () => {
    const mp3 = await playFixture('tone-440-16k.mp3')
    using server = new RawServer((connection) => {
      connection.write(head('200 OK', `content-length: ${mp3.length}`))
      connection.write(mp3.subarray(0, 2200))
      connection.flush()
      connection.end()
    })
    const { samples, error } = await playThrough(server.url)
    expect(error?.code).toBe('network')
    expect(samples.length).toBeGreaterThan(0.4 * RATE)
  })

  test('keeps what a server lets it keep', async () => {
    const mp3 = await playFixture('tone-440.mp3')
    using server = new RawServer((connection) => {
      const headers = ['cache-control: max-age=600', `content-length: ${mp3.length}`]
      connection.write(head('200 OK', ...headers))
      connection.end(mp3)
    })
    const first = await playThrough(server.url)
    const second = await playThrough(server.url)
    expect(second.samples).toEqual(first.samples)
    expect(server.requests).toHaveLength(1)
  })

  test('stops reading from a server that sends more than is played, and closes it', async () => {
    const [wavHead, second] = await endlessWav()
    using server = new RawServer((connection) => {
      connection.write(head('200 OK'))
      connection.write(wavHead)
      server.pour(connection, second)
    })
    const own = createLibrary()
    const playback = own.open(server.url, RATE, { onError: () => undefined })
    // What the system buffers between two sockets is beyond us; that it comes to rest is not.
    for (let before = -1; before !== server.pouredBytes || before === 0; ) {
      before = server.pouredBytes
      await Bun.sleep(150)
    }
    expect(server.pouredBytes).toBeLessThan(30_000_000)
    expect(own.openFiles).toBe(1)
    playback.close()
    await server.until(() => server.connections === 0)
    expect(own.openFiles).toBe(0)
    await own.close()
  })

  test.each(['before the head', 'in the body'])('close %s closes the connection', async (when) => {
    const [wavHead] = await endlessWav()
    using server = new RawServer((connection) => {
      if (when === 'in the body') connection.write(head('200 OK') + String.fromCharCode(...wavHead))
    })
    const playback = library.open(server.url, RATE, { onError: () => undefined })
    await server.until(() => server.requests.length === 1)
    playback.close()
    await server.until(() => server.connections === 0)
    expect(playback.isFinished).toBe(true)
  })

  test('thirty files at once all come to their end', async () => {
    const plays = Array.from({ length: 30 }, () => playThrough('paged-440.ogg'))
    for (const { samples, error } of await Promise.all(plays)) {
      expect(error).toBeUndefined()
      expect(samples.length).toBeWithin(RATE - 10, RATE + 10)
    }
    expect(library.openFiles).toBe(0)
  })

  test('survives files that break decoders', async () => {
    const names = ['paged-440.ogg', 'paged-440.opus.ogg']
    const files = await Promise.all(names.map(playFixture))
    // Every byte of the first two pages is wrong once, under a checksum that is right.
    const plays = files.flatMap((file, i) =>
      Array.from({ length: 24 }, async (_, k) => {
        const pages = splitPages(file)
        const page = pages[k % 2]!
        page[28 + (k >> 1)]! ^= 0xff
        setChecksum(page)
        const path = joinPath(brokenDir, `${i}-${k}.ogg`)
        await Bun.write(path, Buffer.concat(pages))
        return playThrough(`${i}-${k}.ogg`, breakable)
      }),
    )
    await Promise.all(plays)
    expect(faults).toEqual([])
    expect(breakable.stats.restarts).toBe(0)
  })
})

describe('the Worker of a MediaLibrary', () => {
  const script = (text: string) => () => new Worker(URL.createObjectURL(new Blob([text])))

  test('dies alone: what it played fails, and the next file has a new one', async () => {
    let isFirst = true
    const reported: string[] = []
    const own = createLibrary({
      restartMs: 0,
      onFault: (message) => reported.push(message),
      createWorker: () => {
        if (!isFirst)
          return new Worker(new URL('../../../src/media/source/media-worker.ts', import.meta.url))
        isFirst = false
        return script(
          'onmessage = ({ data }) => { if (data.type === "open") throw new Error("boom") }',
        )()
      },
    })
    expect(await failure('tone-440.wav', own)).toMatchObject({ code: 'internal' })
    expect(reported).toEqual([expect.stringContaining('boom')])
    const { samples, error } = await playThrough('tone-440.wav', own)
    expect(error).toBeUndefined()
    expect(samples.length).toBe(RATE / 2)
    expect(own.stats).toMatchObject({ opened: 2, failed: 1, restarts: 1 })
    await own.close()
  })

  test('is not started over and over', async () => {
    const own = createLibrary({
      createWorker: script('throw new Error("boom")'),
      onFault: () => undefined,
    })
    for (let i = 0; i < 5; i += 1) {
      expect(await failure('tone-440.wav', own)).toMatchObject({ code: 'internal' })
    }
    expect(own.stats.restarts).toBe(0)
    await own.close()
  })

  test('is ended when it hangs', async () => {
    const hang = script('onmessage = ({ data }) => { if (data.type === "open") while (true) {} }')
    const reported: string[] = []
    const own = createLibrary({
      pingMs: 20,
      createWorker: hang,
      onFault: (message) => reported.push(message),
    })
    expect(await failure('tone-440.wav', own)).toMatchObject({ code: 'internal' })
    expect(reported).toEqual(['the decoder died: it hung'])
    await own.close()
  })

  test('is gone after close, and what played ends', async () => {
    const own = createLibrary()
    const playback = own.open('tone-440.mp3', RATE, { onError: () => undefined })
    await own.close()
    await own.close()
    const frame = new Int16Array(RATE)
    while (!playback.isFinished) playback.read(frame)
    expect(await failure('tone-440.mp3', own)).toMatchObject({ code: 'internal' })
  })
})
