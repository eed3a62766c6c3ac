import { SrtpContext } from '#rtp/srtp/srtp-context.ts'
import type { SrtpKey } from '#rtp/srtp/srtp-profile.ts'
import type { SrtpKeys } from './rtp-format.ts'

/** SRTP of one call, both ways; without keys packets go as they are. */
export class SrtpPair {
  #keys: SrtpKeys | undefined
  #send: SrtpContext | undefined
  #receive: SrtpContext | undefined

  /** Packets that were refused: forged, changed, sent again, or not protected. */
  get refused(): number {
    const { authFailures, replayed, malformed } = this.#receive?.stats ?? NONE
    return authFailures + replayed + malformed
  }

  /** Keys that stay the same are not disturbed: what was sent with them must not be sent again. */
  configure(keys: SrtpKeys | undefined): void {
    const before = this.#keys
    this.#keys = keys
    if (!isSame(before?.send, keys?.send)) this.#send = open(keys?.send)
    if (!isSame(before?.receive, keys?.receive)) this.#receive = open(keys?.receive)
  }

  /** Protects the packet in the first `length` of `bytes`; returns how long it is then, 0 if not. */
  protectRtp(bytes: Uint8Array, length: number): number {
    return this.#send?.protectRtp(bytes, length) ?? length
  }

  /** Opens a packet in place; returns how long it is then, 0 if it is refused. */
  unprotectRtp(bytes: Uint8Array): number {
    return this.#receive?.unprotectRtp(bytes) ?? bytes.length
  }

  protectRtcp(bytes: Uint8Array): Uint8Array {
    return this.#send?.protectRtcp(bytes) ?? bytes
  }

  /** The packet within `bytes`; `undefined` if it is refused. */
  unprotectRtcp(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#receive === undefined) return bytes
    const length = this.#receive.unprotectRtcp(bytes)
    return length === 0 ? undefined : bytes.subarray(0, length)
  }
}

const NONE = { authFailures: 0, replayed: 0, malformed: 0 }

function open(key: SrtpKey | undefined): SrtpContext | undefined {
  return key === undefined ? undefined : new SrtpContext(key)
}

function isSame(one: SrtpKey | undefined, other: SrtpKey | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return (
    one.profile === other.profile &&
    Buffer.compare(one.masterKey, other.masterKey) === 0 &&
    Buffer.compare(one.masterSalt, other.masterSalt) === 0
  )
}
