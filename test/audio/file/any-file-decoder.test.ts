import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test'
import fc from 'fast-check'
import { AudioError } from '#audio/audio-error.ts'
import { AnyFileDecoder } from '#audio/file/any-file-decoder.ts'
import { findTones } from '#audio/tone-detector.ts'
import { rejection } from '../../support/rejection.ts'
import { chunkSizes, cut, join } from '../chunks.ts'
import { decodeAll, playFixture, seconds } from './decode-all.ts'
import { oggPage, setChecksum, splitPages } from './ogg-pages.ts'
import { id3Tag } from './tag-bytes.ts'

const FILES = [
  ['tone-440.wav', 16_000, 0.5],
  ['tone-440.mp3', 44_100, 1],
  ['tone-440-16k.mp3', 16_000, 1],
  ['tone-440.mp2', 44_100, 1],
  ['tone-440.flac', 44_100, 1],
  ['tone-440.flac.ogg', 44_100, 1],
  ['paged-440.ogg', 44_100, 1],
  ['paged-440.opus.ogg', 48_000, 1],
] as const

const decode = async (...parts: Uint8Array[]) =>
  decodeAll(new AnyFileDecoder(), cut(Buffer.concat(parts), [1500]))

// The decoders print what is wrong with a file.
let printed: { mockRestore(): void }
beforeAll(() => {
  printed = spyOn(console, 'error').mockImplementation(() => undefined)
})
afterAll(() => printed.mockRestore())

