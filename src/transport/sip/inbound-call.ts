import type { Core } from 'sip.js'
import { type CustomHeaders, formatCustomHeaders } from './custom-headers.ts'
import { type SipEngine, sdpBody, sdpOf } from './engine/sip-engine.ts'
import { responseAddress } from './message/via.ts'
import { ReliableProvisional } from './reliable-provisional.ts'
import { intervalOfRequest, timerResponseHeaders } from './session-timer.ts'
import type {
  EstablishedCall,
  HangupOptions,
  InboundDescription,
  ReferOptions,
  SipCallEnd,
  SipCallHandlers,
} from './sip-call.ts'
import type { SipContext } from './sip-context.ts'
import { SipDialog } from './sip-dialog.ts'
import { SipError } from './sip-error.ts'
import type { SipMedia } from './sip-media.ts'
import type { SipAddress } from './wire/sip-address.ts'

/** Nobody lets a caller hear ringing for longer; the application decides far sooner. */
const DECISION_TIMEOUT_MS = 180_000

const UNKNOWN_SOURCE: SipAddress = { protocol: 'UDP', host: '0.0.0.0', port: 0 }

export interface RingOptions {
  readonly code?: 180 | 183
  /** With it, early media is agreed on; passed over where the far end has made no offer. */
  readonly media?: SipMedia
  readonly headers?: CustomHeaders
}

export interface RejectOptions {
  readonly code: number
  readonly reason?: string
  readonly headers?: CustomHeaders
  /** URIs of a 3xx: where the caller may try instead. */
  readonly contacts?: readonly string[]
}

/**
 * A call to us.
 *
 *     offered ──► ringing ──► answered ──► ended
 *        └───────────┴────────────────────▲
 */
export class InboundCall implements EstablishedCall {
  readonly description: InboundDescription
  readonly #context: SipContext
  readonly #engine: SipEngine
  readonly #request: Core.IncomingInviteRequest
  readonly #deadline: ReturnType<typeof setTimeout>
  #handlers: SipCallHandlers | undefined
  #media: SipMedia | undefined
  /** Our answer, once it has been made: a 183 and the 200 carry the same. */
  #answer: string | undefined
  #reliable: ReliableProvisional | undefined
  #rseq = Math.floor(Math.random() * 1_000_000)
  #dialog: SipDialog | undefined
  #isEnded = false

