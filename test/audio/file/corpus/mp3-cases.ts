import { playFixture } from '../decode-all.ts'
import { apeTag, id3Tag, id3v1Tag } from '../tag-bytes.ts'
import { type CorpusCase, noise, STEREO_DB } from './corpus-case.ts'

const radio = await playFixture('tone-440-16k.mp3')
/** 32 kbit/s at 16 kHz. */
const RADIO_FRAME_BYTES = 144
const xing = await playFixture('vbr-xing.mp3')
const low = await playFixture('mpeg25-8k.mp3')
const wide = await playFixture('joint-320k.mp3')
/** Where an encoder has neither begun nor stopped. */
const within = [0.15, 0.45] as const
const second = { sampleRate: 16_000, seconds: 1, slackSeconds: 0.11, residueDb: 20, within }
const half = { seconds: 0.5, slackSeconds: 0.11, residueDb: 20, within }

/** What no frame begins in. */
const GARBAGE = Uint8Array.from(noise(1000), (value) => (value + 1) * 100)

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

/** The Xing frame turned into that of the Fraunhofer encoder, whose header is 32 bytes further on. */
function vbri(): Uint8Array {
  const file = xing.slice()
  const frameBytes = 0xb6 - 14
  file.fill(0, 4, frameBytes)
  file.set(Buffer.from('VBRI\0\x01'), 36)
  return file
}

/** `file` with garbage behind its first ten frames. */
function interrupted(file: Uint8Array, frameBytes: number): Uint8Array {
  const at = 10 * frameBytes
  return join(file.subarray(0, at), GARBAGE, file.subarray(at))
}

/** Radio with a bit turned around in every seventh frame, behind its header. */
function flipped(): Uint8Array {
  const file = radio.slice()
  for (let at = 20; at < file.length; at += 7 * RADIO_FRAME_BYTES) file[at]! ^= 0x10
  return file
}

/** Frames of free format: their bit rate is 0, and their length is that of the frames they were. */
function freeFormat(): Uint8Array {
  const file = radio.slice()
  for (let at = 2; at < file.length; at += RADIO_FRAME_BYTES) file[at]! &= 0x0f
  return file
}

export const MP3_CASES: readonly CorpusCase[] = [
  { name: 'MP3 of nothing but frames', bytes: radio, expected: second },
  {
    name: 'MP3 of variable bit rate with a Xing header',
    bytes: xing,
    expected: { sampleRate: 44_100, ...half },
  },
  {
    name: 'MP3 of variable bit rate with a VBRI header',
    bytes: vbri(),
    expected: { sampleRate: 44_100, ...half },
    unlikeFfmpeg: 'ffmpeg leaves out the silent frame that the header is in',
  },
  {
    name: 'MP3 of 8 kbit/s at 8 kHz (MPEG 2.5)',
    bytes: low,
    expected: { sampleRate: 8000, ...half, slackSeconds: 0.25 },
  },
  {
    name: 'MP3 at 22,050 Hz (MPEG-2)',
    bytes: await playFixture('mpeg2-22k.mp3'),
    expected: { sampleRate: 22_050, ...half },
  },
  {
    name: 'MP3 of 320 kbit/s in joint stereo',
    bytes: wide,
    expected: { sampleRate: 44_100, ...half, levelDb: STEREO_DB },
  },
  {
    name: 'MPEG layer II',
    bytes: await playFixture('tone-440.mp2'),
    expected: { ...second, sampleRate: 44_100 },
  },
  {
    name: 'MP3 with a picture of 400 KB in its ID3 tag',
    bytes: join(id3Tag(400_000), xing),
    expected: { sampleRate: 44_100, ...half },
  },
  {
    name: 'MP3 with ID3v1 and APE tags at its end',
    bytes: join(radio, apeTag('a tone'), id3v1Tag('a tone')),
    expected: second,
  },
  { name: 'MP3 with an APE tag before it', bytes: join(apeTag('a tone'), radio), expected: second },
  {
    name: 'MP3 cut in a frame',
    bytes: radio.subarray(0, 2000),
    expected: { ...second, seconds: 0.46, within: [0.15, 0.4] },
  },
  { name: 'MP3 behind 1000 bytes of garbage', bytes: join(GARBAGE, radio), expected: second },
  {
    name: 'MP3 with garbage between its frames',
    bytes: interrupted(radio, RADIO_FRAME_BYTES),
    expected: { ...second, seconds: 0.9, slackSeconds: 0.2, within: [0.15, 0.3] },
    unlikeFfmpeg: 'ffmpeg plays a part of the garbage',
    isDamaged: true,
  },
  {
    name: 'MP3 with flipped bits',
    bytes: flipped(),
    expected: { ...second, residueDb: 20, within: [0.42, 0.54] },
    isDamaged: true,
  },
  {
    name: 'MP3 of one file behind the other, at another rate',
    bytes: join(radio, await playFixture('mpeg2-22k.mp3')),
    expected: { ...second, seconds: 1.5, slackSeconds: 0.2, within: [0.15, 0.9] },
    unlikeFfmpeg: 'ffmpeg resamples the second',
  },
  { name: 'MP3 of free format', bytes: freeFormat(), expected: { error: 'MP3 of free format' } },
  {
    name: 'nothing but an ID3 tag',
    bytes: id3Tag(300),
    expected: { error: 'nothing but an ID3 tag' },
  },
  {
    name: 'a cut ID3 tag',
    bytes: id3Tag(300_000).subarray(0, 9000),
    expected: { error: 'the file ends within its ID3 tag' },
  },
  {
    name: 'half a frame of MP3',
    bytes: radio.subarray(0, 70),
    expected: { error: 'there is no audio in the file' },
  },
]
