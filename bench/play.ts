/**
 * What playing files and URLs costs: `bun bench/play.ts`. Needs ffmpeg, which makes a minute of
 * stereo music-like sound in every format.
 *
 *   1. Resident memory per file, and microseconds of the main thread per 20 ms frame (in `read`, and
 *      in all with taking messages), with 50 files playing at twenty times real time.
 *   2. Milliseconds from `open` to the first audio, from a file and from a server on loopback: of
 *      the first file of all, and the median of 20 more.
 *   3. Milliseconds of processor time per second of audio for decoding and resampling to 8 kHz.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Playback } from '#media/playback.ts'
import { DecodeJob } from '#media/source/decode-job.ts'
import { MediaLibrary } from '#media/source/media-library.ts'
import { median } from './support/statistics.ts'

const RATE = 8000
const FRAME = new Int16Array(RATE / 50)
const SECONDS = 60
const OPENINGS = 20
const FILES_AT_ONCE = 50
const SPEED = 20
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  'a.wav': ['-c:a', 'pcm_s16le'],
  'a.mp3': ['-b:a', '128k'],
  'a.flac': [],
  'a.ogg': ['-c:a', 'libvorbis'],
  'a.opus': ['-c:a', 'libopus', '-b:a', '64k'],
}
const NAMES = Object.keys(FORMATS)
const SOUND = 'anoisesrc=c=pink:r=44100:a=0.2[n];sine=440:r=44100[s];[n][s]amix=2,aformat=cl=stereo'

const directory = await mkdtemp(join(tmpdir(), 'bench-play-'))
for (const [name, options] of Object.entries(FORMATS)) {
  const input = ['-f', 'lavfi', '-i', SOUND, '-t', String(SECONDS)]
  await Bun.$`ffmpeg -v error ${input} ${options} ${join(directory, name)}`.quiet()
}
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: ({ url }) => new Response(Bun.file(join(directory, new URL(url).pathname))),
})

function createLibrary(): MediaLibrary {
  const cache = { cacheDir: '', cacheMaxBytes: 0 }
  return new MediaLibrary({ mediaDir: directory, allowPrivate: true, ...cache })
}

function open(library: MediaLibrary, url: string): Playback {
  return library.open(url, RATE, {
    onError: (error) => {
      throw error
    },
  })
}

async function firstAudioMs(library: MediaLibrary, url: string): Promise<number> {
  const started = performance.now()
  const playback = open(library, url)
  while (playback.read(FRAME) === 0) await new Promise((resolve) => setImmediate(resolve))
  playback.close()
  return performance.now() - started
}

async function measureOpening(): Promise<void> {
  for (const name of NAMES) {
    const library = createLibrary()
    await Bun.sleep(300)
    const first = await firstAudioMs(library, name)
    const fromFile: number[] = []
    const fromUrl: number[] = []
    for (let i = 0; i < OPENINGS; i += 1) {
      fromFile.push(await firstAudioMs(library, name))
      fromUrl.push(await firstAudioMs(library, `${server.url}${name}`))
    }
    await library.close()
    const row = [first, median(fromFile), median(fromUrl)].map((ms) => ms.toFixed(1))
    console.log(`${name.padEnd(8)} first ever ${row[0]} ms, file ${row[1]} ms, URL ${row[2]} ms`)
  }
}

async function measureDecoding(): Promise<void> {
  for (const name of NAMES) {
    const bytes = await Bun.file(join(directory, name)).bytes()
    const runMs = async () => {
      const started = performance.now()
      const job = new DecodeJob(RATE, ({ length }) => job.played(length), { maxSeconds: 3600 })
      await job.run(async () => new Blob([bytes]).stream())
      return performance.now() - started
    }
    await runMs()
    const ms = median([await runMs(), await runMs(), await runMs()])
    console.log(`${name.padEnd(8)} ${(ms / SECONDS).toFixed(2)} ms per second of audio`)
  }
}

async function measureMainThread(): Promise<void> {
  const library = createLibrary()
  await firstAudioMs(library, 'a.mp3')
  const rssBefore = process.memoryUsage.rss()
  const playbacks = Array.from({ length: FILES_AT_ONCE }, () => open(library, 'a.mp3'))
  await Bun.sleep(3000)
  const rss = (process.memoryUsage.rss() - rssBefore) / FILES_AT_ONCE / 1e6
  console.log(`${FILES_AT_ONCE} mp3 files: ${rss.toFixed(2)} MB resident for each`)
  let frames = 0
  let readMs = 0
  const cpuBefore = threadCpuMs()
  while (playbacks.some((playback) => !playback.isFinished)) {
    const started = performance.now()
    for (const playback of playbacks) if (playback.read(FRAME) > 0) frames += 1
    readMs += performance.now() - started
    await Bun.sleep(20 / SPEED)
  }
  const cpuMs = threadCpuMs() - cpuBefore
  const each = (ms: number) => ((ms * 1000) / frames).toFixed(2)
  console.log(`main thread: ${each(readMs)} µs in read, ${each(cpuMs)} µs in all per frame`)
  await library.close()
}

/** Processor time of the main thread; the ticks of Linux are 10 ms. */
function threadCpuMs(): number {
  const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')
  const [user, system] = fields
    .slice(fields.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) * 10
}

await measureMainThread()
await measureOpening()
await measureDecoding()
await server.stop(true)
await rm(directory, { recursive: true })
