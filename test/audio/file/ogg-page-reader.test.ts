import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { OggPageReader } from '#audio/file/ogg-page-reader.ts'
import { chunkSizes, cut } from '../chunks.ts'
import { playFixture } from './decode-all.ts'

const opus = await playFixture('paged-440.opus.ogg')

/** The pages in `pieces`, as copies. */
function readPages(pieces: Iterable<Uint8Array>): Uint8Array[] {
  const reader = new OggPageReader()
  const pages: Uint8Array[] = []
  for (const piece of pieces) {
    reader.push(piece)
    for (let page = reader.next(); page !== undefined; page = reader.next()) {
      pages.push(page.bytes.slice())
    }
  }
  return pages
}

describe('OggPageReader', () => {
  test('cuts a file into its pages, however it comes', () => {
    const whole = readPages([opus])
    expect(Buffer.concat(whole)).toEqual(Buffer.from(opus))
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        expect(readPages(cut(opus, sizes))).toEqual(whole)
      }),
      { numRuns: 30 },
    )
  })

  test('says where streams begin, and what the page carries', () => {
    const reader = new OggPageReader()
    reader.push(opus)
    const first = reader.next()
    expect(first?.isFirst).toBe(true)
    expect(Buffer.from(first?.body ?? []).toString('latin1', 0, 8)).toBe('OpusHead')
    expect(reader.next()?.isFirst).toBe(false)
  })

  test('skips what lies between pages, and pages that are damaged', () => {
    const whole = readPages([opus])
    const [head, tags, ...rest] = whole as [Uint8Array, Uint8Array, ...Uint8Array[]]
    const damaged = tags.slice()
    damaged[40]! ^= 1
    const noise = new TextEncoder().encode('OggS is what a page begins with, Ogg not')
    expect(readPages([noise, head, noise, damaged, ...rest])).toEqual([head, ...rest])
  })

  test('keeps no more than a page of what cannot be a page', () => {
    const reader = new OggPageReader()
    const noise = new Uint8Array(5000).fill(0x4f)
    for (let i = 0; i < 200; i += 1) {
      reader.push(noise)
      expect(reader.next()).toBeUndefined()
    }
    expect(reader.stats.skippedBytes).toBeGreaterThan(200 * 5000 - 65_536)
  })
})
