import { playFixture } from '../decode-all.ts'
import { oggPage, setChecksum, splitPages } from '../ogg-pages.ts'
import { type CorpusCase, STEREO_DB, TONE_DB } from './corpus-case.ts'

const opus = await playFixture('paged-440.opus.ogg')
const vorbis = await playFixture('paged-440.ogg')
const second = { sampleRate: 48_000, seconds: 1, residueDb: 20 }
const half = { sampleRate: 48_000, seconds: 0.5, residueDb: 20 }
const vorbisSecond = { ...second, sampleRate: 44_100, residueDb: 30, levelDb: STEREO_DB }
const vorbisHalf = { ...half, sampleRate: 44_100, residueDb: 30 }

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

/** The file with a 16-bit value at `offset` of its OpusHead (RFC 7845 §5.1) replaced. */
function withHead(offset: number, value: number): Uint8Array {
  const [head, ...rest] = splitPages(opus)
  if (head === undefined) throw new Error('no page')
  new DataView(head.buffer).setInt16(28 + offset, value, true)
  setChecksum(head)
  return join(head, ...rest)
}

/** The pages of `file` with `change` made to them; their checksums as `change` leaves them. */
function withPages(file: Uint8Array, change: (pages: Uint8Array[]) => Uint8Array[]): Uint8Array {
  return join(...change(splitPages(file)))
}

/** Pages of another stream among those of `file`: it begins after the first and goes on after all. */
function multiplexed(file: Uint8Array, magic: string): Uint8Array {
  const page = (flags: number, text: string) => {
    const bytes = oggPage(flags, text)
    bytes[14] = 99
    setChecksum(bytes)
    return bytes
  }
  return withPages(file, ([first, ...rest]) => [
    page(2, magic),
    first!,
    ...rest.flatMap((own) => [page(0, 'something else'), own]),
    page(4, 'the end'),
  ])
}

export const OGG_CASES: readonly CorpusCase[] = [
  { name: 'Opus, mono', bytes: opus, expected: second },
  {
    name: 'Opus, stereo',
    bytes: await playFixture('stereo.opus.ogg'),
    expected: { ...half, levelDb: STEREO_DB },
  },
  {
    name: 'Opus of 5.1 channels (mapping family 1)',
    bytes: await playFixture('surround.opus.ogg'),
    expected: half,
  },
  {
    name: 'Opus whose pre-skip leaves out a tenth of a second more',
    bytes: withHead(10, 312 + 4800),
    expected: { ...second, seconds: 0.9 },
  },
  {
    name: 'Opus with an output gain of -6 dB (RFC 7845 §5.1)',
    bytes: withHead(16, -6 * 256),
    expected: { ...second, levelDb: TONE_DB - 6 },
  },
  {
    name: 'Opus, one file behind the other',
    bytes: join(opus, opus),
    expected: { ...second, seconds: 2, within: [0.05, 0.95] },
    unlikeFfmpeg: 'ffmpeg leaves the pre-skip of the second in',
  },
  {
    name: 'Opus cut in a page',
    bytes: opus.subarray(0, 3000),
    expected: { ...second, seconds: 0.48, slackSeconds: 0.12 },
  },
  {
    name: 'Opus with a page whose checksum is wrong',
    bytes: withPages(opus, (pages) => pages.map((page, i) => (i === 7 ? page.with(60, 1) : page))),
    expected: { ...second, seconds: 0.88, slackSeconds: 0.13, within: [0.05, 0.4] },
  },
  {
    name: 'Opus with garbage between its pages',
    bytes: withPages(opus, (pages) => pages.flatMap((page) => [page, Buffer.from('OggS? No.')])),
    expected: second,
  },
  {
    name: 'Opus beside a Skeleton stream',
    bytes: multiplexed(opus, 'fishead\0\x03'),
    expected: second,
    unlikeFfmpeg: 'the Skeleton stream holds no more than its name',
  },
  {
    name: 'Opus beside Theora',
    bytes: multiplexed(opus, '\x80theora'),
    expected: second,
    unlikeFfmpeg: 'the Theora stream holds no more than its name',
  },
  {
    name: 'Opus of a page for each packet',
    bytes: await playFixture('tone-440.opus.ogg'),
    expected: second,
  },
  {
    name: 'Vorbis, stereo',
    bytes: await playFixture('stereo.ogg'),
    expected: { ...vorbisHalf, levelDb: STEREO_DB },
  },
  {
    name: 'Vorbis, mono, at 8 kHz',
    bytes: await playFixture('mono-8k.ogg'),
    expected: { ...vorbisHalf, sampleRate: 8000 },
  },
  {
    name: 'Vorbis of 5.1 channels',
    bytes: await playFixture('surround.ogg'),
    // The encoder leaves the tone out of the LFE channel.
    expected: { ...vorbisHalf, levelDb: TONE_DB - 1.58 },
  },
  {
    name: 'Vorbis beside a Theora film',
    bytes: await playFixture('theora.ogv'),
    expected: { ...vorbisHalf, sampleRate: 22_050 },
  },
  {
    name: 'Vorbis with a page whose checksum is wrong',
    bytes: withPages(vorbis, (pages) =>
      pages.map((page, i) => (i === 6 ? page.with(60, 1) : page)),
    ),
    expected: { ...vorbisSecond, seconds: 0.8, slackSeconds: 0.21, within: [0.05, 0.3] },
  },
  {
    name: 'Vorbis, then Opus, one behind the other',
    bytes: join(vorbis, opus),
    expected: { ...vorbisSecond, seconds: 2, within: [0.05, 0.95] },
    unlikeFfmpeg: 'ffmpeg stays with Vorbis',
  },
  {
    name: 'Speex in Ogg',
    bytes: await playFixture('speex.ogg'),
    expected: { error: 'Ogg file holds Speex; Opus, Vorbis and FLAC can be played' },
  },
  {
    name: 'Opus without a page of audio',
    bytes: withPages(opus, (pages) => pages.slice(0, 2)),
    expected: { error: 'there is no audio in the file' },
  },
  {
    name: 'Ogg cut in its first page',
    bytes: opus.subarray(0, 40),
    expected: { error: 'there is no audio in the file' },
  },
  {
    name: 'Ogg with nothing but a first page of Theora',
    bytes: oggPage(2, '\x80theora'),
    expected: { error: 'Ogg file holds Theora video' },
  },
]
