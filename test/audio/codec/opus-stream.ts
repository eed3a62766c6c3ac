import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusEncoder, type OpusEncoderOptions } from '#audio/codec/opus-encoder.ts'
import { OggOpusWriter } from '#audio/file/ogg-opus-writer.ts'
import { OggPageReader } from '#audio/file/ogg-page-reader.ts'

/** What an encoder holds back, 6.5 ms, in samples at 48 kHz. */
export const PRE_SKIP = 312

/** Packets of 20 ms. */
export function encodeAll(samples: Int16Array, options: Partial<OpusEncoderOptions>): Uint8Array[] {
  const encoder = new OpusEncoder(options)
  const size = (encoder.sampleRate / 50) * encoder.channels
  const payload = new Uint8Array(1500)
  const packets: Uint8Array[] = []
  for (let at = 0; at + size <= samples.length; at += size) {
    packets.push(payload.slice(0, encoder.encode(samples.subarray(at, at + size), payload)))
  }
  encoder.close()
  return packets
}

/** What the packets hold, one channel. */
export function decodeAll(packets: readonly Uint8Array[], sampleRate: number): Int16Array {
  const decoder = new OpusDecoder({ sampleRate })
  const frame = new Int16Array((sampleRate * 120) / 1000)
  const samples: number[] = []
  for (const packet of packets) samples.push(...frame.subarray(0, decoder.decode(packet, frame)))
  decoder.close()
  return Int16Array.from(samples)
}

/** How far `samples` are from `reference`, in dB below it. */
export function snrDb(reference: Int16Array, samples: Int16Array): number {
  let signal = 0
  let noise = 0
  for (const [i, sample] of reference.entries()) {
    signal += sample ** 2
    noise += (sample - (samples[i] ?? 0)) ** 2
  }
  return 10 * Math.log10(signal / noise)
}

/** The packets of an Ogg file behind its two headers (RFC 7845 §3). */
export function packetsOf(file: Uint8Array): Uint8Array[] {
  const reader = new OggPageReader()
  reader.push(file)
  const packets: Uint8Array[] = []
  let parts: Uint8Array[] = []
  for (let page = reader.next(); page !== undefined; page = reader.next()) {
    let at = 0
    for (const length of page.bytes.subarray(27, 27 + page.bytes[26]!)) {
      parts.push(page.body.slice(at, at + length))
      at += length
      if (length === 255) continue
      packets.push(new Uint8Array(Buffer.concat(parts)))
      parts = []
    }
  }
  return packets.slice(2)
}

/** An Ogg file of `packets` of 20 ms, one channel, made at `inputRate`. */
export function oggOf(packets: readonly Uint8Array[], inputRate: number): Uint8Array {
  const pages: Uint8Array[] = []
  const options = { channels: 1, inputRate, preSkip: PRE_SKIP, serial: 1 } as const
  const writer = new OggOpusWriter(options, (page) => pages.push(page))
  for (const packet of packets) writer.writePacket(packet, 960)
  writer.close(packets.length * 960 - PRE_SKIP)
  return Buffer.concat(pages)
}
