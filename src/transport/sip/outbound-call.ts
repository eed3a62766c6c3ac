import type { Core } from 'sip.js'
import { type CustomHeaders, formatCustomHeaders } from './custom-headers.ts'
import { engineUri, type SipEngine, sdpOf } from './engine/sip-engine.ts'
import { METHODS } from './message/check-request.ts'
import type { SipCredentials } from './message/digest.ts'
import { routeThrough } from './message/sip-uri.ts'
import { intervalOfResponse, timerRequestHeaders } from './session-timer.ts'
import type {
  EstablishedCall,
  HangupOptions,
  OutboundHandlers,
  ReferOptions,
  SipCallEnd,
} from './sip-call.ts'
import type { SipContext } from './sip-context.ts'
import { SipDialog } from './sip-dialog.ts'
import { SipError } from './sip-error.ts'
import type { SipMedia } from './sip-media.ts'
import type { SipAddress } from './wire/sip-address.ts'

export interface InviteOptions {
  /** URIs: `sip:alice@example.com`, `tel:+4930123`. */
  readonly from: string
  readonly to: string
  readonly displayName?: string
  readonly credentials?: SipCredentials
  /** Headers to be added to the INVITE. */
  readonly headers?: CustomHeaders
  /** URI of the outbound proxy, which gets the INVITE in place of the host of `to`. */
  readonly proxy?: string
  /** Default: a random one. */
  readonly callId?: string
  readonly media: SipMedia
  /** How long the far end may be silent before either refreshes (RFC 4028); default 1,800 s. */
  readonly sessionSeconds?: number
  /** How long it may ring; default 180 s. */
  readonly ringTimeoutMs?: number
}

const RING_TIMEOUT_MS = 180_000

/**
 * A call of ours.
 *
 *     resolving ──► calling ──► answered ──► ended
 *         └────────────┴──────────────────────▲
 *
 * The application's call ends at once when it hangs up; what the protocol still has to do (CANCEL
 * and its answers, a 200 that has crossed it) goes on behind it until `settled`.
 */
export class OutboundCall implements EstablishedCall {
  readonly callId: string
  readonly #context: SipContext
  readonly #options: InviteOptions
  readonly #handlers: OutboundHandlers
  readonly #headers: readonly string[]
  #invite: Core.OutgoingInviteRequest | undefined
  #engine: SipEngine | undefined
  #targets: readonly SipAddress[] = []
  #fromTag = ''
  #cseq = 0
  #minSessionSeconds = 0
  #dialog: SipDialog | undefined
  /** The answer that the media has last been given. */
  #answer: string | undefined
  #isEnded = false
  #hasResponse = false
  #watchdog: ReturnType<typeof setTimeout> | undefined

