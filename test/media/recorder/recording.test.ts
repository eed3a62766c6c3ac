import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { OggRecording } from '#media/recorder/ogg-recording.ts'
import { Recording } from '#media/recorder/recording.ts'
import type { RecordingFile } from '#media/recorder/recording-file.ts'
import { repairRecording } from '#media/recorder/repair-recording.ts'
import { WavRecording } from '#media/recorder/wav-recording.ts'
import { fitSine } from '../../audio/fit-sine.ts'
import { runTool, samplesOf } from '../../audio/run-tool.ts'

const RATE = 16_000

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-recording-'))
  path = join(directory, 'x')
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

const create = (format: 'wav' | 'ogg', rate = RATE): RecordingFile => {
  const fd = openSync(path, 'wx')
  return format === 'wav' ? new WavRecording(fd, rate) : new OggRecording(fd, rate)
}

const sine = (hz: number, samples: number, rate = RATE, from = 0) =>
  Int16Array.from({ length: samples }, (_, i) =>
    Math.round(8000 * Math.sin((2 * Math.PI * hz * (from + i)) / rate)),
  )

/** What ffmpeg hears, both channels. */
async function listen(rate = RATE) {
  const command = ['ffmpeg', '-v', 'error', '-i', path, '-f', 's16le', '-ar', String(rate), '-']
  const samples = samplesOf(await runTool(command, new Uint8Array()))
  return [samples.filter((_, i) => i % 2 === 0), samples.filter((_, i) => i % 2 === 1)] as const
}

const hasFfmpeg = Bun.which('ffmpeg') !== null

describe.each(['wav', 'ogg'] as const)('%s', (format) => {
  test.skipIf(!hasFfmpeg)(
    'has two channels and the very length that was written (needs ffmpeg)',
    async () => {
      const file = create(format)
      const seconds = 1.2345
      const count = Math.round(RATE * seconds)
      const [left, right] = [sine(440, count), sine(1000, count)]
      for (let at = 0; at < count; at += 500) {
        file.write(left.subarray(at, at + 500), right.subarray(at, at + 500))
      }
      file.close()
      expect(file.samples).toBe(count)
      expect(file.bytes).toBe(Bun.file(path).size)
      const [heardLeft, heardRight] = await listen()
      expect(heardLeft.length).toBe(count)
      const from = RATE / 4
      for (const [heard, sent, hz] of [
        [heardLeft, left, 440],
        [heardRight, right, 1000],
      ] as const) {
        const fit = fitSine(heard.subarray(from, 3 * from), hz, RATE)
        const wanted = fitSine(sent.subarray(from, 3 * from), hz, RATE)
        expect(fit.residueDb).toBeLessThan(-15)
        // In phase, but for the filters inside Opus.
        const offMs =
          ((((fit.phase - wanted.phase + 3 * Math.PI) % (2 * Math.PI)) - Math.PI) * 1000) /
          (2 * Math.PI * hz)
        expect(Math.abs(offMs)).toBeLessThan(0.2)
      }
    },
  )

  test.skipIf(!hasFfmpeg)(
    'can be read at any time while it is written (needs ffmpeg)',
    async () => {
      const file = create(format)
      const piece = sine(440, RATE / 2)
      for (let i = 1; i <= 3; i += 1) {
        file.write(piece, piece)
        const [left] = await listen()
        expect(left.length).toBeGreaterThan((i * RATE) / 2 - 400)
      }
      file.close()
    },
  )

  test('is made whole after a crash, whatever was being written', async () => {
    const file = create(format)
    const piece = sine(440, RATE / 2)
    for (let i = 0; i < 3; i += 1) file.write(piece, piece)
    const bytes = await Bun.file(path).bytes()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(400), async (junk, lost) => {
        const kept = bytes.subarray(0, bytes.length - lost)
        await Bun.write(path, Buffer.concat([kept, lost > 0 ? new Uint8Array() : junk]))
        const totals = await repairRecording(path)
        expect(totals?.bytes).toBe(Bun.file(path).size)
        expect(totals?.durationMs).toBeGreaterThan(format === 'wav' ? 1490 : 980)
        expect(totals?.durationMs).toBeLessThanOrEqual(1505)
        expect(await repairRecording(path)).toEqual(totals)
      }),
      { numRuns: 30 },
    )
    file.close()
  })

  test('is left alone when it is whole', async () => {
    const file = create(format)
    file.write(sine(440, 1234), sine(440, 1234))
    file.close()
    const before = await Bun.file(path).bytes()
    expect(await repairRecording(path)).toEqual({
      bytes: before.length,
      durationMs: Math.round(1234 / 16),
    })
    expect(await Bun.file(path).bytes()).toEqual(before)
  })
})

