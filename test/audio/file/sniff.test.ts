import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { AudioError } from '#audio/audio-error.ts'
import { id3Bytes, sniffFormat } from '#audio/file/sniff.ts'
import { playFixture } from './decode-all.ts'

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))

describe('sniffFormat', () => {
  test.each([
    ['tone-440.wav', 'wav'],
    ['tone-440-16k.mp3', 'mp3'],
    ['tone-440.mp2', 'mp3'],
    ['paged-440.ogg', 'ogg'],
    ['paged-440.opus.ogg', 'ogg'],
    ['tone-440.flac', 'flac'],
  ] as const)('tells %s by its content', async (name, format) => {
    const bytes = await playFixture(name)
    expect(sniffFormat(bytes.subarray(0, 4096), false)).toEqual({ format, offset: 0 })
  })

  test('finds the first whole frame of a stream that begins in the middle of one', async () => {
    const bytes = await playFixture('tone-440-16k.mp3')
    // 32 kbit/s at 16 kHz: frames of 144 bytes.
    expect(sniffFormat(bytes.subarray(100), false)).toEqual({ format: 'mp3', offset: 44 })
  })

  test('waits for more while frames are cut short', async () => {
    const bytes = await playFixture('tone-440-16k.mp3')
    expect(sniffFormat(bytes.subarray(0, 287), false)).toBeUndefined()
    expect(sniffFormat(bytes.subarray(0, 292), false)?.format).toBe('mp3')
  })

  test('takes a file that is one frame', async () => {
    const bytes = await playFixture('tone-440-16k.mp3')
    expect(sniffFormat(bytes.subarray(0, 144), true)?.format).toBe('mp3')
  })

  test.each([
    ['<!DOCTYPE html><p>no such page', 'an HTML page'],
    ['\xef\xbb\xbf\n  <HTML>', 'an HTML page'],
    ['<?xml version="1.0"?>', 'an XML document'],
    ['{"error": "gone"}', 'JSON'],
    ['#EXTM3U\n#EXTINF', 'a playlist; play the address inside'],
    ['[playlist]\nFile1=', 'a playlist; play the address inside'],
    ['\x00\x00\x00\x20ftypM4A ', 'an MP4 or M4A file'],
    ['\xff\xf1\x50\x80', 'raw AAC'],
    ['\x1aE\xdf\xa3\x01\x00', 'a WebM or Matroska file'],
    ['FORM\x00\x00\x10\x00AIFFCOMM', 'an AIFF file'],
    ['PK\x03\x04', 'a ZIP file'],
    ['\x89PNG\r\n\x1a\n', 'an image'],
  ])('says what %j is instead', (start, name) => {
    const head = latin1(start.padEnd(100, ' '))
    expect(() => sniffFormat(head, false)).toThrow(`this looks like ${name}`)
  })

  test('shows how a file begins that is nothing we know', () => {
    expect(() => sniffFormat(latin1('Dear Sir or Madam'), true)).toThrow('begins "Dear Sir"')
    expect(() => sniffFormat(new Uint8Array(9000), false)).toThrow('begins 0x0000000000000000')
  })

  test('gives a format or an AudioError for any bytes, and never waits for more than 8 KiB', () => {
    const start = fc.constantFrom('', 'RIFF', 'OggS', 'fLaC', 'ID3', '\xff\xfb\x90')
    const bytes = fc.uint8Array({ maxLength: 9000 })
    fc.assert(
      fc.property(start, bytes, fc.boolean(), (text, rest, isWhole) => {
        const head = Buffer.concat([latin1(text), rest])
        try {
          const sniffed = sniffFormat(head, isWhole)
          if (sniffed === undefined) expect(isWhole || head.length >= 8192).toBe(false)
        } catch (error) {
          expect(error).toBeInstanceOf(AudioError)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('id3Bytes', () => {
  test('counts header, frames and footer', () => {
    expect(id3Bytes(latin1('ID3\x04\x00\x00\x00\x00\x02\x01'))).toBe(10 + 257)
    expect(id3Bytes(latin1('ID3\x04\x00\x10\x00\x00\x02\x01'))).toBe(20 + 257)
  })

  test('is nothing where there is no tag', () => {
    expect(id3Bytes(latin1('\xff\xfb\x90\x64\x00\x00\x00\x00\x00\x00'))).toBe(0)
    expect(id3Bytes(latin1('ID3'))).toBe(0)
  })
})
