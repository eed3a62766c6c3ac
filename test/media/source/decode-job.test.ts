import { describe, expect, test } from 'bun:test'
import { findTones } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { DecodeJob } from '#media/source/decode-job.ts'
import { MediaError } from '#media/source/media-error.ts'
import { join } from '../../audio/chunks.ts'
import { playFixture } from '../../audio/file/decode-all.ts'
import { rejection } from '../../support/rejection.ts'

const RATE = 8000

/** A WAV stream of a 440 Hz tone without an end, a second per chunk. */
async function* endlessWav(onChunk: () => void): AsyncGenerator<Uint8Array> {
  const tone = new ToneGenerator(RATE, [{ frequencyHz: 440, levelDb: -12 }])
  const header = (await playFixture('tone-440.wav')).slice(0, 44)
  const view = new DataView(header.buffer)
  view.setUint32(4, 0xffff_ffff, true)
  view.setUint32(24, RATE, true)
  view.setUint32(28, 2 * RATE, true)
  view.setUint32(40, 0xffff_ffff, true)
  yield header
  while (true) {
    onChunk()
    yield new Uint8Array(tone.generate(1000).buffer)
  }
}

async function* inPieces(bytes: Uint8Array, error?: Error): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
  if (error !== undefined) throw error
}

function setUp(maxSeconds = 3600): { job: DecodeJob; pieces: Int16Array[]; length: () => number } {
  const pieces: Int16Array[] = []
  const job = new DecodeJob(RATE, (samples) => pieces.push(samples), { maxSeconds })
  return { job, pieces, length: () => pieces.reduce((sum, piece) => sum + piece.length, 0) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Waits until `condition` holds, then for everything that can go on without us. */
async function settle(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
  for (let i = 0; i < 100; i += 1) await turn()
}

describe('DecodeJob', () => {
  test.each([
    'tone-440.wav',
    'tone-440.mp3',
    'tone-440.flac',
    'paged-440.ogg',
    'paged-440.opus.ogg',
  ])('gives the samples of %s at the rate of the leg', async (name) => {
    const { job, pieces, length } = setUp()
    const bytes = await playFixture(name)
    await job.run(async () => inPieces(bytes))
    expect(length()).toBeCloseTo(name.endsWith('wav') ? 4000 : 8000, -1)
    expect(findTones(join(pieces).subarray(1000), RATE)).toEqual([440])
  })

  test('hands audio over in pieces of a tenth of a second, the first at once', async () => {
    const { job, pieces } = setUp()
    const bytes = await playFixture('tone-440.mp3')
    await job.run(async () => inPieces(bytes))
    expect(pieces[0]!.length).toBeLessThan(800)
    expect(pieces.slice(1, -1).every((piece) => piece.length === 800)).toBe(true)
  })

  test('stays two seconds ahead of what is played, and reads no further', async () => {
    const { job, length } = setUp()
    let chunks = 0
    const running = job.run(async () => endlessWav(() => (chunks += 1))).catch(String)
    await settle(() => length() >= 2 * RATE)
    expect(length()).toBeWithin(2 * RATE, 2 * RATE + 800 + 1)
    expect(chunks).toBeLessThanOrEqual(3)
    job.played(RATE)
    await settle(() => length() >= 3 * RATE)
    expect(length()).toBeWithin(3 * RATE, 3 * RATE + 800 + 1)
    job.close()
    expect(await running).toContain('AbortError')
  })

  test('a close while bytes are awaited is heard by the one who opened them', async () => {
    const { job } = setUp()
    const running = job.run(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    )
    job.close()
    expect(await rejection(running)).toMatchObject({ name: 'AbortError' })
  })

  test('gives what came before the bytes broke off, then the error', async () => {
    const { job, length } = setUp()
    const broken = new MediaError('network', 'broken')
    const bytes = (await playFixture('tone-440-16k.mp3')).subarray(0, 2200)
    expect(await rejection(job.run(async () => inPieces(bytes, broken)))).toBe(broken)
    expect(length()).toBeGreaterThan(0.4 * RATE)
  })

  test.each([
    ['<!doctype html><title>x</title>', 'unsupported'],
    ['', 'decode'],
  ])('says what is wrong with %p: %s', async (text, code) => {
    const { job } = setUp()
    const bytes = new TextEncoder().encode(text)
    expect(await rejection(job.run(async () => inPieces(bytes)))).toMatchObject({ code })
  })

  test('ends what is too long', async () => {
    const { job, length } = setUp(1.5)
    const running = job.run(async () => endlessWav(() => job.played(RATE)))
    expect(await rejection(running)).toMatchObject({ code: 'too_large' })
    expect(length()).toBeWithin(1.5 * RATE, 1.8 * RATE)
  })

  test('goes on at another rate in the next link of a chain', async () => {
    const pieces: Int16Array[] = []
    const job = new DecodeJob(RATE, take, { maxSeconds: 10 })
    function take(samples: Int16Array): void {
      pieces.push(samples)
      job.played(samples.length)
    }
    const bytes = Buffer.concat([
      await playFixture('paged-440.ogg'),
      await playFixture('paged-880.ogg'),
    ])
    await job.run(async () => inPieces(bytes))
    const samples = join(pieces)
    expect(samples.length).toBeWithin(2 * RATE - 20, 2 * RATE + 20)
    expect(findTones(samples.subarray(1.1 * RATE), RATE)).toEqual([880])
  })
})