test.each(['', 'RIFF', 'hello, this is a text that is long enough for a header', 'OggS'])(
  'what is no recording is left alone: %p',
  async (text) => {
    await Bun.write(path, text)
    expect(await repairRecording(path)).toBeUndefined()
    expect(await Bun.file(path).text()).toBe(text)
  },
)

test.each(['wav', 'ogg'] as const)(
  'a %s file that cannot be closed leaves the file alone that gets its number next',
  (format) => {
    const fd = openSync(path, 'wx')
    const file = format === 'wav' ? new WavRecording(fd, RATE) : new OggRecording(fd, RATE)
    closeSync(fd)
    expect(() => file.close()).toThrow('EBADF')
    const other = `${path}-other`
    const otherFd = openSync(other, 'wx')
    expect(otherFd).toBe(fd)
    writeSync(otherFd, new Uint8Array(10_000))
    file.close()
    expect(fstatSync(otherFd).size).toBe(10_000)
    closeSync(otherFd)
  },
)

test('a repair leaves the file as old as it was', async () => {
  const file = create('wav')
  file.write(sine(440, 100), sine(440, 100))
  file.close()
  await utimes(path, 1000, 1000)
  expect(await repairRecording(path)).toMatchObject({ bytes: 444 })
  expect((await stat(path)).mtimeMs).toBe(1_000_000)
})

test('a WAV file that is full says so and stays what it was', () => {
  const file = new WavRecording(openSync(path, 'wx'), RATE, 44 + 4000)
  file.write(sine(440, 1000), sine(440, 1000))
  expect(() => file.write(sine(440, 1), sine(440, 1))).toThrow('4 GiB')
  file.close()
  expect(Bun.file(path).size).toBe(4044)
})

test('a recording writes two seconds behind, and to the end when it is finished', async () => {
  const recording = new Recording(create('wav'), RATE, 100)
  const push = (index: number, isOurs: boolean) =>
    recording.push(
      {
        streamId: 0,
        sampleRate: RATE,
        positionMs: index * 20,
        // What is heard has been said before; what is sent is heard from then on.
        receivedAtMs: 100 + index * 20 + (isOurs ? 0 : 20),
        samples: sine(440, 320, RATE, index * 320),
      },
      isOurs,
    )
  for (let i = 0; i < 200; i += 1) {
    push(i, false)
    push(i, true)
    recording.advance(120 + i * 20)
    const seconds = (Bun.file(path).size - 44) / (4 * RATE)
    expect(seconds).toBe(Math.floor(Math.max(0, i * 20 + 20 - 2000) / 500) / 2)
  }
  recording.finish(4100)
  expect(recording.close()).toMatchObject({ bytes: 44 + 4 * 4 * RATE, durationMs: 4000 })
  const samples = samplesOf((await Bun.file(path).bytes()).subarray(44))
  const sent = sine(440, 4 * RATE)
  expect(samples.filter((_, i) => i % 2 === 0)).toEqual(sent)
  expect(samples.filter((_, i) => i % 2 === 1)).toEqual(sent)
})
