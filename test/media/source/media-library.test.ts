import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTones } from '#audio/tone-detector.ts'
import type { MediaError } from '#media/source/media-error.ts'
import { MediaLibrary } from '#media/source/media-library.ts'

const FIXTURES = join(import.meta.dir, '../../fixtures/play')

let directory: string
let library: MediaLibrary
let server: Bun.Server<undefined>
/** Requests that the server has seen, and what it was asked with. */
const seen: { path: string; headers: Headers }[] = []
let endlessBytes = 0
let endlessEnded = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-media-'))
  const mediaDir = join(directory, 'media')
  await mkdir(join(mediaDir, 'sub'), { recursive: true })
  await Bun.write(join(mediaDir, 'sub/tone.wav'), Bun.file(join(FIXTURES, 'tone-440.wav')))
  await Bun.write(join(mediaDir, 'empty.wav'), '')
  await Bun.write(join(directory, 'secret.wav'), Bun.file(join(FIXTURES, 'tone-440.wav')))
  await symlink(join(directory, 'secret.wav'), join(mediaDir, 'link.wav'))
  const mp3 = await Bun.file(join(FIXTURES, 'tone-440.mp3')).bytes()
  // An ID3 tag of 300,000 bytes in front.
  const tag = new Uint8Array(300_010)
  tag.set([0x49, 0x44, 0x33, 4, 0, 0, 0, 0x12, 0x27, 0x60])
  await Bun.write(join(mediaDir, 'tagged.mp3'), Buffer.concat([tag, mp3]))
  await Bun.write(join(mediaDir, 'cut.mp3'), mp3.subarray(0, 6_000))
  server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: respond })
  library = new MediaLibrary({
    mediaDir,
    allowPrivate: true,
    cacheDir: join(directory, 'cache'),
    cacheMaxBytes: 10_000_000,
  })
})
afterAll(async () => {
  await library.close()
  await server.stop(true)
  await rm(directory, { recursive: true, force: true })
})

/** Half a second of a loud tone as WAV without an end. */
function endless(): ReadableStream<Uint8Array> {
  const noise = new Uint8Array(32_000).map((_, i) => (i * 31) % 251)
  let isFirst = true
  return new ReadableStream({
    async pull(controller) {
      if (isFirst)
        controller.enqueue(
          Buffer.from(
            'RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80>\0\0\0}\0\0\x02\0\x10\0data\xff\xff\xff\xff',
            'latin1',
          ),
        )
      isFirst = false
      endlessBytes += noise.length
      controller.enqueue(noise)
      await Bun.sleep(0)
    },
    cancel() {
      endlessEnded += 1
    },
  })
}

async function respond(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname
  seen.push({ path, headers: request.headers })
  if (path === '/html') return new Response('<!doctype html><title>no audio</title>')
  if (path === '/loop') return Response.redirect('/loop', 302)
  if (path === '/moved') return Response.redirect('/tone-440.wav', 307)
  if (path === '/to-file')
    return new Response('', { status: 302, headers: { location: 'file:///etc/passwd' } })
  if (path === '/500') return new Response('', { status: 500 })
  if (path === '/gzip') return new Response('x', { headers: { 'content-encoding': 'gzip' } })
  if (path === '/endless') return new Response(endless())
  if (path === '/etag.wav') {
    if (request.headers.get('if-none-match') === '"1"') return new Response(null, { status: 304 })
    return new Response(Bun.file(join(FIXTURES, 'tone-440.wav')), { headers: { etag: '"1"' } })
  }
  if (path === '/fresh.wav' || path === '/private.wav') {
    const control = path === '/fresh.wav' ? 'max-age=60' : 'no-store, max-age=60'
    return new Response(Bun.file(join(FIXTURES, 'tone-440.wav')), {
      headers: { 'cache-control': control },
    })
  }
  const file = Bun.file(join(FIXTURES, path))
  return (await file.exists()) ? new Response(file) : new Response('', { status: 404 })
}

/** Plays to the end as fast as audio comes. */
async function play(url: string, sampleRate = 8_000) {
  let error: MediaError | undefined
  const address = url.replace(/^http:(?=\/\w)/, `http://127.0.0.1:${server.port}`)
  const playback = library.open(address, sampleRate, {
    onError: (reason) => {
      error = reason
    },
  })
  const frame = new Int16Array(sampleRate / 50)
  const heard: number[] = []
  while (!playback.isFinished) {
    const count = playback.read(frame)
    heard.push(...frame.subarray(0, count))
    if (count === 0) await Bun.sleep(1)
  }
  return {
    seconds: heard.length / sampleRate,
    tones: findTones(Int16Array.from(heard), sampleRate),
    error,
  }
}

