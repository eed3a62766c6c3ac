import { AudioError } from './audio-error.ts'
import { saturate } from './saturate.ts'
import { FORMAT_BYTES, parseWavFormat, type WavFormat, type WavLayout } from './wav-format.ts'

const UNKNOWN_SIZE = 0xffff_ffff
const RIFF_BYTES = 12
const FORM_BYTES = 4
const CHUNK_HEADER_BYTES = 8
/** What of a ds64 chunk is read: the sizes of the file and of the data (EBU Tech 3306 §4.2). */
const LARGE_SIZES_BYTES = 16

const CONTAINERS = ['RIFF', 'RF64', 'BW64']

/** Enough for the longest thing that is read as a whole: a block of 8 channels of 64 bits. */
const PARTIAL_BYTES = 64

/**
 *   riff ──► chunk ◄──► format, largeSizes, skip
 *              └──► data ──► end
 */
type State = 'riff' | 'chunk' | 'format' | 'largeSizes' | 'skip' | 'data' | 'end'

/**
 * Reads a RIFF/WAVE file (also RF64 and BW64, or streamed with a data size of 0 or 0xFFFFFFFF) from
 * chunks of any size and gives its samples: the mean of all channels.
 */
export class WavReader {
  #layout: WavLayout | undefined
  #state: State = 'riff'
  /** How many bytes `#partial` must hold before the state can act on them. */
  #wanted = RIFF_BYTES
  /** Bytes of a header or a block that came in two chunks. */
  readonly #partial = new DataView(new ArrayBuffer(PARTIAL_BYTES))
  #partialLength = 0
  /** Bytes behind the current RIFF chunk, by the size of the file; at most 0 if that is unknown. */
  #behind = 0
  /** Size of the data where `data` says that it is elsewhere. */
  #largeDataSize = UNKNOWN_SIZE
  /** Bytes of the current RIFF chunk that are still to come, with its padding unless it is data. */
  #remaining = 0
  #output = new Int16Array(0)
  #outputLength = 0

  /** What the header says; `undefined` until it has been read. Samples come at its rate. */
  get format(): WavFormat | undefined {
    return this.#layout?.format
  }

  /**
   * Takes the next bytes and gives the samples they complete, mono at the file's rate, shape (n):
   * a view that is valid until the next call. Bytes after the data are ignored. Throws `AudioError`
   * (`bad_header`, `unsupported_format`) when this is no WAV file that can be read.
   */
  push(chunk: Uint8Array): Int16Array {
    this.#outputLength = 0
    let offset = 0
    while (offset < chunk.length && this.#state !== 'end') {
      offset += this.#consume(chunk.subarray(offset))
    }
    return this.#output.subarray(0, this.#outputLength)
  }

  /**
   * Call it after the last chunk. Throws `AudioError` (`truncated`) if the file ended before its
   * data began. Data cut short is no error: its whole blocks have been given.
   */
  flush(): void {
    if (this.#state === 'data' || this.#state === 'end') return
    throw new AudioError('truncated', 'WAV file ends before its data')
  }

  /** Returns how many bytes of `bytes` (at least one) it has used. */
  #consume(bytes: Uint8Array): number {
    if (this.#state === 'skip') return this.#skip(bytes)
    if (this.#state === 'data' && this.#partialLength === 0) {
      const used = this.#readBlocks(bytes)
      if (used > 0) return used
    }
    return this.#collect(bytes)
  }

  #skip(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.#remaining)
    this.#remaining -= count
    if (this.#remaining === 0) this.#expect('chunk', CHUNK_HEADER_BYTES)
    return count
  }

  /** Adds bytes to the partial ones until there are enough to act on. */
  #collect(bytes: Uint8Array): number {
    const count = Math.min(this.#wanted - this.#partialLength, bytes.length)
    for (let i = 0; i < count; i += 1) {
      this.#partial.setUint8(this.#partialLength + i, bytes[i]!)
    }
    this.#partialLength += count
    if (this.#partialLength === this.#wanted) {
      this.#partialLength = 0
      this.#actOn(this.#partial)
    }
    return count
  }

  #actOn(view: DataView): void {
    switch (this.#state) {
      case 'riff':
        this.#readRiff(view)
        return
      case 'chunk':
        this.#beginChunk(tagAt(view, 0), view.getUint32(4, true))
        return
      case 'format':
        this.#layout = parseWavFormat(new DataView(view.buffer, 0, this.#wanted))
        this.#remaining -= this.#wanted
        this.#skipRest()
        return
      case 'largeSizes':
        this.#largeDataSize = Number(view.getBigUint64(8, true))
        this.#remaining -= this.#wanted
        this.#skipRest()
        return
      case 'data':
        this.#readBlocks(new Uint8Array(view.buffer, 0, this.#wanted))
        return
      case 'skip':
      case 'end':
        return
    }
  }

