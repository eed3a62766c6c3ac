import { AudioError } from '../audio-error.ts'
import { MPEG_HEADER_BYTES, parseMpegHeader } from './mpeg-header.ts'

export type FileFormat = 'wav' | 'mp3' | 'ogg' | 'flac'

/** What was found: the format, and where in the bytes its first frame or header is. */
export interface Sniffed {
  readonly format: FileFormat
  readonly offset: number
}

/** So many bytes tell every format but MPEG audio, which may begin in the middle of a frame. */
const MAGIC_BYTES = 64
/** MPEG audio is given up when there was no frame in so many bytes. */
const SEARCH_BYTES = 8 * 1024
/** A frame is believed when so many of its kind follow each other. */
const MPEG_RUN = 3

/** What people send instead of audio, and how to tell them so. */
const STRANGERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^(\xef\xbb\xbf)?\s*(<!doctype html|<html|<head|<body)/i, 'an HTML page'],
  [/^(\xef\xbb\xbf)?\s*<\?xml/i, 'an XML document'],
  [/^(\xef\xbb\xbf)?\s*(\{\s*["}]|\[\s*(["{[\]\d-]|true|false|null))/, 'JSON'],
  [/^(\xef\xbb\xbf)?(#EXTM3U|\[playlist\])/i, 'a playlist; play the address inside'],
  [/^....ftyp/s, 'an MP4 or M4A file'],
  [/^.E\xdf\xa3/s, 'a WebM or Matroska file'],
  [/^FORM....AIF/s, 'an AIFF file'],
  [/^(RIFX|FFIR)/, 'a big-endian WAV file (RIFX)'],
  [/^RIFF....AVI /s, 'an AVI film'],
  [/^riff\x2e\x91\xcf/, 'a Wave64 file'],
  [/^\.snd/, 'an AU file'],
  [/^\xff[\xf0\xf1\xf8\xf9]/, 'raw AAC'],
  [/^ADIF/, 'raw AAC'],
  [/^caff/, 'a CAF file'],
  [/^#!AMR/, 'an AMR file'],
  [/^\x30\x26\xb2\x75/, 'a WMA file'],
  [/^MThd/, 'a MIDI file'],
  [/^PK[^ -~]{2}/, 'a ZIP file'],
  [/^%PDF/, 'a PDF file'],
  [/^([^ -~]\x8b[^ -~]|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd)/, 'a compressed file'],
  [/^(\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP)/s, 'an image'],
]

/**
 * Tells the format of a file by its content. `head` starts at the file or behind its ID3 tag and
 * holds all there is so far; undefined means that more is needed, which it never is when `isWhole`.
 *
 * @throws {AudioError} `unsupported_format`, naming what it looks like.
 */
export function sniffFormat(head: Uint8Array, isWhole: boolean): Sniffed | undefined {
  if (head.length < MAGIC_BYTES && !isWhole) return undefined
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')
  if (/^(RIFF|RF64|BW64)....WAVE/s.test(text)) return { format: 'wav', offset: 0 }
  if (text.startsWith('fLaC')) return { format: 'flac', offset: 0 }
  if (text.startsWith('OggS')) return { format: 'ogg', offset: 0 }
  const stranger = STRANGERS.find(([pattern]) => pattern.test(text))
  if (stranger !== undefined) throw unsupported(`this looks like ${stranger[1]}`)
  return sniffMpeg(head, isWhole)
}

/** Length of the ID3v2 tag that `head` starts with, header and footer included; 0 without one. */
export function id3Bytes(head: Uint8Array): number {
  if (head.length < 10 || String.fromCharCode(...head.subarray(0, 3)) !== 'ID3') return 0
  // ID3v2.4 §3.1: the size has four bytes of seven bits, and does not count the ten of the header.
  const size = head.subarray(6, 10).reduce((sum, byte) => (sum << 7) | (byte & 0x7f), 0)
  const hasFooter = (head[5]! & 0x10) !== 0
  return 10 + size + (hasFooter ? 10 : 0)
}

function sniffMpeg(head: Uint8Array, isWhole: boolean): Sniffed | undefined {
  const isLast = isWhole || head.length >= SEARCH_BYTES
  for (let offset = 0; offset + MPEG_HEADER_BYTES <= head.length; offset += 1) {
    const frames = countFrames(head, offset)
    // The rest of a short file may be one frame, if the file begins with it.
    const isEnough = frames.isCut && isLast && (frames.count > 1 || offset === 0)
    if (frames.count === MPEG_RUN || isEnough) return { format: 'mp3', offset }
    if (frames.isCut && !isLast) return undefined
  }
  if (!isLast) return undefined
  if (isFreeFormat(head)) throw unsupported('this looks like MP3 of free format')
  throw unsupported(`this is no audio that we know (it begins ${describeStart(head)})`)
}

/** How many frames of one kind follow each other from `offset` on, up to `MPEG_RUN`. */
function countFrames(head: Uint8Array, offset: number): { count: number; isCut: boolean } {
  let count = 0
  let kind: number | undefined
  for (let next = offset; count < MPEG_RUN; count += 1) {
    if (next + MPEG_HEADER_BYTES > head.length) return { count, isCut: true }
    const header = parseMpegHeader(head, next)
    if (header === undefined || header.kind !== (kind ?? header.kind)) break
    kind = header.kind
    next += header.frameBytes
  }
  return { count, isCut: false }
}

/** Whether `head` begins with a frame header that tells no bit rate (ISO 11172-3 §2.4.2.3). */
function isFreeFormat(head: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0xff] = head
  // With the lowest bit rate in its place, it is a header.
  return (
    third < 0x10 && parseMpegHeader(Uint8Array.of(first, second, third | 0x10), 0) !== undefined
  )
}

function describeStart(head: Uint8Array): string {
  const start = head.subarray(0, 8)
  const isText = start.every((byte) => byte >= 0x20 && byte < 0x7f)
  return isText ? JSON.stringify(String.fromCharCode(...start)) : `0x${start.toHex()}`
}

function unsupported(what: string): AudioError {
  return new AudioError(
    'unsupported_format',
    `${what}; WAV, MP3, Ogg (Opus, Vorbis) and FLAC can be played`,
  )
}
