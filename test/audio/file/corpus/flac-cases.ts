import { playFixture } from '../decode-all.ts'
import { type FlacFields, flacFile } from '../flac-bytes.ts'
import { id3Tag } from '../tag-bytes.ts'
import { type CorpusCase, STEREO_DB, TONE_DB, tone } from './corpus-case.ts'

const SECONDS = 0.25

/** The tone in whole numbers of `bits`. */
function samples(sampleRate: number, bits: number): Int32Array {
  return Int32Array.from(tone(SECONDS, sampleRate), (value) => Math.round(value * 2 ** (bits - 1)))
}

/** A mono file at 16 kHz, but for `fields`. */
function flac(fields: Partial<FlacFields> = {}): Uint8Array {
  const { sampleRate = 16_000, bits = 16 } = fields
  return flacFile({ sampleRate, bits, channels: [samples(sampleRate, bits)], ...fields })
}

const heard = { sampleRate: 16_000, seconds: SECONDS }
const centre = samples(16_000, 16)
const silent = new Int32Array(centre.length)
const picture = { type: 6, body: new Uint8Array(300_000).map((_, i) => (i * 73) & 0xff) }
const recorded = await playFixture('tone-440.flac')

/** STREAMINFO with its MD5 sum struck out: 4 bytes of magic, 4 of header, 18 of numbers before it. */
const withoutMd5 = recorded.slice()
withoutMd5.fill(0, 26, 42)

export const FLAC_CASES: readonly CorpusCase[] = [
  {
    name: 'FLAC of 8 bits',
    bytes: flac({ bits: 8 }),
    expected: { ...heard, residueDb: 30 },
  },
  { name: 'FLAC of 16 bits', bytes: flac(), expected: { ...heard, residueDb: 70 } },
  { name: 'FLAC of 24 bits', bytes: flac({ bits: 24 }), expected: heard },
  { name: 'FLAC of 32 bits', bytes: flac({ bits: 32 }), expected: heard },
  ...[12, 20].map((bits) => ({
    name: `FLAC of ${bits} bits`,
    bytes: flac({ bits }),
    expected: { error: `FLAC of ${bits} bits cannot be read` },
  })),
  {
    name: 'FLAC of 5.1 channels, only the centre: a sixth of it',
    bytes: flac({ channels: [silent, silent, centre, silent, silent, silent] }),
    expected: { ...heard, levelDb: TONE_DB - 15.56 },
  },
  {
    name: 'FLAC of 8 channels',
    bytes: flac({ channels: Array<Int32Array>(8).fill(centre) }),
    expected: heard,
  },
  {
    name: 'FLAC at 192 kHz',
    bytes: flac({ sampleRate: 192_000, bits: 24 }),
    expected: { ...heard, sampleRate: 192_000 },
  },
  {
    name: 'FLAC at 8 kHz',
    bytes: flac({ sampleRate: 8000 }),
    expected: { ...heard, sampleRate: 8000 },
  },
  {
    name: 'FLAC of blocks of all sizes',
    bytes: flac({ blockSizes: [576, 192, 1152, 1000] }),
    expected: heard,
  },
  {
    name: 'FLAC with a picture of 300 KB and padding',
    bytes: flac({ metadata: [picture, { type: 1, body: new Uint8Array(4096) }] }),
    expected: heard,
  },
  {
    name: 'FLAC behind an ID3 tag',
    bytes: Buffer.concat([id3Tag(5000), flac()]),
    expected: heard,
  },
  { name: 'FLAC of unknown length', bytes: flac({ totalSamples: 0 }), expected: heard },
  {
    name: 'FLAC whose length is a lie',
    bytes: flac({ totalSamples: 1_000_000 }),
    expected: heard,
  },
  {
    name: 'FLAC without an MD5 sum',
    bytes: withoutMd5,
    expected: { sampleRate: 44_100, seconds: 1, levelDb: STEREO_DB },
  },
  {
    name: 'FLAC in Ogg',
    bytes: await playFixture('tone-440.flac.ogg'),
    expected: { sampleRate: 44_100, seconds: 1 },
  },
  {
    name: 'FLAC cut in a frame',
    bytes: flac({ blockSizes: [1000] }).subarray(0, -1500),
    expected: { ...heard, seconds: 0.1875, slackSeconds: 0.07 },
  },
  {
    name: 'FLAC of one block',
    bytes: flac({ channels: [centre.subarray(0, 3000)] }),
    expected: { ...heard, seconds: 3000 / 16_000 },
  },
  {
    name: 'FLAC of 0 samples',
    bytes: flac({ channels: [new Int32Array(0)] }),
    expected: { error: 'there is no audio in the file' },
  },
  {
    name: 'FLAC cut in its metadata',
    bytes: flac({ metadata: [picture] }).subarray(0, 1000),
    expected: { error: 'there is no audio in the file' },
  },
]
