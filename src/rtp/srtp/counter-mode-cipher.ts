import { type Cipheriv, createCipheriv } from 'node:crypto'
import type { SrtpSessionKeys } from './derive-srtp-keys.ts'
import { HmacSha1 } from './hmac-sha1.ts'
import { type CipherJob, MAX_PACKET_BYTES, type PacketCipher } from './packet-cipher.ts'

const BLOCK_BYTES = 16

/** Work space of all instances, with views of its start by the number of blocks. */
const counters = new DataView(new ArrayBuffer(MAX_PACKET_BYTES))
const counterViews = Array.from(
  { length: 1 + MAX_PACKET_BYTES / BLOCK_BYTES },
  (_, blocks) => new Uint8Array(counters.buffer, 0, blocks * BLOCK_BYTES),
)

/**
 * AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1). A cipher object would live for one
 * packet; encrypting the counters themselves, block by block, lets one serve all packets.
 */
export class CounterModeCipher implements PacketCipher {
  readonly #aes: Cipheriv
  readonly #hmac: HmacSha1
  readonly #tagBytes: number
  readonly #salt: readonly [number, number, number, number]

  constructor(keys: SrtpSessionKeys, tagBytes: number) {
    this.#aes = createCipheriv('aes-128-ecb', keys.cipherKey, null).setAutoPadding(false)
    this.#hmac = new HmacSha1(keys.authKey)
    this.#tagBytes = tagBytes
    const salt = new DataView(new ArrayBuffer(BLOCK_BYTES))
    keys.salt.forEach((byte, i) => {
      salt.setUint8(i, byte)
    })
    this.#salt = [salt.getInt32(0), salt.getInt32(4), salt.getInt32(8), salt.getInt32(12)]
  }

  seal(job: CipherJob): void {
    this.#crypt(job)
    this.#hmac.compute(job.bytes, job.endAt, job.word)
    const { digest } = this.#hmac
    for (let i = 0; i < this.#tagBytes; i += 1) job.bytes[job.tagAt + i] = digest[i]!
  }

  open(job: CipherJob): boolean {
    this.#hmac.compute(job.bytes, job.endAt, job.word)
    const { digest } = this.#hmac
    // Compares all of it, lest time tell how much is right.
    let difference = 0
    for (let i = 0; i < this.#tagBytes; i += 1) difference |= digest[i]! ^ job.bytes[job.tagAt + i]!
    if (difference !== 0) return false
    this.#crypt(job)
    return true
  }

  /** RFC 3711 §4.1.1: IV = salt · 2^16 xor SSRC · 2^64 xor index · 2^16, plus the block's number. */
  #crypt({ bytes, bodyAt, endAt, ssrc, indexHigh, indexLow }: CipherJob): void {
    const length = endAt - bodyAt
    if (length === 0) return
    const blocks = Math.ceil(length / BLOCK_BYTES)
    const [first, second, third, fourth] = this.#salt
    for (let block = 0; block < blocks; block += 1) {
      const at = block * BLOCK_BYTES
      counters.setInt32(at, first)
      counters.setInt32(at + 4, second ^ ssrc)
      counters.setInt32(at + 8, third ^ indexHigh)
      counters.setInt32(at + 12, fourth ^ (indexLow << 16) ^ block)
    }
    const keystream = this.#aes.update(counterViews[blocks]!)
    for (let i = 0; i < length; i += 1) bytes[bodyAt + i]! ^= keystream[i]!
  }
}
