import { describe, expect, test } from 'bun:test'
import { WavReader } from '#audio/wav-reader.ts'
import { wavHeader } from '#audio/wav-writer.ts'
import { runTool } from './run-tool.ts'

describe('wavHeader', () => {
  test('stands before 16-bit PCM of known length', () => {
    const header = wavHeader({ sampleRate: 16_000, channels: 1, dataBytes: 0x1234 })
    expect(Buffer.from(header).toString('hex')).toBe(
      [
        '52494646 58120000 57415645', // RIFF, 36 + 0x1234, WAVE
        '666d7420 10000000 0100 0100 803e0000 007d0000 0200 1000', // fmt, 16, PCM, mono
        '64617461 34120000', // data, 0x1234
      ]
        .join('')
        .replaceAll(' ', ''),
    )
  })

  test('counts the bytes of all channels', () => {
    const header = new DataView(wavHeader({ sampleRate: 8000, channels: 2, dataBytes: 8 }).buffer)
    expect(header.getUint16(22, true)).toBe(2)
    expect(header.getUint32(28, true)).toBe(32_000)
    expect(header.getUint16(32, true)).toBe(4)
  })

  test.each([undefined, 0xffff_ffff, 2 ** 40])('says "unknown" for a length of %p', (dataBytes) => {
    const header = new DataView(
      wavHeader({ sampleRate: 8000, channels: 1, ...(dataBytes && { dataBytes }) }).buffer,
    )
    expect(header.getUint32(4, true)).toBe(0xffff_ffff)
    expect(header.getUint32(40, true)).toBe(0xffff_ffff)
  })

  test('is read by WavReader', () => {
    const reader = new WavReader()
    reader.push(wavHeader({ sampleRate: 24_000, channels: 1 }))
    expect(reader.format).toEqual({
      sampleRate: 24_000,
      channels: 1,
      encoding: 'int',
      bitsPerSample: 16,
    })
    expect(reader.push(Uint8Array.of(1, 2))).toEqual(Int16Array.of(0x0201))
  })

  test.skipIf(!Bun.which('sox'))('is read by sox', async () => {
    const data = Uint8Array.of(1, 2, 3, 4)
    const header = wavHeader({ sampleRate: 8000, channels: 1, dataBytes: data.length })
    const command = ['sox', '-D', '-t', 'wav', '-', '-t', 'raw', '-']
    expect(await runTool(command, Buffer.concat([header, data]))).toEqual(data)
  })
})