  /** Throws `bad_uri` and `bad_header`. */
  constructor(context: SipContext, options: InviteOptions, handlers: OutboundHandlers) {
    for (const uri of [options.from, options.to]) {
      if (engineUri(uri) === undefined) throw new SipError('bad_uri', `not a SIP URI: ${uri}`)
    }
    this.#context = context
    this.#options = options
    this.#handlers = handlers
    this.#headers = formatCustomHeaders(options.headers)
    this.callId = options.callId ?? crypto.randomUUID()
    if (!/^[A-Za-z0-9.!%*_+`'~()<>:\\"/[\]?{}@-]{1,255}$/.test(this.callId)) {
      throw new SipError('bad_header', 'the id of the call cannot be a Call-ID')
    }
    if (options.proxy !== undefined) routeThrough(options.proxy)
    if (options.credentials !== undefined) {
      context.credentials.set(this.callId, options.credentials)
    }
    context.calls.add(this)
    this.#watch(options.ringTimeoutMs ?? RING_TIMEOUT_MS, () => this.#giveUp())
  }

  /** Finds out where to call, and calls. Whatever goes wrong is told by `onEnded`. */
  async start(): Promise<void> {
    try {
      const found = await this.#context.resolve(this.#options.proxy ?? this.#options.to)
      this.#targets = found.filter(({ protocol }) => this.#context.engines.has(protocol))
      if (!this.#isEnded) this.#callNext()
    } catch (error) {
      this.#fail(error)
    }
  }

  hangup({ headers = {}, reason }: HangupOptions = {}): void {
    if (this.#isEnded) return
    if (this.#dialog === undefined) this.#cancel({ by: 'local', reason: reason ?? 'canceled' })
    else this.#dialog.hangup({ headers, ...(reason !== undefined && { reason }) })
  }

  async reoffer(): Promise<void> {
    await this.#answered().reoffer()
  }

  async sendDtmf(digit: string, durationMs: number): Promise<void> {
    await this.#answered().sendDtmf(digit, durationMs)
  }

  async refer(target: string, options?: ReferOptions): Promise<number | undefined> {
    const dialog = this.#answered()
    return dialog.refer(target, options)
  }

  #answered(): SipDialog {
    if (this.#dialog === undefined) throw new SipError('wrong_state', 'the call is not answered')
    return this.#dialog
  }

  /** Calls the next address of the far end (RFC 3263 §4.3). */
  #callNext(): void {
    const [target, ...rest] = this.#targets
    this.#targets = rest
    const engine = target && this.#context.engines.get(target.protocol)
    if (target === undefined || engine === undefined) {
      this.#fail(new SipError('unreachable', 'the far end has no address that is open here'))
      return
    }
    this.#engine = engine
    this.#hasResponse = false
    try {
      this.#send(engine, target)
    } catch (error) {
      this.#fail(error)
    }
  }

  #send(engine: SipEngine, target: SipAddress): void {
    const { from, to, displayName, media, proxy } = this.#options
    const [fromUri, toUri] = [engineUri(from), engineUri(to)]
    if (fromUri === undefined || toUri === undefined) return
    this.#context.paths.deleteOutbound(this.callId, this.#fromTag)
    this.#fromTag = crypto.randomUUID().slice(0, 13)
    this.#cseq += 1
    const message = engine.createRequest('INVITE', {
      uri: toUri,
      from: fromUri,
      to: toUri,
      callId: this.callId,
      fromTag: this.#fromTag,
      cseq: this.#cseq,
      headers: [
        `Contact: ${this.#contact(engine)}`,
        `Allow: ${METHODS.join(', ')}`,
        ...timerRequestHeaders(undefined, {
          seconds: this.#options.sessionSeconds,
          minSeconds: this.#minSessionSeconds,
        }),
        ...this.#headers,
      ],
      body: media.createOffer(),
      ...(displayName !== undefined && { fromName: displayName.replace(/["\\\r\n]/g, '') }),
      ...(proxy !== undefined && { routes: [routeThrough(proxy)] }),
    })
    const path = { nextHop: target }
    this.#context.paths.setOutbound(this.callId, this.#fromTag, path)
    this.#invite = engine.core.invite(message, {
      onTrying: () => {
        this.#hasResponse = true
      },
      onProgress: (response) => this.#progress(response),
      onAccept: (response) => this.#accept(response),
      onRedirect: ({ message: response }) => this.#reject(response),
      onReject: ({ message: response }) => this.#reject(response),
    })
  }

  #contact(engine: SipEngine): string {
    return engine.contact(engineUri(this.#options.from)?.user || undefined)
  }

  #progress({ message, prack }: Core.PrackableIncomingResponseWithSession): void {
    this.#hasResponse = true
    // RFC 3262 §4: what has come reliably is acknowledged, whatever becomes of it.
    const isReliable = /\b100rel\b/i.test(message.getHeader('require') ?? '')
    if (isReliable && message.hasHeader('rseq')) {
      prack({ extraHeaders: [`RAck: ${message.getHeader('rseq')} ${message.cseq} INVITE`] })
    }
    if (this.#isEnded || this.#dialog !== undefined) return
    const sdp = sdpOf(message)
    const hasEarlyMedia = sdp !== undefined && this.#takeEarlyAnswer(sdp)
    const { statusCode: code = 180, reasonPhrase: reason = '' } = message
    this.#handlers.onProvisional?.({ code, reason, hasEarlyMedia })
  }

  /** A 183 with SDP that cannot be used is a 183 without: the answer is still to come. */
  #takeEarlyAnswer(sdp: string): boolean {
    try {
      this.#takeAnswer(sdp)
      return true
    } catch {
      return false
    }
  }

  #takeAnswer(sdp: string): void {
    if (sdp === this.#answer) return
    this.#options.media.acceptAnswer(sdp)
    this.#answer = sdp
  }

  #accept({ message, session, ack }: Core.AckableIncomingResponseWithSession): void {
    ack()
    const sdp = sdpOf(message) ?? this.#answer
    // A second fork has answered (RFC 3261 §13.2.2.4), or ours has crossed our CANCEL.
    if (this.#isEnded || this.#dialog !== undefined) {
      const done = (): void => {
        if (this.#dialog === undefined) this.#settle()
      }
      session.bye({ onAccept: done, onReject: done, onRedirect: done })
      return
    }
    clearTimeout(this.#watchdog)
    const engine = this.#engine
    try {
      if (sdp === undefined || engine === undefined)
        throw new SipError('bad_sdp', 'a 200 without SDP')
      this.#takeAnswer(sdp)
      this.#establish(session, engine, message)
    } catch (error) {
      session.bye({})
      this.#fail(error)
      return
    }
    this.#handlers.onAnswered?.({ sdp })
  }

  #establish(
    session: Core.Session,
    engine: SipEngine,
    message: Core.IncomingResponseMessage,
  ): void {
    this.#dialog = new SipDialog({
      session,
      contact: this.#contact(engine),
      media: this.#options.media,
      handlers: { ...this.#handlers, onEnded: (end) => this.#end(end) },
      isOutbound: true,
      interval: intervalOfResponse(message.getHeader('session-expires')),
      isAnswerInAck: false,
      onGone: () => {
        this.#context.dialogs.delete(session.id)
        this.#settle()
      },
    })
    this.#context.dialogs.set(session.id, this.#dialog)
  }

  #reject(message: Core.IncomingResponseMessage): void {
    if (this.#isEnded) {
      this.#settle()
      return
    }
    const { statusCode: code = 500, reasonPhrase: reason = '' } = message
    if (code === 422 && this.#retryInterval(message)) return
    const isUnreachable = code === 503 || (code === 408 && !this.#hasResponse)
    if (isUnreachable && this.#targets.length > 0) {
      this.#callNext()
      return
    }
    const isRemote = message.headers !== undefined && message.hasHeader('via')
    const cause = causeOf(message) ?? (isRemote ? undefined : 'the far end does not answer')
    const contacts = code < 400 ? message.getHeaders('contact').map(bareUri) : []
    this.#handlers.onRejected?.({ code, reason, cause, contacts })
    this.#end({
      by: isRemote ? 'remote' : 'fault',
      reason: wordOf(code, isRemote),
      code,
      ...(cause !== undefined && { cause }),
    })
    this.#settle()
  }