describe('play', () => {
  test.each([
    ['http:/tone-440.wav', 0.5],
    ['http:/tone-440.mp3', 1],
    ['http:/tone-440.flac', 1],
    ['http:/tone-440.ogg', 1],
    ['http:/tone-440.opus.ogg', 1],
    ['http:/moved', 0.5],
    ['sub/tone.wav', 0.5],
    ['tagged.mp3', 1],
  ])('%s is heard at every rate', async (url, seconds) => {
    for (const rate of [8_000, 16_000, 48_000]) {
      const heard = await play(url, rate)
      expect(heard.error).toBeUndefined()
      expect(heard.tones).toEqual([440])
      expect(Math.abs(heard.seconds - seconds)).toBeLessThan(0.06)
    }
  })

  test('what is there of a file that was cut off is heard', async () => {
    const { seconds, tones } = await play('cut.mp3')
    expect(tones).toEqual([440])
    expect(seconds).toBeWithin(0.2, 0.5)
  })

  test.each([
    ['nope.wav', 'not_found', 'no file "nope.wav" under MEDIA_DIR'],
    ['sub', 'not_found', 'is no file'],
    ['empty.wav', 'decode', 'empty'],
    ['../secret.wav', 'forbidden', 'under MEDIA_DIR'],
    ['sub/../../secret.wav', 'forbidden', 'under MEDIA_DIR'],
    ['..\\secret.wav', 'forbidden', 'under MEDIA_DIR'],
    ['/etc/passwd', 'forbidden', 'under MEDIA_DIR'],
    ['link.wav', 'forbidden', 'leads out of MEDIA_DIR'],
    ['a\0b.wav', 'forbidden', 'under MEDIA_DIR'],
    ['file:///etc/passwd', 'bad_url', 'http(s)'],
    ['data:audio/wav;base64,AAAA', 'bad_url', 'http(s)'],
    ['http://', 'bad_url', 'http(s)'],
    ['http:/nope', 'not_found', '404'],
    ['http:/html', 'unsupported', 'an HTML page'],
    ['http:/500', 'server', '500'],
    ['http:/gzip', 'unsupported', 'gzip'],
    ['http:/loop', 'network', '5 redirects'],
    ['http:/to-file', 'network', 'no http(s) URL'],
    ['http://127.0.0.1:1/x', 'network', 'does not answer'],
  ])('%j fails with %s', async (url, code, message) => {
    const { error, seconds } = await play(url)
    expect(seconds).toBe(0)
    expect(error).toMatchObject({ code } as never)
    expect(error?.message).toContain(message)
  })
})

test('a file that says that it is too large is not begun', async () => {
  const huge = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '999999999' })
    response.write('RIFF')
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  huge.listen(0, '127.0.0.1', resolve)
  await promise
  const { port } = huge.address() as AddressInfo
  const { error } = await play(`http://127.0.0.1:${port}/huge`)
  expect(error).toMatchObject({ code: 'too_large' } as never)
  huge.closeAllConnections()
  huge.close()
})

describe('an endless stream', () => {
  test('is read no further than it is played, and let go of when closed', async () => {
    const playback = library.open(`http://127.0.0.1:${server.port}/endless`, 16_000, {
      onError: () => undefined,
    })
    const frame = new Int16Array(320)
    while (playback.read(frame) === 0) await Bun.sleep(1)
    let last = -1
    // The server writes on until every buffer on the way is full.
    while (last !== endlessBytes) {
      last = endlessBytes
      await Bun.sleep(300)
    }
    expect(endlessBytes).toBeLessThan(40_000_000)
    playback.close()
    while (endlessEnded === 0) await Bun.sleep(5)
    expect(library.openFiles).toBe(0)
  })
})

describe('the cache of fetched files', () => {
  const requests = (path: string) => seen.filter((request) => request.path === path)

  test('revalidates what has an ETag', async () => {
    for (let i = 0; i < 3; i += 1) expect((await play('http:/etag.wav')).tones).toEqual([440])
    const headers = requests('/etag.wav').map((request) => request.headers.get('if-none-match'))
    expect(headers).toEqual([null, '"1"', '"1"'])
  })

  test('does not ask again for what is fresh', async () => {
    for (let i = 0; i < 3; i += 1) expect((await play('http:/fresh.wav')).tones).toEqual([440])
    expect(requests('/fresh.wav')).toHaveLength(1)
  })

  test('does not keep what must not be kept', async () => {
    for (let i = 0; i < 2; i += 1) await play('http:/private.wav')
    expect(requests('/private.wav')).toHaveLength(2)
  })
})

describe('a guarded library', () => {
  test('does not fetch from the loopback, not even over a redirect', async () => {
    const guarded = new MediaLibrary({
      mediaDir: directory,
      allowPrivate: false,
      cacheDir: '',
      cacheMaxBytes: 0,
    })
    const failed = Promise.withResolvers<MediaError>()
    guarded.open(`http://localhost:${server.port}/tone-440.wav`, 8_000, { onError: failed.resolve })
    expect(await failed.promise).toMatchObject({ code: 'forbidden' })
    await guarded.close()
  })
})
