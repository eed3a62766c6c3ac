import { pcma, pcmu } from '#audio/codec/g711.ts'
import { chunk, extensible, type FormatFields, format, wav } from '../../wav-bytes.ts'
import { id3Tag } from '../tag-bytes.ts'
import { type CorpusCase, TONE_DB, tone } from './corpus-case.ts'

const RATE = 8000
const SECONDS = 0.25
const heard = { sampleRate: RATE, seconds: SECONDS }
const law = { ...heard, residueDb: 35 }

type Write = (view: DataView, offset: number, value: number) => void

/** A channel each of samples from -1 to 1, interleaved and written in little-endian. */
function data(bytes: number, channels: readonly Float64Array[], write: Write): Uint8Array {
  const length = channels[0]?.length ?? 0
  const view = new DataView(new ArrayBuffer(length * channels.length * bytes))
  for (let i = 0, offset = 0; i < length; i += 1) {
    for (const samples of channels) {
      write(view, offset, samples[i]!)
      offset += bytes
    }
  }
  return new Uint8Array(view.buffer)
}

const writeInt16: Write = (view, at, value) => view.setInt16(at, Math.round(value * 32_768), true)
const writeInt24: Write = (view, at, value) => {
  const whole = Math.round(value * 2 ** 23)
  view.setUint8(at, whole & 0xff)
  view.setInt16(at + 1, whole >> 8, true)
}
const writeFloat32: Write = (view, at, value) => view.setFloat32(at, value, true)

const TONE = tone(SECONDS, RATE)
const SILENCE = new Float64Array(TONE.length)
const PCM = data(2, [TONE], writeInt16)
const PCM_8 = data(1, [TONE], (view, at, value) => view.setUint8(at, 128 + Math.round(value * 128)))
const INT_16 = Int16Array.from(TONE, (value) => Math.round(value * 32_768))
const LIST = chunk('LIST', Buffer.from('INFOINAM\x05\0\0\0Tone\0'))
const NOISE = new Uint8Array(2000).map((_, i) => (i * 167) & 0xff)

function coded(codec: typeof pcma): Uint8Array {
  const payload = new Uint8Array(INT_16.length)
  codec.createEncoder().encode(INT_16, payload)
  return payload
}

/** `file` with the four bytes at `offset` replaced. */
function patch(file: Uint8Array, offset: number, bytes: string): Uint8Array {
  const patched = file.slice()
  patched.set(Buffer.from(bytes, 'latin1'), offset)
  return patched
}

const surround = (speakers: number, tag = 1): FormatFields => ({
  tag: 0xfffe,
  channels: 6,
  bits: 24,
  extension: extensible(tag, 24, speakers),
})

/** Sizes in ds64: of the file, of the data, in samples; then an empty table (EBU Tech 3306). */
function ds64(dataBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(28))
  view.setBigUint64(8, BigInt(dataBytes), true)
  view.setBigUint64(16, BigInt(dataBytes / 2), true)
  return chunk('ds64', new Uint8Array(view.buffer))
}

const plain = wav(format(), chunk('data', PCM))
const rf64 = wav(ds64(PCM.length), format(), chunk('data', PCM, 0xffff_ffff), chunk('junk', NOISE))

/** One PCM file of a rate. */
function atRate(sampleRate: number): CorpusCase {
  const bytes = data(2, [tone(SECONDS, sampleRate)], writeInt16)
  return {
    name: `WAV at ${sampleRate} Hz`,
    bytes: wav(format({ sampleRate }), chunk('data', bytes)),
    expected: { sampleRate, seconds: Math.floor(SECONDS * sampleRate) / sampleRate },
  }
}

