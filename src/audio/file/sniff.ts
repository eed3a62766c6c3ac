import { AudioError } from '../audio-error.ts'

export type FileFormat = 'wav' | 'mp3' | 'ogg-vorbis' | 'ogg-opus' | 'flac'

/** So many bytes are enough to tell any format, once an ID3 tag has been passed. */
export const SNIFF_BYTES = 128

/** What people send instead of audio, and how to tell them so. */
const STRANGERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\s*(<!doctype html|<html|<head|<body)/i, 'an HTML page'],
  [/^\s*<\?xml/i, 'an XML document'],
  [/^\s*[{[]/, 'JSON'],
  [/^#EXTM3U/, 'an HLS playlist'],
  [/^....ftyp/s, 'an MP4 or M4A file'],
  [/^.E\xdf\xa3/s, 'a WebM or Matroska file'],
  [/^(FORM....AIF)/s, 'an AIFF file'],
  [/^\xff[\xf0\xf1\xf8\xf9]/, 'raw AAC'],
  [/^caff/, 'a CAF file'],
  [/^#!AMR/, 'an AMR file'],
  [/^\x30\x26\xb2\x75/, 'a WMA file'],
]

/**
 * Tells the format of a file by its first bytes; `head` starts at the file or behind its ID3 tag
 * (`id3Bytes`), and holds `SNIFF_BYTES` or the whole file.
 *
 * @throws {AudioError} `unsupported_format`, naming what it looks like.
 */
export function sniffFormat(head: Uint8Array): FileFormat {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')
  if (/^(RIFF|RF64)....WAVE/s.test(text)) return 'wav'
  if (text.startsWith('fLaC')) return 'flac'
  if (text.startsWith('OggS')) return sniffOgg(text)
  const stranger = STRANGERS.find(([pattern]) => pattern.test(text))
  if (stranger !== undefined) throw unsupported(`this is ${stranger[1]}`)
  if (isMpegFrame(head)) return 'mp3'
  throw unsupported(head.length === 0 ? 'the file is empty' : 'this is no audio file that we know')
}

/** Length of the ID3v2 tag that `head` starts with, header and footer included; 0 without one. */
export function id3Bytes(head: Uint8Array): number {
  if (head.length < 10 || String.fromCharCode(...head.subarray(0, 3)) !== 'ID3') return 0
  // ID3v2.4 §3.1: the size has four bytes of seven bits, and does not count the ten of the header.
  const size = head.subarray(6, 10).reduce((sum, byte) => (sum << 7) | (byte & 0x7f), 0)
  const hasFooter = (head[5]! & 0x10) !== 0
  return 10 + size + (hasFooter ? 10 : 0)
}

function sniffOgg(text: string): FileFormat {
  if (text.includes('OpusHead')) return 'ogg-opus'
  if (text.includes('\x01vorbis')) return 'ogg-vorbis'
  throw unsupported('this is Ogg with neither Opus nor Vorbis in it')
}

/** ISO 11172-3 §2.4.2.3: eleven ones, a version, a layer, and a bit rate and sample rate that exist. */
function isMpegFrame(head: Uint8Array): boolean {
  for (let i = 0; i + 4 <= head.length; i += 1) {
    const [first, second, third] = head.subarray(i, i + 3) as unknown as [number, number, number]
    const isSync = first === 0xff && (second & 0xe0) === 0xe0
    const hasVersion = (second & 0x18) !== 0x08
    const hasLayer = (second & 0x06) !== 0
    const hasRates = (third & 0xf0) !== 0xf0 && (third & 0x0c) !== 0x0c
    if (isSync && hasVersion && hasLayer && hasRates) return true
    // Only zeros may stand before the first frame.
    if (first !== 0) return false
  }
  return false
}

function unsupported(what: string): AudioError {
  return new AudioError('unsupported_format', `${what}; wav, mp3, ogg and flac can be played`)
}