describe('AnyFileDecoder', () => {
  test.each(FILES)('decodes %s, mono at its own rate', async (name, sampleRate, length) => {
    const audio = await decode(await playFixture(name))
    expect(new Set(audio.map((piece) => piece.sampleRate))).toEqual(new Set([sampleRate]))
    // An encoder without a LAME header leaves its delay in.
    expect(seconds(audio)).toBeWithin(length - 0.001, length + 0.11)
    const samples = join(audio.map((piece) => piece.samples))
    expect(findTones(samples.subarray(samples.length / 4), sampleRate)).toEqual([440])
  })

  test.each([
    ['paged-440.ogg', 'paged-880.ogg', 44_100, 22_050],
    ['paged-440.opus.ogg', 'paged-880.opus.ogg', 48_000, 48_000],
  ] as const)('plays the links of a chain one after the other: %s, %s', async (...row) => {
    const [first, second, firstRate, secondRate] = row
    const audio = await decode(await playFixture(first), await playFixture(second))
    const rates = audio.map((piece) => piece.sampleRate)
    expect(seconds(audio)).toBeCloseTo(2, 2)
    expect(rates[0]).toBe(firstRate)
    expect(rates.at(-1)).toBe(secondRate)
    const samples = join(audio.map((piece) => piece.samples))
    expect(findTones(samples.subarray(0, firstRate * 0.9), firstRate)).toEqual([440])
    expect(findTones(samples.subarray(firstRate * 1.1), secondRate)).toEqual([880])
  })

  test.each(['tone-440-16k.mp3', 'tone-440.flac'])('skips ID3 tags before %s', async (name) => {
    const audio = await decode(id3Tag(300_000), id3Tag(11), await playFixture(name))
    expect(seconds(audio)).toBeWithin(0.99, 1.11)
  })

  test('joins a radio stream in the middle of a frame', async () => {
    const audio = await decode((await playFixture('tone-440-16k.mp3')).subarray(777))
    expect(seconds(audio)).toBeGreaterThan(0.7)
  })

  test.each(['tone-440.mp3', 'paged-440.ogg', 'paged-440.opus.ogg'])(
    'plays on after damage in the middle of %s',
    async (name) => {
      const bytes = (await playFixture(name)).slice()
      bytes.fill(0x55, bytes.length * 0.6, bytes.length * 0.6 + 200)
      expect(seconds(await decode(bytes))).toBeGreaterThan(0.4)
    },
  )

  test('plays on after damage in a FLAC file, if it lasts for half a megabyte more', async () => {
    const flac = await playFixture('tone-440.flac')
    const frames = flac.subarray(Buffer.from(flac).indexOf('fff85988', 'hex'))
    const damaged = frames.slice()
    damaged.fill(0x55, 6000, 6200)
    const rest = Array.from({ length: 60 }, () => frames)
    const audio = await decode(flac, damaged, ...rest)
    expect(seconds(audio)).toBeWithin(15, 61.5)
  })

  test('refuses what is no audio, an empty file, and a file without audio in it', async () => {
    const html = new TextEncoder().encode('<!doctype html><title>404</title>')
    expect((await rejection(decode(html))).message).toContain('this looks like an HTML page')
    expect((await rejection(decode(await playFixture('tone-440.m4a')))).message).toContain('MP4')
    expect((await rejection(decode())).message).toContain('the file is empty')
    expect((await rejection(decode(id3Tag(100).subarray(0, 50)))).message).toContain(
      'within its ID3 tag',
    )
    const flac = (await playFixture('tone-440.flac')).subarray(0, 60)
    expect((await rejection(decode(flac))).message).toContain('there is no audio')
  })

  test('names the stream in an Ogg file that it cannot play', async () => {
    // An Ogg page with "Speex" in it, then one that goes on.
    const pages = Buffer.from([...oggPage(2, 'Speex   1.2'), ...oggPage(0, 'data')])
    expect((await rejection(decode(pages))).message).toContain('Ogg file holds Speex')
  })

  test('gives up a file of which nothing can be heard', async () => {
    const decoder = new AnyFileDecoder()
    await decoder.decode((await playFixture('tone-440-16k.mp3')).subarray(0, 2880))
    const noise = new Uint8Array(1_000_000)
    const feed = async () => {
      for (let i = 0; i < 25; i += 1) await decoder.decode(noise)
    }
    expect((await rejection(feed())).message).toContain('no audio in 21000000 bytes')
    decoder.close()
  })

  test('decodes the same however the file comes', async () => {
    for (const [name, sampleRate] of FILES) {
      const bytes = await playFixture(name)
      const whole = join((await decode(bytes)).map((piece) => piece.samples))
      await fc.assert(
        fc.asyncProperty(chunkSizes, async (sizes) => {
          const pieces = cut(bytes, [...sizes, 500])
          const audio = await decodeAll(new AnyFileDecoder(), pieces)
          expect(audio[0]?.sampleRate).toBe(sampleRate)
          expect(join(audio.map((piece) => piece.samples))).toEqual(whole)
        }),
        { numRuns: 2 },
      )
    }
  })

  test('gives audio or an AudioError for files with flipped bits and missing pieces', async () => {
    const files = await Promise.all(FILES.map(([name]) => playFixture(name)))
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(fc.tuple(place, fc.integer({ min: 0, max: 7 })), { maxLength: 30 }),
        fc.option(fc.tuple(place, fc.nat(3000)), { nil: undefined }),
        async (file, flips, gap) => {
          const bytes = file.slice()
          for (const [at, bit] of flips) bytes[Math.floor(at * bytes.length)]! ^= 1 << bit
          const [at, length] = gap ?? [0, 0]
          const start = Math.floor(at * bytes.length)
          await expectAudioOrError([bytes.subarray(0, start), bytes.subarray(start + length)])
        },
      ),
      { numRuns: 150 },
    )
  }, 60_000)

  test('gives audio or an AudioError for damage in Ogg that no checksum shows', async () => {
    const names = ['paged-440.ogg', 'paged-440.opus.ogg', 'tone-440.flac.ogg']
    const files = await Promise.all(names.map(playFixture))
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    // Half of the damage is in the headers.
    const flip = fc.tuple(fc.oneof(place, fc.constant(0)), place, fc.integer({ min: 0, max: 7 }))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(flip, { minLength: 1, maxLength: 8 }),
        async (file, flips) => {
          const pages = splitPages(file)
          for (const [page, at, bit] of flips) {
            const bytes = pages[Math.floor(page * pages.length)]!
            bytes[6 + Math.floor(at * (bytes.length - 6))]! ^= 1 << bit
          }
          for (const page of pages) setChecksum(page)
          await expectAudioOrError(pages)
        },
      ),
      { numRuns: 200 },
    )
  }, 60_000)

  test('gives audio or an AudioError for any bytes behind the start of a file', async () => {
    const starts = await Promise.all(FILES.map(([name]) => playFixture(name)))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...starts),
        fc.integer({ min: 0, max: 200 }),
        fc.uint8Array({ maxLength: 4000, size: 'max' }),
        (file, length, rest) => expectAudioOrError([file.subarray(0, length), rest]),
      ),
      { numRuns: 100 },
    )
  }, 60_000)
})

async function expectAudioOrError(parts: Uint8Array[]): Promise<void> {
  try {
    const audio = await decode(...parts)
    expect(audio.every((piece) => piece.samples.length > 0)).toBe(true)
  } catch (error) {
    expect(error).toBeInstanceOf(AudioError)
  }
}
