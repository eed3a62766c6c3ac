import type { Sink } from '#core/sink.ts'
import { CHECKSUM_OFFSET, oggChecksum } from './ogg-checksum.ts'

/** RFC 7845 §4: positions count samples at 48 kHz, whatever the audio was. */
const GRANULE_RATE = 48_000
const HEADER_BYTES = 27
const MAX_SEGMENTS = 255
const FLAG_FIRST = 0x02
const FLAG_LAST = 0x04
const VENDOR = 'BunPBX'

export interface OggOpusOptions {
  /** One or two. */
  readonly channels: 1 | 2
  /**
   * Whether the two channels are streams of their own, which hear nothing of each other: packets
   * then hold both (RFC 7845 §5.1.1.2, `joinOpusPackets`). Else the packets are those of one encoder.
   */
  readonly isDual?: boolean
  /** Rate of what was encoded; for information only. */
  readonly inputRate: number
  /** What the encoder puts before the audio, in samples at 48 kHz. */
  readonly preSkip: number
  /** Tells this stream from others; any number. */
  readonly serial: number
}

/**
 * Writes Opus packets as an Ogg file (RFC 3533, RFC 7845). Every page that has been handed on can
 * be played, whatever follows; `flush` ends one.
 */
export class OggOpusWriter {
  readonly #serial: number
  readonly #preSkip: number
  readonly #onPage: Sink<Uint8Array>
  #sequence = 0
  /** Segment table and packets of the page that is being filled. */
  #segments: number[] = []
  #packets: Uint8Array[] = []
  /** Samples at 48 kHz in all packets so far, those to be skipped included. */
  #granule = 0

  /** Hands on the two pages that stand before the audio. Pages belong to whoever gets them. */
  constructor(options: OggOpusOptions, onPage: Sink<Uint8Array>) {
    this.#serial = options.serial
    this.#preSkip = options.preSkip
    this.#onPage = onPage
    this.#writePage([opusHead(options)], FLAG_FIRST)
    this.#writePage([opusTags()], 0)
  }

  /** Adds a packet, which is borrowed, of so many samples at 48 kHz. */
  writePacket(packet: Uint8Array, samples: number): void {
    const needed = Math.floor(packet.length / 255) + 1
    if (this.#segments.length + needed > MAX_SEGMENTS) this.flush()
    this.#packets.push(packet.slice())
    this.#segments.push(...lacing(packet.length))
    this.#granule += samples
  }

  /** Hands on what waits as a page. */
  flush(): void {
    if (this.#packets.length > 0) this.#writePage(this.#packets, 0, this.#granule)
  }

  /**
   * Hands on the last page. The file then lasts `samples` at 48 kHz to the sample, where that is
   * less than what the packets hold (RFC 7845 §4.4).
   */
  close(samples: number): void {
    const end = Math.min(this.#granule, this.#preSkip + samples)
    this.#writePage(this.#packets, FLAG_LAST, end)
  }

  /** RFC 3533 §6. */
  #writePage(packets: readonly Uint8Array[], flags: number, granule = 0): void {
    const segments =
      packets === this.#packets ? this.#segments : packets.flatMap(({ length }) => lacing(length))
    const bodyStart = HEADER_BYTES + segments.length
    const page = new Uint8Array(packets.reduce((sum, { length }) => sum + length, bodyStart))
    const view = new DataView(page.buffer)
    page.set([0x4f, 0x67, 0x67, 0x53, 0, flags])
    view.setBigUint64(6, BigInt(granule), true)
    view.setUint32(14, this.#serial, true)
    view.setUint32(18, this.#sequence, true)
    page[26] = segments.length
    page.set(segments, HEADER_BYTES)
    let at = bodyStart
    for (const packet of packets) {
      page.set(packet, at)
      at += packet.length
    }
    view.setUint32(CHECKSUM_OFFSET, oggChecksum(page), true)
    this.#sequence += 1
    this.#segments = []
    this.#packets = []
    this.#onPage(page)
  }
}

/** How many samples at 48 kHz `samples` at `sampleRate` are. */
export function granulesOf(samples: number, sampleRate: number): number {
  return Math.round((samples * GRANULE_RATE) / sampleRate)
}

/** RFC 3533 §6: a packet is segments of 255 bytes and one that is shorter. */
function lacing(bytes: number): number[] {
  return [...new Array<number>(Math.floor(bytes / 255)).fill(255), bytes % 255]
}

/** RFC 7845 §5.1. */
function opusHead({ channels, isDual = false, inputRate, preSkip }: OggOpusOptions): Uint8Array {
  const head = new Uint8Array(isDual ? 21 + channels : 19)
  const view = new DataView(head.buffer)
  head.set(new TextEncoder().encode('OpusHead'))
  head[8] = 1
  head[9] = channels
  view.setUint16(10, preSkip, true)
  view.setUint32(12, inputRate, true)
  if (!isDual) return head
  // §5.1.1.2: mapping family 1, as many streams as channels, none of them coupled.
  head[18] = 1
  head[19] = channels
  head.set([0, ...Array.from({ length: channels }, (_, i) => i)], 20)
  return head
}

/** RFC 7845 §5.2, without comments. */
function opusTags(): Uint8Array {
  const vendor = new TextEncoder().encode(VENDOR)
  const tags = new Uint8Array(16 + vendor.length)
  tags.set(new TextEncoder().encode('OpusTags'))
  new DataView(tags.buffer).setUint32(8, vendor.length, true)
  tags.set(vendor, 12)
  return tags
}
