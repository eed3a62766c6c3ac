import { createCipheriv } from 'node:crypto'
import { SRTP_PROFILES, type SrtpKey } from './srtp-profile.ts'

/** What protects the packets of one kind in one direction. */
export interface SrtpSessionKeys {
  readonly cipherKey: Uint8Array
  readonly salt: Uint8Array
  /** Of no use to an AEAD profile. */
  readonly authKey: Uint8Array
}

const AUTH_KEY_BYTES = 20
/** RFC 3711 §4.3.1 and §4.3.2: what the three keys of RTP and RTCP are derived with. */
const LABELS = {
  rtp: { cipherKey: 0, authKey: 1, salt: 2 },
  rtcp: { cipherKey: 3, authKey: 4, salt: 5 },
}

/**
 * Derives the session keys for one kind of packet (RFC 3711 §4.3, key derivation rate 0).
 *
 * @throws {RangeError} if master key or salt are not as long as the profile wants.
 */
export function deriveSrtpKeys(key: SrtpKey, kind: 'rtp' | 'rtcp'): SrtpSessionKeys {
  const { keyBytes, saltBytes } = SRTP_PROFILES[key.profile]
  if (key.masterKey.length !== keyBytes || key.masterSalt.length !== saltBytes) {
    throw new RangeError(`${key.profile} wants ${keyBytes} bytes of key and ${saltBytes} of salt`)
  }
  const labels = LABELS[kind]
  return {
    cipherKey: derive(key, labels.cipherKey, keyBytes),
    salt: derive(key, labels.salt, saltBytes),
    authKey: derive(key, labels.authKey, AUTH_KEY_BYTES),
  }
}

function derive({ masterKey, masterSalt }: SrtpKey, label: number, bytes: number): Uint8Array {
  // RFC 3711 §4.3.3: the label meets the eighth byte of the salt. Shorter salts are filled up
  // with zeros behind (RFC 7714 §11).
  const counter = new Uint8Array(16)
  counter.set(masterSalt)
  counter[7]! ^= label
  return createCipheriv('aes-128-ctr', masterKey, counter).update(new Uint8Array(bytes))
}
