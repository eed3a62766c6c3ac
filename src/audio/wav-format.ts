import { AudioError } from './audio-error.ts'
import { A_LAW, MU_LAW } from './codec/companding.ts'

const MAX_CHANNELS = 8
const MAX_SAMPLE_RATE = 768_000

/** Reads the sample at `offset`, on the scale of 16 bits but finer; may be out of range or not a number. */
type ReadSample = (view: DataView, offset: number) => number

export type WavEncoding = 'int' | 'float' | 'alaw' | 'mulaw'

/** What the `fmt ` chunk of a WAV file says. */
export interface WavFormat {
  readonly sampleRate: number
  readonly channels: number
  readonly encoding: WavEncoding
  readonly bitsPerSample: number
}

/** A format and how to read it. */
export interface WavLayout {
  readonly format: WavFormat
  readonly sampleBytes: number
  /** Bytes of one sample of every channel. */
  readonly blockBytes: number
  readonly readSample: ReadSample
}

/** Bytes of a `fmt ` chunk that say anything here: those up to the sub-format. */
export const FORMAT_BYTES = 26
const MIN_FORMAT_BYTES = 16

// WAVE_FORMAT_* tags of Microsoft's mmreg.h.
const EXTENSIBLE = 0xfffe
const ENCODINGS: ReadonlyMap<number, WavEncoding> = new Map([
  [1, 'int'],
  [3, 'float'],
  [6, 'alaw'],
  [7, 'mulaw'],
])

/** What else WAV files hold, for the message. */
const STRANGERS: ReadonlyMap<number, string> = new Map([
  [2, 'Microsoft ADPCM'],
  [0x11, 'IMA ADPCM'],
  [0x31, 'GSM 6.10'],
  [0x40, 'G.721'],
  [0x50, 'MPEG audio'],
  [0x55, 'MP3'],
  [0x64, 'G.726'],
  [0x65, 'G.722'],
  [0xff, 'AAC'],
  [0x161, 'WMA'],
])

const READERS: ReadonlyMap<string, ReadSample> = new Map<string, ReadSample>([
  ['int8', (view, offset) => (view.getUint8(offset) - 128) * 256],
  ['int16', (view, offset) => view.getInt16(offset, true)],
  ['int24', (view, offset) => view.getInt16(offset + 1, true) + view.getUint8(offset) / 256],
  ['int32', (view, offset) => view.getInt32(offset, true) / 65_536],
  ['float32', (view, offset) => view.getFloat32(offset, true) * 32_768],
  ['float64', (view, offset) => view.getFloat64(offset, true) * 32_768],
  ['alaw8', (view, offset) => A_LAW.samples[view.getUint8(offset)]!],
  ['mulaw8', (view, offset) => MU_LAW.samples[view.getUint8(offset)]!],
])

/**
 * Reads the first `FORMAT_BYTES` (or all, if fewer) of a `fmt ` chunk:
 *
 *    0   2         4            8           12     14     16     18     20    24
 *   tag channels  sampleRate  bytesPerSec  block  bits  [size  valid  mask  tag…]
 *
 * Throws `AudioError`: `bad_header` when it contradicts itself, `unsupported_format` when it is
 * sound but not one of PCM 8, 16, 24, 32 bits, float 32, 64 bits, A-law, µ-law with 1 to 8 channels.
 */
export function parseWavFormat(chunk: DataView): WavLayout {
  if (chunk.byteLength < MIN_FORMAT_BYTES) {
    throw new AudioError('bad_header', `WAV fmt chunk has ${chunk.byteLength} bytes`)
  }
  const tag = chunk.getUint16(0, true)
  const isExtensible = tag === EXTENSIBLE && chunk.byteLength >= FORMAT_BYTES
  const subFormat = isExtensible ? chunk.getUint16(24, true) : tag
  const encoding = ENCODINGS.get(subFormat)
  const channels = chunk.getUint16(2, true)
  const sampleRate = chunk.getUint32(4, true)
  const blockBytes = chunk.getUint16(12, true)
  const bitsPerSample = chunk.getUint16(14, true)
  if (channels === 0 || sampleRate === 0 || sampleRate > MAX_SAMPLE_RATE) {
    throw new AudioError('bad_header', `WAV has ${channels} channels at ${sampleRate} Hz`)
  }
  if (channels > MAX_CHANNELS) {
    throw new AudioError('unsupported_format', `WAV has ${channels} channels, more than 8`)
  }
  const readSample = READERS.get(`${encoding}${bitsPerSample}`)
  if (encoding === undefined || readSample === undefined) {
    const name = encoding ?? STRANGERS.get(subFormat) ?? `tag 0x${subFormat.toString(16)}`
    const message = `WAV encoding ${name}, ${bitsPerSample} bits, cannot be read`
    throw new AudioError('unsupported_format', message)
  }
  const sampleBytes = bitsPerSample / 8
  if (blockBytes !== sampleBytes * channels) {
    throw new AudioError('bad_header', `WAV block of ${blockBytes} bytes does not fit its format`)
  }
  const format = { sampleRate, channels, encoding, bitsPerSample }
  return { format, sampleBytes, blockBytes, readSample }
}
