import { MAX_PACKET_BYTES } from './packet-cipher.ts'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 20
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

/** Work space of all instances: nothing in it outlives a call. */
const inner = new Uint8Array(BLOCK_BYTES + MAX_PACKET_BYTES + 4)
const outer = new Uint8Array(BLOCK_BYTES + DIGEST_BYTES)
const innerDigest = outer.subarray(BLOCK_BYTES)
const digest = new Uint8Array(DIGEST_BYTES)
/** Views of the start of `inner`, by length. */
const innerViews: Uint8Array[] = []

/**
 * HMAC-SHA1 (RFC 2104) of packets, made of two plain hashes: Bun's keyed hasher is one object more
 * for each packet, and takes three times as long.
 */
export class HmacSha1 {
  /** What `compute` found last; valid until it is called again on any instance. */
  readonly digest = digest
  readonly #innerKey: Uint8Array
  readonly #outerKey: Uint8Array

  /** `key` is 64 bytes at most. */
  constructor(key: Uint8Array) {
    this.#innerKey = paddedKey(key, INNER_PAD)
    this.#outerKey = paddedKey(key, OUTER_PAD)
  }

  /** Of the first `length` of `bytes` and the four bytes of `word` behind them, into `digest`. */
  compute(bytes: Uint8Array, length: number, word: number): void {
    const end = BLOCK_BYTES + length
    inner.set(this.#innerKey)
    // To copy a little too much costs less than a view.
    inner.set(bytes.length <= MAX_PACKET_BYTES ? bytes : bytes.subarray(0, length), BLOCK_BYTES)
    inner[end] = word >>> 24
    inner[end + 1] = word >>> 16
    inner[end + 2] = word >>> 8
    inner[end + 3] = word
    innerViews[end] ??= inner.subarray(0, end + 4)
    Bun.SHA1.hash(innerViews[end], innerDigest)
    outer.set(this.#outerKey)
    Bun.SHA1.hash(outer, digest)
  }
}

function paddedKey(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  block.set(key)
  return block.map((byte) => byte ^ pad)
}
