import { Core } from 'sip.js'
import { answerChallenge, type SipCredentials } from '../message/digest.ts'

/** Credentials by the Call-ID of the request that is challenged. */
export type FindCredentials = (callId: string) => SipCredentials | undefined

/** What sip.js has made of a challenge. */
interface ParsedChallenge {
  readonly realm?: string
  readonly nonce?: string
  readonly opaque?: string
  readonly algorithm?: string
  readonly qop?: readonly string[]
}

/**
 * sip.js has one pair of credentials for everything and knows MD5 only; this looks them up by call,
 * and knows SHA-256.
 */
export class CallDigest extends Core.DigestAuthentication {
  readonly #find: FindCredentials
  #header = ''

  constructor(loggers: Core.LoggerFactory, find: FindCredentials) {
    super(loggers, undefined, undefined, undefined)
    this.#find = find
  }

  override authenticate(request: Core.OutgoingRequestMessage, challenge: Core.URI): boolean {
    const { realm, nonce, opaque, algorithm, qop } = challenge as unknown as ParsedChallenge
    const credentials = this.#find(request.callId)
    if (credentials === undefined || realm === undefined || nonce === undefined) return false
    const hasAuthQop = qop?.includes('auth') ?? false
    if (qop !== undefined && !hasAuthQop) return false
    const answer = answerChallenge(
      { method: request.method, uri: request.ruri.toRaw() },
      { realm, nonce, opaque, algorithm, hasAuthQop },
      credentials,
    )
    this.#header = answer ?? ''
    return answer !== undefined
  }

  override toString(): string {
    return this.#header
  }
}