const SAMPLES: readonly CorpusCase[] = [
  {
    name: 'WAV of 8-bit PCM',
    bytes: wav(format({ bits: 8 }), chunk('data', PCM_8)),
    expected: { ...heard, residueDb: 30 },
  },
  { name: 'WAV of 16-bit PCM', bytes: plain, expected: { ...heard, residueDb: 70 } },
  {
    name: 'WAV of 24-bit PCM',
    bytes: wav(format({ bits: 24 }), chunk('data', data(3, [TONE], writeInt24))),
    expected: { ...heard, residueDb: 70 },
  },
  {
    name: 'WAV of 32-bit PCM',
    bytes: wav(
      format({ bits: 32 }),
      chunk(
        'data',
        data(4, [TONE], (view, at, value) => view.setInt32(at, value * 2 ** 31, true)),
      ),
    ),
    expected: heard,
  },
  {
    name: 'WAV of 32-bit float',
    bytes: wav(format({ tag: 3, bits: 32 }), chunk('data', data(4, [TONE], writeFloat32))),
    expected: heard,
  },
  {
    name: 'WAV of 64-bit float',
    bytes: wav(
      format({ tag: 3, bits: 64, extension: [0, 0] }),
      chunk('fact', [1, 0, 0, 0]),
      chunk(
        'data',
        data(8, [TONE], (view, at, value) => view.setFloat64(at, value, true)),
      ),
    ),
    expected: heard,
  },
  {
    name: 'WAV of A-law',
    bytes: wav(format({ tag: 6, bits: 8 }), chunk('data', coded(pcma))),
    expected: law,
  },
  {
    name: 'WAV of µ-law',
    bytes: wav(format({ tag: 7, bits: 8 }), chunk('data', coded(pcmu))),
    expected: law,
  },
  {
    name: 'WAV of two channels, one silent: the mean of both',
    bytes: wav(format({ channels: 2 }), chunk('data', data(2, [TONE, SILENCE], writeInt16))),
    expected: { ...heard, levelDb: TONE_DB - 6.02 },
  },
  {
    name: 'WAV of two channels out of phase: silence, which is no error',
    bytes: wav(
      format({ channels: 2 }),
      chunk(
        'data',
        data(2, [TONE, TONE.map((value) => -value)], (view, at, value) =>
          view.setInt16(at, Math.trunc(value * 32_768), true),
        ),
      ),
    ),
    expected: { ...heard, levelDb: Number.NEGATIVE_INFINITY },
  },
  {
    name: 'WAV of 5.1 channels, all alike, extensible',
    bytes: wav(
      format(surround(0x3f)),
      chunk('data', data(3, Array<Float64Array>(6).fill(TONE), writeInt24)),
    ),
    expected: heard,
  },
  {
    name: 'WAV of 5.1 channels, only the centre: a sixth of it',
    bytes: wav(
      format(surround(0x3f)),
      chunk('data', data(3, [SILENCE, SILENCE, TONE, SILENCE, SILENCE, SILENCE], writeInt24)),
    ),
    expected: { ...heard, levelDb: TONE_DB - 15.56 },
  },
  {
    name: 'WAV of 7.1 channels of float',
    bytes: wav(
      format({ tag: 3, channels: 8, bits: 32 }),
      chunk('data', data(4, Array<Float64Array>(8).fill(TONE), writeFloat32)),
    ),
    expected: heard,
  },
  ...[1000, 6000, 11_025, 22_050, 96_000, 192_000].map(atRate),
]

