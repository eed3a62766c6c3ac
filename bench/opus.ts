/**
 * What Opus costs, beside libopus in native code: `bun bench/opus.ts`. Microseconds per frame of
 * 20 ms and per stream, medians of nine rounds; the native figures are the processor time of ffmpeg over
 * ten minutes of the same speech, less that of copying it. Last, the milliseconds that the first frame of
 * a process takes.
 */
import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { frameSamples } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import { frameMicroseconds } from './support/frame-cost.ts'
import { median } from './support/statistics.ts'

const COMPLEXITIES = [0, 3, 5, 8, 10]
const BITRATE = 32_000
const NATIVE_SECONDS = 600

const fixture = new URL('../test/fixtures/audio/speech-16k.s16le', import.meta.url)
const speech = new Int16Array(await Bun.file(fixture).arrayBuffer())

function frames(sampleRate: number): Int16Array[] {
  const samples =
    sampleRate === 16_000 ? speech : new Resampler(16_000, sampleRate).resample(speech)
  const size = frameSamples(sampleRate)
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) =>
    samples.slice(i * size, (i + 1) * size),
  )
}

function encoding(sampleRate: number, complexity: number) {
  const inputs = frames(sampleRate)
  return () => {
    const encoder = new OpusEncoder({ sampleRate, complexity, bitrate: BITRATE })
    const payload = new Uint8Array(1500)
    let turn = 0
    return () => {
      turn = (turn + 1) % inputs.length
      encoder.encode(inputs[turn]!, payload)
    }
  }
}

function decoding(sampleRate: number) {
  const encoder = new OpusEncoder({ sampleRate, bitrate: BITRATE })
  const buffer = new Uint8Array(1500)
  const packets = frames(sampleRate).map((frame) => buffer.slice(0, encoder.encode(frame, buffer)))
  encoder.close()
  return () => {
    const decoder = new OpusDecoder({ sampleRate })
    const samples = new Int16Array(frameSamples(sampleRate))
    let turn = 0
    return () => {
      turn = (turn + 1) % packets.length
      decoder.decode(packets[turn]!, samples)
    }
  }
}

/** Seconds of processor time of ffmpeg, which reads `input` again and again for ten minutes. */
async function ffmpegSeconds(input: string, ...args: string[]): Promise<number> {
  const loop = `ffmpeg -v error -stream_loop -1 -t ${NATIVE_SECONDS} -threads 1`.split(' ')
  const child = Bun.spawn([...loop, ...input.split(' '), ...args, '-y', '/dev/null'])
  if ((await child.exited) !== 0) throw new Error('ffmpeg failed')
  return Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6
}

async function nativeMicroseconds(sampleRate: number, complexity: number) {
  const raw = `-f s16le -ar 16000 -ac 1 -i ${fixture.pathname}`
  const rate = ['-ar', String(sampleRate)]
  const opus = [...rate, '-c:a', 'libopus', '-application', 'voip', '-b:a', String(BITRATE)]
  const copySeconds = await ffmpegSeconds(raw, ...rate, '-f', 's16le')
  const encodeSeconds = await ffmpegSeconds(
    raw,
    ...opus,
    '-compression_level',
    String(complexity),
    '-f',
    'ogg',
  )
  const perFrame = 1e6 / (NATIVE_SECONDS * 50)
  return (encodeSeconds - copySeconds) * perFrame
}

const hasNative = Bun.which('ffmpeg') !== null
console.log('| rate | complexity | encode, 1 stream | encode, 200 | native encode | ratio |')
console.log('|---|---|---|---|---|---|')
for (const sampleRate of [8000, 16_000, 24_000, 48_000]) {
  for (const complexity of COMPLEXITIES) {
    const one = await frameMicroseconds(1, encoding(sampleRate, complexity))
    const many = await frameMicroseconds(200, encoding(sampleRate, complexity))
    const native = hasNative ? await nativeMicroseconds(sampleRate, complexity) : Number.NaN
    const cells = [
      sampleRate,
      complexity,
      `${one.toFixed(0)} µs`,
      `${many.toFixed(0)} µs`,
      `${native.toFixed(0)} µs`,
      (one / native).toFixed(1),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}
console.log('\n| rate | decode, 1 stream | decode, 200 |\n|---|---|---|')
for (const sampleRate of [8000, 16_000, 24_000, 48_000]) {
  const one = await frameMicroseconds(1, decoding(sampleRate))
  const many = await frameMicroseconds(200, decoding(sampleRate))
  const cells = [sampleRate, `${one.toFixed(0)} µs`, `${many.toFixed(0)} µs`]
  console.log(`| ${cells.join(' | ')} |`)
}

/** A first encoder, decoder and frame, in a process of its own. */
function firstFrameMs(isWarm: boolean): number {
  const script = new URL('support/opus-first-frame.ts', import.meta.url).pathname
  const command = [process.execPath, script, ...(isWarm ? ['warm'] : [])]
  return Number(Bun.spawnSync(command).stdout.toString())
}

console.log('\n| first frame | ms |\n|---|---|')
for (const isWarm of [false, true]) {
  const times = Array.from({ length: 9 }, () => firstFrameMs(isWarm))
  console.log(`| ${isWarm ? 'after warmUpOpus' : 'as it comes'} | ${median(times).toFixed(1)} |`)
}
