import { CHECKSUM_OFFSET, oggChecksum } from './ogg-checksum.ts'

const HEADER_BYTES = 27
/** RFC 3533 §6: 255 segments of 255 bytes. */
const MAX_PAGE_BYTES = HEADER_BYTES + 255 + 255 * 255
const FLAGS_OFFSET = 5
const SERIAL_OFFSET = 14
const SEGMENTS_OFFSET = 26
const FLAG_FIRST = 0x02
const CAPTURE = [0x4f, 0x67, 0x67, 0x53] as const

/** One page that is whole and undamaged. */
export interface OggPage {
  /** All of it, header included. Borrowed: valid until the reader is used again. */
  readonly bytes: Uint8Array
  /** What it carries; part of `bytes`. */
  readonly body: Uint8Array
  /** Which logical stream it belongs to. */
  readonly serial: number
  /** It opens its logical stream. */
  readonly isFirst: boolean
}

/**
 * Cuts an Ogg stream (RFC 3533) into pages. Pages whose checksum is wrong, and whatever lies between
 * pages, are skipped, so that a decoder sees only what an encoder wrote.
 */
export class OggPageReader {
  readonly stats = { pages: 0, skippedBytes: 0 }
  #bytes = new Uint8Array(MAX_PAGE_BYTES)
  #start = 0
  #end = 0

  /** Takes the next bytes, any number of them; `next` gives the pages they complete. */
  push(chunk: Uint8Array): void {
    this.#reserve(chunk.length)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The next page; undefined until more bytes have been pushed. */
  next(): OggPage | undefined {
    while (this.#seek()) {
      const bytes = this.#bytes.subarray(this.#start, this.#end)
      const size = pageBytes(bytes)
      if (size === undefined || size > bytes.length) return undefined
      const page = bytes.subarray(0, size)
      if (hasGoodChecksum(page)) {
        this.#start += size
        this.stats.pages += 1
        return describe(page)
      }
      this.#skip(1)
    }
    return undefined
  }

  /** Moves on to what may be a page; false when no capture pattern is left. */
  #seek(): boolean {
    while (this.#end - this.#start >= CAPTURE.length) {
      if (CAPTURE.every((byte, i) => this.#bytes[this.#start + i] === byte)) return true
      const next = this.#bytes.indexOf(CAPTURE[0], this.#start + 1)
      const isFound = next >= 0 && next < this.#end
      this.#skip((isFound ? next : this.#end) - this.#start)
    }
    return false
  }

  #skip(count: number): void {
    this.#start += count
    this.stats.skippedBytes += count
  }

  /** Makes room for `count` bytes at the end; what has been read goes first. */
  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return
    const rest = this.#bytes.subarray(this.#start, this.#end)
    const needed = rest.length + count
    const target = needed <= this.#bytes.length ? this.#bytes : new Uint8Array(2 * needed)
    target.set(rest)
    this.#bytes = target
    this.#end -= this.#start
    this.#start = 0
  }
}

/** Size of the page that `bytes` start with; undefined while its segment table is not there. */
function pageBytes(bytes: Uint8Array): number | undefined {
  const segments = bytes[SEGMENTS_OFFSET]
  if (segments === undefined || bytes.length < HEADER_BYTES + segments) return undefined
  let size = HEADER_BYTES + segments
  for (let i = 0; i < segments; i += 1) size += bytes[HEADER_BYTES + i]!
  return size
}

function describe(bytes: Uint8Array): OggPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    bytes,
    body: bytes.subarray(HEADER_BYTES + bytes[SEGMENTS_OFFSET]!),
    serial: view.getUint32(SERIAL_OFFSET, true),
    isFirst: (bytes[FLAGS_OFFSET]! & FLAG_FIRST) !== 0,
  }
}

function hasGoodChecksum(page: Uint8Array): boolean {
  const view = new DataView(page.buffer, page.byteOffset, page.length)
  return oggChecksum(page) === view.getUint32(CHECKSUM_OFFSET, true)
}
