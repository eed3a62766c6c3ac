import { createSdesKey, formatSdesKey, parseSdesKey, type SdesKey } from '#rtp/srtp/sdes.ts'
import type { SrtpProfile } from '#rtp/srtp/srtp-profile.ts'
import type { MediaDescription } from './session-description.ts'

/**
 * Whether the audio is encrypted (SRTP): `never`; `offered`, where the far end wants it or can do
 * it; `required`, or there is no call. The keys stand in the SDP, so only TLS keeps them secret.
 */
export type MediaEncryption = 'never' | 'offered' | 'required'

/** The keys of both directions. */
export interface SrtpKeys {
  /** Protects what we send. */
  readonly local: SdesKey
  readonly remote: SdesKey
}

/** In our order; the first is what every phone knows. */
const PROFILES: readonly SrtpProfile[] = ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM']
const PLAIN = ['RTP/AVP', 'RTP/AVPF']
const SECURE = ['RTP/SAVP', 'RTP/SAVPF']

/** The `a=crypto` lines of a call (RFC 4568). Our keys stay the same for the whole of it. */
export class SdesNegotiation {
  readonly #encryption: MediaEncryption
  readonly #own = new Map<SrtpProfile, SdesKey>()

  constructor(encryption: MediaEncryption) {
    this.#encryption = encryption
  }

  /** The protocol of our first offer. RFC 8643: with `offered` either answer will do. */
  get offeredProtocol(): string {
    return this.#encryption === 'required' ? 'RTP/SAVP' : 'RTP/AVP'
  }

  /** The `a=crypto` values of an offer of ours. */
  offer(): string[] {
    if (this.#encryption === 'never') return []
    return PROFILES.map((profile, i) => formatSdesKey(this.#keyOf(profile, i + 1)))
  }

  /** The keys where the line is an offer that can be taken; `undefined` also where none is needed. */
  answer(media: MediaDescription): SrtpKeys | undefined {
    const remote = this.#encryption === 'never' ? undefined : keysOf(media)[0]
    return remote && { local: this.#keyOf(remote.profile, remote.tag), remote }
  }

  /** The keys where the line answers an offer of ours: it takes up one of our tags. */
  accept(media: MediaDescription): SrtpKeys | undefined {
    for (const remote of keysOf(media)) {
      const local = this.#own.get(remote.profile)
      if (local !== undefined && local.tag === remote.tag) return { local, remote }
    }
    return undefined
  }

  /** Whether the audio of this line may flow with these keys, or without any. */
  allows({ protocol }: MediaDescription, keys: SrtpKeys | undefined): boolean {
    if (SECURE.includes(protocol)) return keys !== undefined
    return PLAIN.includes(protocol) && (keys !== undefined || this.#encryption !== 'required')
  }

  #keyOf(profile: SrtpProfile, tag: number): SdesKey {
    const known = this.#own.get(profile)
    const key = known === undefined ? createSdesKey(tag, profile) : { ...known, tag }
    this.#own.set(profile, key)
    return key
  }
}

/** Those of the line's keys that can be used, in its order. */
function keysOf(media: MediaDescription): SdesKey[] {
  return media.attributes
    .filter(({ name }) => name === 'crypto')
    .map(({ value }) => parseSdesKey(value))
    .filter((key) => key !== undefined)
}
