import { playFixture } from '../decode-all.ts'
import { type CorpusCase, noise } from './corpus-case.ts'

const FILES: readonly (readonly [name: string, bytes: string | Uint8Array, error: string])[] = [
  ['an empty file', '', 'the file is empty'],
  ['one byte', 'R', 'no audio that we know'],
  ['HTML', '<!DOCTYPE html>\n<html lang="en"><title>404</title>', 'an HTML page'],
  ['JSON', '{"error":{"code":404}}', 'JSON'],
  ['a JSON list', '[1, 2]', 'JSON'],
  ['an M3U playlist', '#EXTM3U\n#EXTINF:1,\nhttp://host/a.mp3\n', 'a playlist'],
  ['a PLS playlist', '[playlist]\nFile1=http://host/a.mp3\n', 'a playlist'],
  ['text', 'Dear Sir or Madam, this is not a file to play.', 'begins "Dear Sir"'],
  ['PNG', '\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01', 'an image'],
  ['WebP', 'RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0', 'an image'],
  ['M4A', await playFixture('tone-440.m4a'), 'an MP4 or M4A file'],
  ['WebM', '\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm', 'a WebM or Matroska file'],
  ['AIFF', 'FORM\0\0\0\x2eAIFFCOMM\0\0\0\x12\0\x01', 'an AIFF file'],
  ['AU', '.snd\0\0\0\x18\0\0\0\x08\0\0\0\x01', 'an AU file'],
  ['Wave64', 'riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0', 'a Wave64 file'],
  ['gzip', '\x1f\x8b\x08\0\0\0\0\0\0\x03', 'a compressed file'],
  ['zeros', new Uint8Array(20_000), 'begins 0x00000000'],
  ['random bytes', Uint8Array.from(noise(20_000), (v) => (v + 1) * 127), 'no audio that we know'],
]

export const STRANGER_CASES: readonly CorpusCase[] = FILES.map(([name, bytes, error]) => ({
  name,
  bytes: typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'latin1')) : bytes,
  expected: { error },
}))
