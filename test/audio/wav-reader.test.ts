import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { AudioError, type AudioErrorCode } from '#audio/audio-error.ts'
import { WavReader } from '#audio/wav-reader.ts'
import { wavHeader } from '#audio/wav-writer.ts'
import { chunkSizes, cut } from './chunks.ts'
import { bytesOf, runTool, samplesOf } from './run-tool.ts'
import { chunk, extensible, type FormatFields, format, wav } from './wav-bytes.ts'

function read(file: Uint8Array, sizes: readonly number[] = [file.length || 1]): Int16Array {
  const reader = new WavReader()
  const samples: number[] = []
  for (const piece of cut(file, sizes)) samples.push(...reader.push(piece))
  reader.flush()
  return Int16Array.from(samples)
}

function doubles(...values: number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer)
}

function errorOf(act: () => unknown): AudioErrorCode | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof AudioError) return error.code
    throw error
  }
}

describe('WavReader', () => {
  test.each<[string, FormatFields, ArrayLike<number>, number[]]>([
    ['8-bit PCM', { bits: 8 }, [0, 128, 255], [-32_768, 0, 32_512]],
    ['16-bit PCM', {}, [0xff, 0x7f, 0x00, 0x80], [32_767, -32_768]],
    ['24-bit PCM', { bits: 24 }, [0x80, 1, 0, 0xff, 0xff, 0x7f, 0, 0, 0x80], [2, 32_767, -32_768]],
    ['32-bit PCM', { bits: 32 }, [0, 0, 1, 0, 0xff, 0xff, 0xff, 0x7f], [1, 32_767]],
    ['32-bit float', { tag: 3, bits: 32 }, [0, 0, 0, 0x3f, 0, 0, 0x80, 0xbf], [16_384, -32_768]],
    ['64-bit float', { tag: 3, bits: 64 }, doubles(0.25, 2, -7), [8192, 32_767, -32_768]],
    ['what is no number', { tag: 3, bits: 64 }, doubles(Number.NaN, -1 / 0), [0, -32_768]],
    ['A-law', { tag: 6, bits: 8 }, [0xd5, 0x2a], [8, -32_256]],
    ['µ-law', { tag: 7, bits: 8 }, [0xff, 0x00], [0, -32_124]],
    ['two channels', { channels: 2 }, [10, 0, 20, 0, 1, 0, 2, 0], [15, 2]],
    ['eight channels', { channels: 8, bits: 8 }, [128, 128, 128, 128, 128, 128, 128, 136], [256]],
  ])('reads %s', (_, fields, data, samples) => {
    const reader = new WavReader()
    const output = reader.push(wav(format(fields), chunk('data', data)))
    expect(output).toEqual(Int16Array.from(samples))
    reader.flush()
  })

  test('reads WAVE_FORMAT_EXTENSIBLE by its sub-format', () => {
    const extension = extensible(3, 32)
    const reader = new WavReader()
    const file = wav(format({ tag: 0xfffe, bits: 32, extension }), chunk('data', [0, 0, 0, 0x3f]))
    expect(reader.push(file)).toEqual(Int16Array.of(16_384))
    expect(reader.format).toEqual({
      sampleRate: 8000,
      channels: 1,
      encoding: 'float',
      bitsPerSample: 32,
    })
  })

  test('skips chunks it does not know, with their padding, and what comes after the data', () => {
    const file = wav(
      chunk('LIST', [1, 2, 3]),
      chunk('junk', []),
      format({ extension: [0, 0] }),
      chunk('fact', [0, 0, 0, 0]),
      chunk('data', [1, 0, 2, 0]),
      chunk('LIST', [7, 7, 7, 7]),
    )
    expect(read(file)).toEqual(Int16Array.of(1, 2))
    expect(read(file, [1])).toEqual(Int16Array.of(1, 2))
  })

  test.each([0, 0xffff_ffff])('reads to the end when the data size is %d', (size) => {
    const file = wav(format(), chunk('data', [1, 0, 2, 0, 3, 0], size))
    new DataView(file.buffer).setUint32(4, size, true)
    expect(read(file, [5])).toEqual(Int16Array.of(1, 2, 3))
  })

  test('takes a data size of 0 at its word when the size of the file leaves room for more', () => {
    const file = wav(format(), chunk('data', []), chunk('LIST', [7, 7, 7, 7]))
    expect(read(file, [5])).toHaveLength(0)
  })

  test('reads RF64, whose sizes are elsewhere', () => {
    const sizes = [
      0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    const file = wav(
      chunk('ds64', sizes),
      format(),
      chunk('data', [1, 0], 0xffff_ffff),
      chunk('LIST', [7, 7, 7, 7]),
    )
    file.set(new TextEncoder().encode('RF64'))
    expect(read(file)).toEqual(Int16Array.of(1))
    expect(read(file, [1])).toEqual(Int16Array.of(1))
  })

  test('gives the whole samples of data that was cut short', () => {
    const file = wav(format(), chunk('data', [1, 0, 2, 0, 3, 0], 1000))
    expect(read(file.subarray(0, -1))).toEqual(Int16Array.of(1, 2))
  })

  test('leaves out what is less than a block at the end of the data', () => {
    const file = wav(format({ bits: 24 }), chunk('data', [0, 1, 0, 9, 9]), chunk('LIST', [9]))
    expect(read(file, [3])).toEqual(Int16Array.of(1))
  })

  test('knows the format before the data comes', () => {
    const reader = new WavReader()
    const header = wavHeader({ sampleRate: 44_100, channels: 2, dataBytes: 8 })
    reader.push(header.subarray(0, 30))
    expect(reader.format).toBeUndefined()
    reader.push(header.subarray(30))
    expect(reader.format).toMatchObject({ sampleRate: 44_100, channels: 2 })
  })

  test.each<[string, AudioErrorCode, Uint8Array]>([
    ['no WAV file', 'bad_header', new TextEncoder().encode('OggS and some more')],
    ['big-endian', 'bad_header', new TextEncoder().encode('RIFX....WAVE')],
    ['data before format', 'bad_header', wav(chunk('data', [1, 0]))],
    ['a short format', 'bad_header', wav(chunk('fmt ', [1, 0, 1, 0]))],
    ['no channel', 'bad_header', wav(format({ channels: 0 }))],
    ['no sample rate', 'bad_header', wav(format({ sampleRate: 0 }))],
    ['blocks that do not fit', 'bad_header', wav(format({ blockBytes: 3 }))],
    ['9 channels', 'unsupported_format', wav(format({ channels: 9 }))],
    ['12 bits', 'unsupported_format', wav(format({ bits: 12, blockBytes: 2 }))],
    ['float of 16 bits', 'unsupported_format', wav(format({ tag: 3 }))],
    ['MP3 inside', 'unsupported_format', wav(format({ tag: 0x55 }))],
    ['nothing', 'truncated', new Uint8Array(0)],
    ['half a header', 'truncated', wav(format()).subarray(0, 20)],
    ['no data', 'truncated', wav(format())],
  ])('refuses %s as %s', (_, code, file) => {
    expect(errorOf(() => read(file))).toBe(code)
    expect(errorOf(() => read(file, [1]))).toBe(code)
  })

  test('gives the same however the file is cut', () => {
    const layout = fc.constantFrom<FormatFields>(
      { bits: 8 },
      { bits: 24, channels: 3 },
      { tag: 3, bits: 64, channels: 8 },
      { tag: 7, bits: 8, channels: 2 },
    )
    fc.assert(
      fc.property(layout, fc.uint8Array({ maxLength: 2000 }), chunkSizes, (fields, data, sizes) => {
        const file = wav(chunk('LIST', [1]), format(fields), chunk('data', data))
        expect(read(file, sizes)).toEqual(read(file))
      }),
    )
  })

  test('throws nothing but AudioError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), chunkSizes, (bytes, sizes) => {
        errorOf(() => read(bytes, sizes))
        errorOf(() => read(wav(bytes), sizes))
        errorOf(() => read(wav(chunk('fmt ', bytes), chunk('data', bytes)), sizes))
      }),
    )
  })

  test('throws nothing but AudioError for a file with one byte changed', () => {
    const file = wav(format({ channels: 2 }), chunk('fact', [1, 2, 3]), chunk('data', [1, 2, 3, 4]))
    const position = fc.nat({ max: file.length - 1 })
    fc.assert(
      fc.property(position, fc.nat({ max: 255 }), chunkSizes, (at, value, sizes) => {
        errorOf(() => read(file.with(at, value), sizes))
      }),
    )
  })

  const SOX_FORMATS = [
    ['8-bit', ['-e', 'unsigned', '-b', '8'], 128],
    ['16-bit', ['-b', '16'], 0],
    ['24-bit', ['-b', '24'], 0],
    ['32-bit', ['-b', '32'], 0],
    ['float', ['-e', 'float', '-b', '32'], 0],
    ['double', ['-e', 'float', '-b', '64'], 0],
    ['A-law', ['-e', 'a-law'], 600],
    ['µ-law', ['-e', 'mu-law'], 600],
    ['6-channel 24-bit', ['-b', '24', '-c', '6'], 0],
  ] as const
  test.skipIf(!Bun.which('sox')).each(SOX_FORMATS)(
    'reads the %s files of sox',
    async (_, options, tolerance) => {
      const samples = Int16Array.from({ length: 999 }, (_, i) => 20_000 * Math.sin(i / 10))
      const linear = ['-t', 'raw', '-r', '8000', '-e', 'signed', '-b', '16', '-c', '1', '-']
      const command = ['sox', '-D', ...linear, ...options, '-t', 'wav', '-']
      const output = read(await runTool(command, bytesOf(samples)), [100])
      expect(output).toHaveLength(samples.length)
      for (const [i, sample] of samples.entries()) {
        expect(Math.abs(output[i]! - sample)).toBeLessThanOrEqual(tolerance)
      }
    },
  )

  test.skipIf(!Bun.which('ffmpeg'))('reads a WAV file that ffmpeg streams', async () => {
    const samples = Int16Array.of(1, -2, 3, -4)
    const command = ['ffmpeg', '-v', 'error', '-f', 's16le', '-ar', '8000', '-ac', '1', '-i', '-']
    const file = await runTool([...command, '-f', 'wav', '-'], bytesOf(samples))
    expect(read(file)).toEqual(samples)
    expect(samplesOf(file.subarray(-8))).toEqual(samples)
  })
})
