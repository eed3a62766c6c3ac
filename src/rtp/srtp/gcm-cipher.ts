import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { SrtpSessionKeys } from './derive-srtp-keys.ts'
import type { CipherJob, PacketCipher } from './packet-cipher.ts'

const TAG_BYTES = 16
const IV_BYTES = 12
const ALGORITHM = 'aes-128-gcm'

/** AES in Galois/counter mode (RFC 7714 §8, §9). A cipher object serves one packet only. */
export class GcmCipher implements PacketCipher {
  readonly #key: Uint8Array
  readonly #salt: Uint8Array
  /** Whether `word` is authenticated: in RTCP, where it is sent. */
  readonly #hasWord: boolean
  readonly #iv = new Uint8Array(IV_BYTES)

  constructor(keys: SrtpSessionKeys, kind: 'rtp' | 'rtcp') {
    this.#key = keys.cipherKey
    this.#salt = keys.salt
    this.#hasWord = kind === 'rtcp'
  }

  seal(job: CipherJob): void {
    const { bytes, bodyAt, endAt, tagAt } = job
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#ivOf(job))
    cipher.setAAD(this.#clearPart(job))
    bytes.set(cipher.update(bytes.subarray(bodyAt, endAt)), bodyAt)
    cipher.final()
    bytes.set(cipher.getAuthTag(), tagAt)
  }

  open(job: CipherJob): boolean {
    const { bytes, bodyAt, endAt, tagAt } = job
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#ivOf(job))
    decipher.setAAD(this.#clearPart(job))
    decipher.setAuthTag(bytes.subarray(tagAt, tagAt + TAG_BYTES))
    const body = decipher.update(bytes.subarray(bodyAt, endAt))
    try {
      decipher.final()
    } catch {
      return false
    }
    bytes.set(body, bodyAt)
    return true
  }

  /** RFC 7714 §8.1, §9.1: two zeros, SSRC and index, xor the salt. */
  #ivOf({ ssrc, indexHigh, indexLow }: CipherJob): Uint8Array {
    const iv = this.#iv
    iv.set(this.#salt)
    for (let i = 0; i < 4; i += 1) {
      const shift = 24 - 8 * i
      iv[2 + i]! ^= ssrc >>> shift
      iv[6 + i]! ^= indexHigh >>> shift
    }
    iv[10]! ^= indexLow >>> 8
    iv[11]! ^= indexLow
    return iv
  }

  /** What is authenticated and not encrypted. */
  #clearPart({ bytes, bodyAt, word }: CipherJob): Uint8Array {
    const header = bytes.subarray(0, bodyAt)
    if (!this.#hasWord) return header
    return Uint8Array.of(...header, word >>> 24, word >>> 16, word >>> 8, word)
  }
}
