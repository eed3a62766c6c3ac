import type { Core } from 'sip.js'
import { engineUri } from './engine/sip-engine.ts'
import type { SipCredentials } from './message/digest.ts'
import { routeThrough } from './message/sip-uri.ts'
import type { SipContext } from './sip-context.ts'
import { SipError } from './sip-error.ts'
import type { SipAddress } from './wire/sip-address.ts'

export interface RegistrationOptions {
  /** URI of the registrar: `sip:pbx.example.com`, `sip:pbx.example.com;transport=tcp`. */
  readonly registrar: string
  /** The address that is registered: `sip:alice@example.com`. */
  readonly address: string
  readonly credentials: SipCredentials
  /** URI of the outbound proxy, where there is one. */
  readonly proxy?: string
  /** What is asked for; default 600 s. The registrar decides. */
  readonly expiresSeconds?: number
  readonly onChange?: (state: RegistrationState) => void
}

export interface RegistrationState {
  readonly status: 'registering' | 'registered' | 'failed' | 'unregistered'
  /** Epoch milliseconds: until when the registrar sends us calls. */
  readonly expiresAt?: number
  /** The last failure. */
  readonly code?: number
  readonly reason?: string
}

/** RFC 5626 §4.4.2: NAT forgets silent datagrams within half a minute. */
const KEEP_ALIVE_MS = 25_000
/** RFC 5626 §4.5: the waits after 1, 2, 3 … failures; each between half of it and all of it. */
const FIRST_RETRY_MS = 30_000
const LAST_RETRY_MS = 1_800_000

/**
 * Keeps one address registered (RFC 3261 §10): asks, asks again before it expires, and waits ever
 * longer between failures, so that a registrar that comes back is not run over.
 */
export class Registration {
  readonly #context: SipContext
  readonly #options: RegistrationOptions
  readonly #onClosed: () => void
  readonly #callId = crypto.randomUUID()
  #state: RegistrationState = { status: 'unregistered' }
  #cseq = 0
  #fromTag = ''
  #failures = 0
  #minExpires = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #keepAlive: ReturnType<typeof setInterval> | undefined
  #isClosed = false

  /** Throws `bad_uri`. */
  constructor(context: SipContext, options: RegistrationOptions, onClosed: () => void) {
    for (const uri of [options.registrar, options.address]) {
      if (engineUri(uri) === undefined) throw new SipError('bad_uri', `not a SIP URI: ${uri}`)
    }
    if (options.proxy !== undefined) routeThrough(options.proxy)
    this.#context = context
    this.#options = options
    this.#onClosed = onClosed
    context.credentials.set(this.#callId, options.credentials)
  }

  get state(): RegistrationState {
    return this.#state
  }

  start(): void {
    this.#change({ status: 'registering' })
    this.#ask(Math.max(this.#options.expiresSeconds ?? 600, this.#minExpires)).catch((error) =>
      this.#failed(503, error instanceof Error ? error.message : String(error)),
    )
  }

