import { SRTP_PROFILES, type SrtpKey, type SrtpProfile } from './srtp-profile.ts'

/** A line `a=crypto` of SDP (RFC 4568): the key that its writer sends with. */
export interface SdesKey extends SrtpKey {
  /** Which line of the offer an answer takes up. */
  readonly tag: number
  /** So many packets may be protected with it, where a bound is given. */
  readonly lifetimePackets?: number
}

/** The value of an attribute `crypto`: tag, suite, `inline:` key, and what else may follow. */
const ATTRIBUTE =
  /^(\d{1,9}) +([A-Za-z0-9_]+) +inline:([A-Za-z0-9+/]+={0,2})(\|[^ ;]*)?((?: +[^ ;]+)*) *$/
/** After the key: `|lifetime`, `|identifier:length of it`, either or both. */
const BOUNDS = /^(?:\|(?:2\^(\d{1,2})|(\d{1,15})))?(?:\|\d{1,40}:(\d{1,3}))?$/
/** RFC 4568 §6.3: hints, and defaults in so many words. What begins with `-` may be passed over. */
const HARMLESS_PARAMETER = /^(?:WSH=\d+|KDR=0|-.*|)$/
/** RFC 3711 §9.2: a key protects no more packets. */
const MAX_LIFETIME = 2 ** 48
const MAX_IDENTIFIER_BYTES = 128

/**
 * Parses the value of an attribute `crypto` (what follows `a=crypto:`). `undefined` for what is
 * malformed and for what we do not do, so that the next line may be looked at: other suites,
 * several keys, parameters that switch encryption or authentication off.
 */
export function parseSdesKey(value: string): SdesKey | undefined {
  const match = ATTRIBUTE.exec(value.trim())
  if (match === null) return undefined
  const [, tag = '', suite = '', inline = '', bounds = '', parameters = ''] = match
  const profile = profileNamed(suite)
  const isHarmless = parameters.split(' ').every((each) => HARMLESS_PARAMETER.test(each))
  if (profile === undefined || !isHarmless) return undefined
  const bound = parseBounds(bounds)
  if (bound === undefined) return undefined
  const { keyBytes, saltBytes } = SRTP_PROFILES[profile]
  const secret = Buffer.from(inline, 'base64')
  if (secret.length !== keyBytes + saltBytes) return undefined
  return {
    tag: Number(tag),
    profile,
    masterKey: new Uint8Array(secret.subarray(0, keyBytes)),
    masterSalt: new Uint8Array(secret.subarray(keyBytes)),
    ...bound,
  }
}

/** The value of an attribute `crypto`; without a lifetime, which is then the longest. */
export function formatSdesKey({ tag, profile, masterKey, masterSalt }: SdesKey): string {
  const secret = Buffer.concat([masterKey, masterSalt]).toString('base64')
  return `${tag} ${profile} inline:${secret}`
}

/** A key of random bytes. */
export function createSdesKey(tag: number, profile: SrtpProfile): SdesKey {
  const { keyBytes, saltBytes } = SRTP_PROFILES[profile]
  return {
    tag,
    profile,
    masterKey: crypto.getRandomValues(new Uint8Array(keyBytes)),
    masterSalt: crypto.getRandomValues(new Uint8Array(saltBytes)),
  }
}

function profileNamed(suite: string): SrtpProfile | undefined {
  const profiles = Object.keys(SRTP_PROFILES) as SrtpProfile[]
  return profiles.find((profile) => profile === suite)
}

/** `undefined` for what is malformed or makes no sense. */
function parseBounds(
  text: string,
): Pick<SdesKey, 'lifetimePackets' | 'keyIdentifierBytes'> | undefined {
  const match = BOUNDS.exec(text)
  if (match === null) return undefined
  const [, exponent, digits, identifierBytes] = match
  const lifetimePackets = exponent === undefined ? Number(digits ?? 1) : 2 ** Number(exponent)
  const keyIdentifierBytes = Number(identifierBytes ?? 1)
  const isLifetime = lifetimePackets >= 1 && lifetimePackets <= MAX_LIFETIME
  const isIdentifier = keyIdentifierBytes >= 1 && keyIdentifierBytes <= MAX_IDENTIFIER_BYTES
  if (!isLifetime || !isIdentifier) return undefined
  return {
    ...(exponent === undefined && digits === undefined ? {} : { lifetimePackets }),
    ...(identifierBytes === undefined ? {} : { keyIdentifierBytes }),
  }
}