  /** RFC 4028 §7.4: once more, with the interval that the far end wants. */
  #retryInterval(message: Core.IncomingResponseMessage): boolean {
    const seconds = Number.parseInt(message.getHeader('min-se') ?? '', 10)
    const target = this.#context.paths.find(this.callId, this.#fromTag, '')?.nextHop
    if (Number.isNaN(seconds) || seconds <= this.#minSessionSeconds || seconds > 86_400)
      return false
    if (target === undefined || this.#engine === undefined) return false
    this.#minSessionSeconds = seconds
    this.#send(this.#engine, target)
    return true
  }

  #giveUp(): void {
    const cause = this.#hasResponse ? 'it rang too long' : 'the far end does not answer'
    this.#handlers.onRejected?.({ code: 408, reason: 'Request Timeout', cause, contacts: [] })
    this.#cancel({ by: 'local', reason: 'no_answer', code: 408, cause })
  }

  #cancel(end: SipCallEnd): void {
    // A challenge is not answered any more.
    this.#context.credentials.delete(this.callId)
    this.#end(end)
    if (this.#invite === undefined) {
      this.#settle()
      return
    }
    this.#invite.cancel()
    // Some answer CANCEL with 200 and the INVITE never; nothing in the engine would end that.
    this.#watch(this.#context.cancelTimeoutMs, () => {
      if (this.#invite !== undefined) this.#engine?.forgetUnanswered(this.#invite)
      this.#settle()
    })
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return
    const cause = error instanceof Error ? error.message : String(error)
    const isSdp =
      error instanceof SipError && (error.code === 'bad_sdp' || error.code === 'no_common_codec')
    const reason = isSdp ? 'bad_sdp' : 'unreachable'
    const code = isSdp ? 488 : 503
    this.#handlers.onRejected?.({ code, reason: cause, cause, contacts: [] })
    this.#end({ by: 'fault', reason, code, cause })
    this.#settle()
  }

  #end(end: SipCallEnd): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#watchdog)
    this.#handlers.onEnded(end)
  }

  /** Lets go of everything; only the finished transactions live on for their last timers. */
  #settle(): void {
    clearTimeout(this.#watchdog)
    this.#context.credentials.delete(this.callId)
    this.#context.paths.deleteOutbound(this.callId, this.#fromTag)
    this.#context.calls.delete(this)
    this.#invite = undefined
  }

  #watch(ms: number, onTime: () => void): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(onTime, ms)
  }
}

function wordOf(code: number, isRemote: boolean): string {
  if (!isRemote) return 'unreachable'
  if (code === 486 || code === 600) return 'busy'
  return code === 480 || code === 408 ? 'no_answer' : 'rejected'
}

function bareUri(contact: string): string {
  return /<([^>]+)>/.exec(contact)?.[1] ?? contact.replace(/;.*$/, '')
}

/** What a person may learn from: Reason (RFC 3326) and Warning (RFC 3261 §20.43). */
function causeOf(message: Core.IncomingResponseMessage): string | undefined {
  const causes = [message.getHeader('reason'), message.getHeader('warning')]
  return causes.find((cause) => cause !== undefined)
}