  #readRiff(view: DataView): void {
    const container = tagAt(view, 0)
    const form = tagAt(view, 8)
    if (!CONTAINERS.includes(container) || form !== 'WAVE') {
      throw new AudioError('bad_header', `not a WAV file: begins ${JSON.stringify(container)}`)
    }
    const size = view.getUint32(4, true)
    this.#behind = size === UNKNOWN_SIZE ? 0 : size - FORM_BYTES
    this.#expect('chunk', CHUNK_HEADER_BYTES)
  }

  #beginChunk(tag: string, size: number): void {
    // RIFF chunks begin at even offsets.
    this.#remaining = size + (size & 1)
    this.#behind -= CHUNK_HEADER_BYTES + this.#remaining
    if (tag === 'data') this.#beginData(size)
    else if (tag === 'ds64' && size >= LARGE_SIZES_BYTES) {
      this.#expect('largeSizes', LARGE_SIZES_BYTES)
    } else if (tag === 'fmt ' && size > 0) this.#expect('format', Math.min(size, FORMAT_BYTES))
    else this.#skipRest()
  }

  #beginData(size: number): void {
    if (this.#layout === undefined) {
      throw new AudioError('bad_header', 'WAV data comes before its format')
    }
    this.#remaining = this.#dataBytes(size)
    this.#expect('data', this.#layout.blockBytes)
    // Less than one block of data is none.
    if (this.#remaining < this.#wanted) this.#state = 'end'
  }

  /** How long the data is that says `size`; infinite if that was written before it was known. */
  #dataBytes(size: number): number {
    const actual = size === UNKNOWN_SIZE ? this.#largeDataSize : size
    // Data of no bytes is that if the file goes on behind it.
    if (actual === 0) return this.#behind > 0 ? 0 : Number.POSITIVE_INFINITY
    return actual === UNKNOWN_SIZE ? Number.POSITIVE_INFINITY : actual
  }

  #skipRest(): void {
    if (this.#remaining === 0) this.#expect('chunk', CHUNK_HEADER_BYTES)
    else this.#state = 'skip'
  }

  #expect(state: State, bytes: number): void {
    this.#state = state
    this.#wanted = bytes
  }

  /** Reads the whole blocks at the start of `bytes`; returns how many bytes they are. */
  #readBlocks(bytes: Uint8Array): number {
    if (this.#layout === undefined) return 0
    const { blockBytes, sampleBytes, readSample } = this.#layout
    const blocks = Math.floor(Math.min(bytes.length, this.#remaining) / blockBytes)
    this.#reserve(blocks)
    const output = this.#output
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const channels = blockBytes / sampleBytes
    let offset = 0
    for (let block = 0; block < blocks; block += 1) {
      let sum = 0
      for (let channel = 0; channel < channels; channel += 1) {
        sum += readSample(view, offset)
        offset += sampleBytes
      }
      // What is not a number (a float file may hold some) is stored as 0.
      output[this.#outputLength + block] = saturate(Math.round(sum / channels))
    }
    this.#outputLength += blocks
    this.#remaining -= offset
    if (this.#remaining < blockBytes) this.#state = 'end'
    return offset
  }

  /** Makes room for `blocks` more samples, keeping those of this call. */
  #reserve(blocks: number): void {
    const needed = this.#outputLength + blocks
    if (this.#output.length >= needed) return
    const larger = new Int16Array(needed)
    larger.set(this.#output.subarray(0, this.#outputLength))
    this.#output = larger
  }
}

function tagAt(view: DataView, offset: number): string {
  let tag = ''
  for (let i = 0; i < 4; i += 1) tag += String.fromCharCode(view.getUint8(offset + i))
  return tag
}