  constructor(context: SipContext, engine: SipEngine, request: Core.IncomingInviteRequest) {
    this.#context = context
    this.#engine = engine
    this.#request = request
    // The router has stamped it into the topmost Via.
    const source = responseAddress(request.message.getHeader('via') ?? '')
    this.description = describe(request.message, source ?? UNKNOWN_SOURCE)
    const { callId, fromTag } = request.message
    context.paths.setInbound(callId, fromTag, source === undefined ? {} : { source })
    context.calls.add(this)
    request.delegate = { onCancel: () => this.#canceled() }
    this.#deadline = setTimeout(() => this.#decline('no_answer', 408, {}), DECISION_TIMEOUT_MS)
    request.trying()
  }

  /** Who is told what becomes of the call. To be called once, before anything else. */
  attach(handlers: SipCallHandlers): void {
    this.#handlers = handlers
  }

  /** Tells the caller that it rings (180), or lets it hear something before the answer (183). */
  ring({ code = 180, media, headers: custom }: RingOptions = {}): void {
    this.#mustBeOpen()
    const headers = formatCustomHeaders(custom)
    // RFC 3261 §13.2.1: without an offer, ours comes with the 200 at the earliest.
    const hasSdp = media !== undefined && this.description.offer !== undefined
    const body = hasSdp ? this.#answerOf(media) : undefined
    if (!/\b100rel\b/i.test(this.#request.message.getHeader('require') ?? '')) {
      this.#progress(code, headers, body)
      return
    }
    // RFC 3262 §3: one at a time.
    if (this.#reliable?.isWaiting) return
    this.#rseq += 1
    const reliably = ['Require: 100rel', `RSeq: ${this.#rseq}`]
    this.#reliable = new ReliableProvisional({
      rseq: this.#rseq,
      send: () => this.#progress(code, [...reliably, ...headers], body),
      onTimeout: () => this.#decline('no_ack', 504, {}),
    })
  }

  /**
   * Answers. The media answers the offer, or makes one where there is none. Throws `bad_sdp` and
   * `no_common_codec` when it cannot, and the call is still to be decided.
   */
  accept(media: SipMedia, options: { readonly headers?: CustomHeaders } = {}): void {
    this.#mustBeOpen()
    const headers = formatCustomHeaders(options.headers)
    if (this.#handlers === undefined) throw new SipError('wrong_state', 'nobody is attached')
    const answer = this.#answerOf(media)
    // RFC 3262 §5: what a reliable 183 has agreed on must have arrived first.
    if (this.#reliable?.isWaiting) this.#reliable.onAcknowledged = () => this.#open(answer, headers)
    else this.#open(answer, headers)
  }

  /** Refuses, with any status from 300 to 699. Harmless when it is too late. */
  reject({ code, reason, headers, contacts = [] }: RejectOptions): void {
    if (this.#isEnded || this.#dialog !== undefined) return
    const more = contacts.map((uri) => `Contact: <${uri.replace(/[<>\r\n]/g, '')}>`)
    this.#refuse(code, reason, [...more, ...formatCustomHeaders(headers)])
    this.#end({ by: 'local', reason: 'rejected', code })
    this.#settle()
  }

  hangup({ headers = {}, reason }: HangupOptions = {}): void {
    if (this.#dialog === undefined) this.#decline(reason ?? 'rejected', 603, headers)
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

  #decline(reason: string, code: number, headers: CustomHeaders): void {
    if (this.#isEnded || this.#dialog !== undefined) return
    this.#refuse(code, undefined, formatCustomHeaders(headers))
    this.#end({ by: 'local', reason, code })
    this.#settle()
  }

  #answered(): SipDialog {
    if (this.#dialog === undefined) throw new SipError('wrong_state', 'the call is not answered')
    return this.#dialog
  }

  #mustBeOpen(): void {
    if (this.#isEnded || this.#dialog !== undefined) {
      throw new SipError('wrong_state', 'the call has been decided already')
    }
  }

  #answerOf(media: SipMedia): string {
    this.#media = media
    const { offer } = this.description
    this.#answer ??= offer === undefined ? media.createOffer() : media.answerOffer(offer)
    return this.#answer
  }

  #progress(statusCode: number, headers: readonly string[], sdp: string | undefined): Core.Session {
    const body = sdp === undefined ? {} : { body: sdpBody(sdp) }
    const { session } = this.#request.progress({ statusCode, extraHeaders: [...headers], ...body })
    session.delegate = {
      onPrack: (request) => {
        request.accept()
        this.#reliable?.acknowledge(request.message.getHeader('rack') ?? '')
      },
      // RFC 3261 §15: a caller may end an early dialog by BYE as well.
      onBye: (request) => {
        request.accept()
        this.#canceled()
      },
    }
    return session
  }

  #open(answer: string, headers: readonly string[]): void {
    if (this.#isEnded || this.#media === undefined || this.#handlers === undefined) return
    const { message } = this.#request
    const sessionExpires = message.getHeader('session-expires')
    const interval = intervalOfRequest({
      sessionExpires,
      supported: message.getHeader('supported'),
    })
    const extraHeaders = [...timerResponseHeaders(interval), ...headers]
    const body = sdpBody(answer)
    const session = this.#answer200({ statusCode: 200, extraHeaders, body })
    clearTimeout(this.#deadline)
    this.#dialog = new SipDialog({
      session,
      contact: this.#engine.contact(),
      media: this.#media,
      handlers: { ...this.#handlers, onEnded: (end) => this.#end(end) },
      isOutbound: false,
      interval,
      isAnswerInAck: this.description.offer === undefined,
      onGone: () => {
        this.#context.dialogs.delete(session.id)
        this.#settle()
      },
    })
    this.#context.dialogs.set(session.id, this.#dialog)
  }

  #answer200(options: Core.ResponseOptions): Core.Session {
    try {
      return this.#request.accept(options).session
    } catch (cause) {
      throw new SipError('wrong_state', 'the call can no longer be answered', { cause })
    }
  }

  #canceled(): void {
    if (this.#isEnded || this.#dialog !== undefined) return
    this.#refuse(487, 'Request Terminated', [])
    this.#end({ by: 'remote', reason: 'canceled', code: 487 })
    this.#settle()
  }

  #refuse(statusCode: number, reasonPhrase: string | undefined, headers: readonly string[]): void {
    const extraHeaders = [...headers]
    const reason = reasonPhrase === undefined ? {} : { reasonPhrase: oneLine(reasonPhrase) }
    if (statusCode < 400) this.#request.redirect([], { statusCode, extraHeaders, ...reason })
    else this.#request.reject({ statusCode, extraHeaders, ...reason })
  }

  #end(end: SipCallEnd): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#deadline)
    this.#reliable?.close()
    this.#handlers?.onEnded(end)
  }

  #settle(): void {
    const { callId, fromTag } = this.#request.message
    this.#context.paths.deleteInbound(callId, fromTag)
    this.#context.calls.delete(this)
  }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

/** `call-id: x` as people know it: `Call-ID: x`. */
function withUsualName(line: string): string {
  const end = line.indexOf(':')
  const name = line.slice(0, end).replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
  return name.replace(/^Call-Id$/, 'Call-ID').replace(/^Cseq$/, 'CSeq') + line.slice(end)
}

function describe(message: Core.IncomingRequestMessage, source: SipAddress): InboundDescription {
  const head = message.data.slice(0, message.data.indexOf('\r\n\r\n'))
  const headers = head.split('\r\n').slice(1).map(withUsualName)
  return {
    callId: message.callId,
    requestUri: message.ruri?.toRaw() ?? '',
    from: message.from.uri.toRaw(),
    to: message.to.uri.toRaw(),
    displayName: (message.from.displayName ?? '').replace(/\\(.)/g, '$1'),
    headers,
    offer: sdpOf(message),
    source,
  }
}