  /** Takes the registration back; resolves when the registrar has answered, or cannot be asked. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    clearInterval(this.#keepAlive)
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#state.status === 'registered') {
      await this.#ask(0).catch(() => undefined)
    }
    this.#context.credentials.delete(this.#callId)
    this.#context.paths.deleteOutbound(this.#callId, this.#fromTag)
    this.#change({ status: 'unregistered' })
    this.#onClosed()
  }

  /** Sends one REGISTER and resolves when its answer has been dealt with. */
  async #ask(expires: number): Promise<void> {
    const { registrar, address, proxy } = this.#options
    const [target] = await this.#context.resolve(proxy ?? registrar)
    const engine = target && this.#context.engines.get(target.protocol)
    const [uri, aor] = [engineUri(registrar), engineUri(address)]
    if (target === undefined || engine === undefined || uri === undefined || aor === undefined) {
      throw new SipError('unreachable', `${registrar} cannot be reached from here`)
    }
    this.#cseq += 1
    this.#context.paths.deleteOutbound(this.#callId, this.#fromTag)
    this.#fromTag = crypto.randomUUID().slice(0, 13)
    const path = { nextHop: target }
    this.#context.paths.setOutbound(this.#callId, this.#fromTag, path)
    const contact = engine.contact(aor.user || undefined)
    const message = engine.createRequest('REGISTER', {
      uri,
      from: aor,
      to: aor,
      callId: this.#callId,
      fromTag: this.#fromTag,
      cseq: this.#cseq,
      headers: [`Contact: ${contact};expires=${expires}`, `Expires: ${expires}`],
      ...(proxy !== undefined && { routes: [routeThrough(proxy)] }),
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    const refuse = ({ message: response }: Core.IncomingResponse): void => {
      this.#cseq = message.cseq
      this.#refused(response)
      resolve()
    }
    engine.core.register(message, {
      onAccept: ({ message: response }) => {
        this.#cseq = message.cseq
        this.#accepted(response, contact, expires)
        if (!this.#isClosed) this.#keepOpen(target)
        resolve()
      },
      onReject: refuse,
      onRedirect: refuse,
    })
    await promise
  }

  #accepted(response: Core.IncomingResponseMessage, contact: string, asked: number): void {
    if (this.#isClosed) return
    this.#failures = 0
    const seconds = grantedSeconds(response, contact) ?? asked
    if (seconds === 0) {
      this.#failed(500, 'the registrar has not kept the registration')
      return
    }
    this.#change({ status: 'registered', expiresAt: Date.now() + seconds * 1_000 })
    // Early enough for a few lost answers, late enough not to be a burden.
    this.#wait(seconds * 1_000 * (seconds > 120 ? 0.8 : 0.5))
  }

  /** Calls come by the binding that the REGISTER has made in a NAT on the way. */
  #keepOpen(target: SipAddress): void {
    clearInterval(this.#keepAlive)
    this.#keepAlive = setInterval(() => this.#context.keepAlive(target), KEEP_ALIVE_MS)
  }

  #refused(response: Core.IncomingResponseMessage): void {
    if (this.#isClosed) return
    const { statusCode = 500, reasonPhrase = '' } = response
    const minExpires = Number.parseInt(response.getHeader('min-expires') ?? '', 10)
    // RFC 3261 §10.3: too short for it.
    if (statusCode === 423 && minExpires > this.#minExpires && minExpires <= 86_400) {
      this.#minExpires = minExpires
      this.start()
      return
    }
    const retryAfter = Number.parseInt(response.getHeader('retry-after') ?? '', 10)
    this.#failed(statusCode, reasonPhrase, Number.isNaN(retryAfter) ? 0 : retryAfter * 1_000)
  }

  #failed(code: number, reason: string, atLeastMs = 0): void {
    if (this.#isClosed) return
    const fullMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS)
    this.#failures += 1
    clearInterval(this.#keepAlive)
    this.#change({ status: 'failed', code, reason })
    this.#wait(Math.max(fullMs * (0.5 + Math.random() / 2), Math.min(atLeastMs, LAST_RETRY_MS)))
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.start(), ms)
  }

  #change(state: RegistrationState): void {
    // A refresh under way does not make the registration less valid.
    const isRefresh = state.status === 'registering' && this.#state.status === 'registered'
    if (isRefresh) return
    this.#state = state
    this.#options.onChange?.(state)
  }
}

/** RFC 3261 §10.2.4: the expiry stands with our Contact among all of the address, or by itself. */
function grantedSeconds(
  response: Core.IncomingResponseMessage,
  contact: string,
): number | undefined {
  // Without its parameters, whose order a registrar may change.
  const uri = contact.slice(1).replace(/[;>].*$/, '')
  const contacts = response.getHeaders('contact')
  const ours = contacts.find((entry) => entry.includes(uri))
  const text =
    /;\s*expires\s*=\s*"?(\d{1,9})/i.exec(ours ?? '')?.[1] ?? response.getHeader('expires')
  const seconds = Number.parseInt(text ?? '', 10)
  return Number.isNaN(seconds) ? undefined : seconds
}
