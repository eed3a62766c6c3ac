import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { AnyFileDecoder } from '#audio/file/any-file-decoder.ts'
import { joinOpusPackets } from '#audio/file/join-opus-packets.ts'
import { type OggOpusOptions, OggOpusWriter } from '#audio/file/ogg-opus-writer.ts'
import { OggPageReader } from '#audio/file/ogg-page-reader.ts'
import { cut } from '../chunks.ts'
import { fitSine } from '../fit-sine.ts'
import { runTool, samplesOf } from '../run-tool.ts'
import { decodeAll } from './decode-all.ts'

const RATE = 48_000
const FRAME = 960
const SECONDS = 1.01

const sine = (hz: number) =>
  Int16Array.from({ length: RATE * 2 }, (_, i) => 8000 * Math.sin((2 * Math.PI * hz * i) / RATE))

function pagesOf(file: Uint8Array) {
  const reader = new OggPageReader()
  reader.push(file)
  const pages = []
  for (let page = reader.next(); page !== undefined; page = reader.next()) {
    const view = new DataView(page.bytes.slice().buffer)
    pages.push({
      flags: view.getUint8(5),
      granule: Number(view.getBigInt64(6, true)),
      sequence: view.getUint32(18, true),
      body: page.body.slice(),
    })
  }
  expect(reader.stats.skippedBytes).toBe(0)
  return pages
}

/** A file of two tones and `seconds` at 48 kHz, a page after every 10 packets. */
function encode(seconds: number): Uint8Array {
  const encoders = [0, 1].map(
    () => new OpusEncoder({ sampleRate: RATE, bitrate: 48_000, isFecOn: false }),
  ) as [OpusEncoder, OpusEncoder]
  const tones = [sine(440), sine(1000)] as const
  const preSkip = encoders[0].lookaheadSamples
  const pages: Uint8Array[] = []
  const options: OggOpusOptions = { channels: 2, isDual: true, inputRate: RATE, preSkip, serial: 7 }
  const writer = new OggOpusWriter(options, (page) => pages.push(page))
  const packet = new Uint8Array(1276)
  for (let at = 0; at < seconds * RATE + preSkip; at += FRAME) {
    const sides = tones.map((tone, i) => {
      const bytes = encoders[i as 0 | 1].encode(tone.subarray(at, at + FRAME), packet)
      return packet.slice(0, bytes)
    })
    writer.writePacket(joinOpusPackets(sides[0]!, sides[1]!), FRAME)
    if ((at / FRAME) % 10 === 9) writer.flush()
  }
  writer.close(Math.round(seconds * RATE))
  for (const encoder of encoders) encoder.close()
  return new Uint8Array(Buffer.concat(pages))
}

const decode = async (file: Uint8Array) => {
  const command = ['ffmpeg', '-v', 'error', '-i', '-', '-f', 's16le', '-ac', '2', '-']
  const samples = samplesOf(await runTool(command, file))
  return [samples.filter((_, i) => i % 2 === 0), samples.filter((_, i) => i % 2 === 1)] as const
}

describe('OggOpusWriter', () => {
  test('writes the head, the tags, and pages that are numbered and end where the audio does', () => {
    const [head, tags, ...audio] = pagesOf(encode(SECONDS))
    expect(head).toMatchObject({ flags: 2, granule: 0, sequence: 0 })
    expect(Buffer.from(head!.body).subarray(0, 8).toString()).toBe('OpusHead')
    expect([...head!.body.subarray(18)]).toEqual([1, 2, 0, 0, 1])
    expect(Buffer.from(tags!.body).toString()).toBe('OpusTags\x06\0\0\0BunPBX\0\0\0\0')
    expect(audio.map(({ sequence }) => sequence)).toEqual(audio.map((_, i) => i + 2))
    expect(audio.map(({ flags }) => flags)).toEqual(
      audio.map((_, i) => (i < audio.length - 1 ? 0 : 4)),
    )
    expect(audio[0]!.granule).toBe(10 * FRAME)
    expect(audio.at(-1)!.granule).toBe(Math.round(SECONDS * RATE) + 312)
  })

  test.skipIf(Bun.which('ffmpeg') === null)(
    'ffmpeg hears each tone in its channel, for as long to the sample (needs ffmpeg)',
    async () => {
      const [left, right] = await decode(encode(SECONDS))
      expect(left.length).toBe(Math.round(SECONDS * RATE))
      for (const [channel, hz] of [
        [left, 440],
        [right, 1000],
      ] as const) {
        const middle = channel.subarray(RATE / 4, (RATE * 3) / 4)
        expect(fitSine(middle, hz, RATE).residueDb).toBeLessThan(-20)
        expect(Math.abs(fitSine(middle, hz, RATE).levelDb - -12.2)).toBeLessThan(1)
      }
    },
  )

  test('libopus in our own player hears both, for as long', async () => {
    const audio = await decodeAll(new AnyFileDecoder(), cut(encode(SECONDS), [1500]))
    const samples = Int16Array.from(audio.flatMap((stretch) => [...stretch.samples]))
    expect(Math.abs(samples.length / RATE - SECONDS)).toBeLessThan(0.01)
    const tones = [440, 1000].map((hz) => fitSine(samples.subarray(RATE / 4, RATE / 2), hz, RATE))
    for (const { levelDb } of tones) expect(Math.abs(levelDb - -18.2)).toBeLessThan(1.5)
  })

  test.skipIf(Bun.which('ffmpeg') === null)(
    'what there is after a crash can be played (needs ffmpeg)',
    async () => {
      const file = encode(SECONDS)
      const [left] = await decode(file.subarray(0, file.length / 2))
      expect(left.length).toBeGreaterThan(RATE / 4)
    },
  )

  test('cuts packets of any size into pages that give them back', () => {
    const packets = fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(packets, (given) => {
        const pages: Uint8Array[] = []
        const options: OggOpusOptions = { channels: 1, inputRate: 8000, preSkip: 0, serial: 1 }
        const writer = new OggOpusWriter(options, (page) => pages.push(page))
        for (const packet of given) writer.writePacket(packet, FRAME)
        writer.close(given.length * FRAME)
        const bodies = pagesOf(new Uint8Array(Buffer.concat(pages))).slice(2)
        const body = Buffer.concat(bodies.map((page) => page.body))
        expect(body).toEqual(Buffer.concat(given))
        expect(bodies.at(-1)?.granule).toBe(given.length * FRAME)
      }),
      { numRuns: 30 },
    )
  })
})

describe('joinOpusPackets', () => {
  test.each([
    [[0x08], [1, 2], [0x08, 0, 1, 2]],
    [[0x08, 9], [1], [0x08, 1, 9, 1]],
  ])('%p and %p', (first, second, joined) => {
    expect([...joinOpusPackets(Uint8Array.from(first), Uint8Array.from(second))]).toEqual(joined)
  })

  test.each([250, 251, 252, 253, 255, 256, 1000, 1275])('writes a length of %i', (length) => {
    const first = new Uint8Array(1 + length)
    const joined = joinOpusPackets(first, Uint8Array.of(7))
    // RFC 6716 §3.2.1.
    const [a = 0, b = 0] = joined.subarray(1)
    expect(a < 252 ? a : 4 * b + a).toBe(length)
    expect(joined.at(-1)).toBe(7)
  })

  test.each([[[]], [[0x09, 1, 2]], [[0x0b, 1]]])('refuses %p, which is not one frame', (first) => {
    expect(() => joinOpusPackets(Uint8Array.from(first), Uint8Array.of(1))).toThrow('one frame')
  })
})
