/** Who we are to a proxy or registrar that asks. */
export interface SipCredentials {
  readonly username: string
  readonly password: string
  /** Answer challenges of this realm only; absent: of any. */
  readonly realm?: string
}

/** The challenge of a 401 or 407 (RFC 7616 §3.3). */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque?: string | undefined
  /** `MD5` (also when absent) or `SHA-256`, in any case. */
  readonly algorithm?: string | undefined
  /** Whether `qop` offers `auth`; without any, the form of RFC 2069 is used. */
  readonly hasAuthQop: boolean
}

/** What is to be done, as it stands in the request line. */
export interface DigestRequest {
  readonly method: string
  readonly uri: string
}

/**
 * The value of the Authorization header that answers `challenge` (RFC 7616 §3.4, RFC 8760 for
 * SHA-256); undefined when the algorithm is neither MD5 nor SHA-256, or the realm is not ours.
 */
export function answerChallenge(
  { method, uri }: DigestRequest,
  challenge: DigestChallenge,
  { username, password, realm: ownRealm }: SipCredentials,
): string | undefined {
  const { realm, nonce, opaque, hasAuthQop } = challenge
  const algorithm = (challenge.algorithm ?? 'MD5').toUpperCase()
  if (algorithm !== 'MD5' && algorithm !== 'SHA-256') return undefined
  if (ownRealm !== undefined && ownRealm !== realm) return undefined
  const hash = (text: string): string =>
    new Bun.CryptoHasher(algorithm === 'MD5' ? 'md5' : 'sha256').update(text).digest('hex')
  const secret = hash(`${username}:${realm}:${password}`)
  const request = hash(`${method}:${uri}`)
  const cnonce = crypto.randomUUID().replaceAll('-', '')
  // Each request gets credentials of its own, so a nonce is never used twice with one of ours.
  const count = '00000001'
  const response = hasAuthQop
    ? hash(`${secret}:${nonce}:${count}:${cnonce}:auth:${request}`)
    : hash(`${secret}:${nonce}:${request}`)
  const fields = [
    `Digest username="${quotable(username)}"`,
    `realm="${quotable(realm)}"`,
    `nonce="${quotable(nonce)}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
  ]
  if (opaque !== undefined) fields.push(`opaque="${quotable(opaque)}"`)
  if (hasAuthQop) fields.push('qop=auth', `nc=${count}`, `cnonce="${cnonce}"`)
  return fields.join(', ')
}

/** RFC 3261 §25.1: a quoted string escapes its quotes and backslashes. */
function quotable(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}
