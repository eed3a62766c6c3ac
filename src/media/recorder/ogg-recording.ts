import { closeSync, ftruncateSync } from 'node:fs'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { joinOpusPackets } from '#audio/file/join-opus-packets.ts'
import { granulesOf, OggOpusWriter } from '#audio/file/ogg-opus-writer.ts'
import { frameSamples } from '#audio/frame.ts'
import { type RecordingFile, writeAll } from './recording-file.ts'

/** One frame of 20 ms and its table of contents (RFC 6716 §3.2.1). */
const MAX_PACKET_BYTES = 1276
/** Bits per second of each channel: speech of its band, hardly told from the original. */
const BITRATES = new Map([
  [8000, 16_000],
  [16_000, 24_000],
  [24_000, 28_000],
  [48_000, 40_000],
])
/** A quarter of the work of 10; nobody waits for the Worker, but it serves all calls. */
const COMPLEXITY = 3

/**
 * Opus in Ogg: the two sides as streams of their own, so that none is heard on the other. Each
 * piece that is written ends a page, which can be played from then on.
 */
export class OggRecording implements RecordingFile {
  readonly #fd: number
  readonly #sampleRate: number
  readonly #encoders: readonly [left: OpusEncoder, right: OpusEncoder]
  readonly #writer: OggOpusWriter
  readonly #frames: readonly [left: Int16Array, right: Int16Array]
  /** Samples of a frame that is not whole yet. */
  #frameFill = 0
  readonly #packet = new Uint8Array(MAX_PACKET_BYTES)
  /** What has been encoded and not been written. */
  #pages: Uint8Array[] = []
  #bytes = 0
  #samples = 0
  #encodedSamples = 0
  /** A page could not be written: no other may follow. */
  #isBroken = false
  #isClosed = false

  /** Owns `fd` from here on, unless it throws what the file system throws. */
  constructor(fd: number, sampleRate: number) {
    this.#fd = fd
    this.#sampleRate = sampleRate
    const options = {
      sampleRate,
      bitrate: BITRATES.get(sampleRate) ?? 32_000,
      complexity: COMPLEXITY,
      isFecOn: false,
    }
    this.#encoders = [new OpusEncoder(options), new OpusEncoder(options)]
    const frame = frameSamples(sampleRate)
    this.#frames = [new Int16Array(frame), new Int16Array(frame)]
    const preSkip = granulesOf(this.#encoders[0].lookaheadSamples, sampleRate)
    const serial = Math.floor(Math.random() * 2 ** 32)
    this.#writer = new OggOpusWriter(
      { channels: 2, isDual: true, inputRate: sampleRate, preSkip, serial },
      (page) => this.#pages.push(page),
    )
    try {
      this.#writePages()
    } catch (error) {
      this.#closeEncoders()
      throw error
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  get samples(): number {
    return this.#samples
  }

  write(left: Int16Array, right: Int16Array): void {
    this.#encode(left, right)
    this.#writer.flush()
    this.#writePages()
    this.#samples += left.length
  }

  close(): void {
    // Its number may be that of another file by now.
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      if (!this.#isBroken) this.#writeEnd()
    } finally {
      this.#closeEncoders()
      try {
        // What a full disk took of a page that did not fit is no part of it.
        ftruncateSync(this.#fd, this.#bytes)
      } finally {
        closeSync(this.#fd)
      }
    }
  }

  /** The encoder still holds back the end: silence pushes it out, and the last page cuts that off. */
  #writeEnd(): void {
    const needed = this.#samples + this.#encoders[0].lookaheadSamples
    const frame = this.#frames[0].length
    const silence = new Int16Array(frame)
    while (this.#encodedSamples < needed) this.#encode(silence, silence)
    this.#writer.close(granulesOf(this.#samples, this.#sampleRate))
    this.#writePages()
  }

  #encode(left: Int16Array, right: Int16Array): void {
    const frame = this.#frames[0].length
    for (let from = 0; from < left.length; ) {
      const count = Math.min(frame - this.#frameFill, left.length - from)
      this.#frames[0].set(left.subarray(from, from + count), this.#frameFill)
      this.#frames[1].set(right.subarray(from, from + count), this.#frameFill)
      this.#frameFill += count
      from += count
      if (this.#frameFill < frame) return
      this.#frameFill = 0
      this.#encodedSamples += frame
      const first = this.#encodeSide(0).slice()
      const packet = joinOpusPackets(first, this.#encodeSide(1))
      this.#writer.writePacket(packet, granulesOf(frame, this.#sampleRate))
    }
  }

  #closeEncoders(): void {
    for (const encoder of this.#encoders) encoder.close()
  }

  #encodeSide(side: 0 | 1): Uint8Array {
    const bytes = this.#encoders[side].encode(this.#frames[side], this.#packet)
    return this.#packet.subarray(0, bytes)
  }

  #writePages(): void {
    for (const page of this.#pages.splice(0)) {
      try {
        writeAll(this.#fd, page, this.#bytes)
      } catch (error) {
        this.#isBroken = true
        throw error
      }
      this.#bytes += page.length
    }
  }
}