const CONTAINERS: readonly CorpusCase[] = [
  {
    name: 'WAV with bext, JUNK, an odd LIST and fact before the data, and a chunk behind it',
    bytes: wav(
      chunk('JUNK', new Uint8Array(28)),
      chunk('bext', new Uint8Array(603)),
      LIST,
      format({ extension: [0, 0] }),
      chunk('fact', [0xd0, 7, 0, 0]),
      chunk('data', PCM),
      chunk('id3 ', NOISE),
    ),
    expected: heard,
  },
  {
    name: 'WAV with an odd data size, its padding, and a chunk behind it',
    bytes: wav(format({ bits: 8 }), chunk('data', PCM_8.subarray(1)), chunk('LIST', NOISE)),
    expected: { ...heard, seconds: SECONDS - 1 / RATE, residueDb: 30 },
  },
  {
    name: 'WAV with half a megabyte of chunks before the data',
    bytes: wav(chunk('JUNK', new Uint8Array(500_000)), format(), chunk('data', PCM)),
    expected: heard,
  },
  {
    name: 'WAV whose data has size 0 because its writer streamed',
    bytes: patch(wav(format(), chunk('data', PCM, 0)), 4, '\0\0\0\0'),
    expected: heard,
    unlikeFfmpeg: 'ffmpeg takes 0 as none',
  },
  {
    name: 'WAV whose data has size 0 because its writer died',
    bytes: patch(wav(format(), chunk('data', PCM, 0)), 4, '\x24\0\0\0'),
    expected: heard,
    unlikeFfmpeg: 'ffmpeg takes 0 as none',
  },
  {
    name: 'WAV whose data has size 0xFFFFFFFF',
    bytes: patch(wav(format(), chunk('data', PCM, 0xffff_ffff)), 4, '\xff\xff\xff\xff'),
    expected: heard,
  },
  {
    name: 'WAV whose data is said to be larger than the file',
    bytes: wav(format(), chunk('data', PCM, 1_000_000)),
    expected: heard,
  },
  {
    name: 'WAV whose data is said to be smaller than it is',
    bytes: wav(format(), chunk('data', PCM, PCM.length / 2)),
    expected: { ...heard, seconds: SECONDS / 2 },
  },
  {
    name: 'WAV cut within a sample',
    bytes: plain.subarray(0, -1001),
    expected: { ...heard, seconds: SECONDS - 501 / RATE },
  },
  {
    name: 'WAV with an odd byte behind its last sample',
    bytes: wav(format(), chunk('data', [...PCM, 0x7f])),
    expected: heard,
  },
  {
    name: 'WAV with an ID3 tag before RIFF',
    bytes: Buffer.concat([id3Tag(3000), plain]),
    expected: heard,
  },
  { name: 'RF64 with a chunk behind its data', bytes: patch(rf64, 0, 'RF64'), expected: heard },
  {
    name: 'BW64 (ITU-R BS.2088)',
    bytes: patch(rf64, 0, 'BW64'),
    expected: heard,
  },
  {
    name: 'RF64 without its sizes',
    bytes: patch(wav(format(), chunk('data', PCM, 0xffff_ffff)), 0, 'RF64'),
    expected: heard,
    unlikeFfmpeg: 'ffmpeg refuses it',
  },
  {
    name: 'extensible PCM with a block size of its own',
    bytes: wav(
      format({ tag: 0xfffe, bits: 24, extension: extensible(1, 20, 4) }),
      chunk('data', data(3, [TONE], writeInt24)),
    ),
    expected: heard,
  },
]

const refused = (name: string, bytes: Uint8Array, error: string): CorpusCase => ({
  name,
  bytes,
  expected: { error },
})

const REFUSED: readonly CorpusCase[] = [
  refused('WAV cut in its header', plain.subarray(0, 11), 'no audio that we know'),
  refused('WAV cut in its fmt chunk', plain.subarray(0, 30), 'WAV file ends before its data'),
  refused('WAV cut before its data', plain.subarray(0, 44), 'there is no audio in the file'),
  refused('WAV of 0 samples', wav(format(), chunk('data', [])), 'there is no audio in the file'),
  refused(
    'WAV of 0 samples with a chunk behind them',
    wav(format(), chunk('data', []), LIST),
    'there is no audio in the file',
  ),
  refused('WAV without data', wav(format(), LIST), 'WAV file ends before its data'),
  refused('WAV without fmt', wav(chunk('data', PCM)), 'WAV data comes before its format'),
  refused(
    'WAV of rate 0',
    wav(format({ sampleRate: 0 }), chunk('data', PCM)),
    '1 channels at 0 Hz',
  ),
  refused('WAV of 0 channels', wav(format({ channels: 0 }), chunk('data', PCM)), '0 channels'),
  refused('WAV with MP3 inside', wav(format({ tag: 0x55, bits: 0 }), chunk('data', PCM)), 'MP3'),
  refused(
    'WAV with IMA ADPCM inside',
    wav(format({ tag: 0x11, bits: 4, blockBytes: 256 }), chunk('data', PCM)),
    'IMA ADPCM',
  ),
  refused(
    'WAV with GSM inside',
    wav(format({ tag: 0x31, bits: 0, blockBytes: 65 }), chunk('data', PCM)),
    'GSM 6.10',
  ),
  refused(
    'extensible WAV with something unknown inside',
    wav(format({ tag: 0xfffe, extension: extensible(0x92, 16) }), chunk('data', PCM)),
    'tag 0x92',
  ),
  refused('WAV in big-endian', patch(plain, 0, 'RIFX'), 'a big-endian WAV file (RIFX)'),
  refused('an AVI film', patch(plain, 8, 'AVI '), 'an AVI film'),
]

export const WAV_CASES: readonly CorpusCase[] = [...SAMPLES, ...CONTAINERS, ...REFUSED]
