import type { Core } from 'sip.js'
import { formatCustomHeaders } from './custom-headers.ts'
import { sdpBody, sdpOf } from './engine/sip-engine.ts'
import { Reoffer } from './reoffer.ts'
import {
  intervalOfRequest,
  intervalOfResponse,
  type SessionInterval,
  SessionTimer,
  timerRequestHeaders,
  timerResponseHeaders,
} from './session-timer.ts'
import type {
  EstablishedCall,
  HangupOptions,
  ReferOptions,
  SipCallEnd,
  SipCallHandlers,
} from './sip-call.ts'
import { SipError } from './sip-error.ts'
import type { SipMedia } from './sip-media.ts'
import { readInfoDtmf, readNotify, takeRefer } from './transfer.ts'

/** 64 · T1: how long an answer that needs an acknowledgement waits for it. */
const ACK_TIMEOUT_MS = 32_000

export interface SipDialogOptions {
  readonly session: Core.Session
  /** Our Contact in angle brackets, the same in every message of the call. */
  readonly contact: string
  readonly media: SipMedia
  readonly handlers: SipCallHandlers
  /** Whether we have called. */
  readonly isOutbound: boolean
  readonly interval: SessionInterval | undefined
  /** Inbound: whether the ACK of the 200 brings the answer to our offer. */
  readonly isAnswerInAck: boolean
  /** Nothing is left to be sent or received. */
  readonly onGone: () => void
}

/** A call from its answer to its end, whoever began it (RFC 3261 §12, §14, §15). */
export class SipDialog implements EstablishedCall {
  readonly #options: SipDialogOptions
  readonly #reoffer: Reoffer
  readonly #timer: SessionTimer
  #isWaitingForAck: boolean
  #isAnswerInAck: boolean
  #ackTimer: ReturnType<typeof setTimeout> | undefined
  #byeHeaders: readonly string[] | undefined
  #isEnded = false
  #transfer: ((status: number | undefined) => void) | undefined

  constructor(options: SipDialogOptions) {
    this.#options = options
    this.#isWaitingForAck = !options.isOutbound
    this.#isAnswerInAck = options.isAnswerInAck
    this.#timer = new SessionTimer({
      onRefresh: () => this.#refresh(),
      onExpired: () => this.#abort('session_expired', 'the far end has not refreshed the call'),
    })
    this.#reoffer = new Reoffer({
      session: options.session,
      media: options.media,
      isOurCall: options.isOutbound,
      isReady: () => !this.#isWaitingForAck,
      headers: () => [this.#contact(), ...this.#refreshHeaders()],
      onAccepted: (response) =>
        this.#timer.start(intervalOfResponse(response.getHeader('session-expires'))),
      onGone: (status) => this.#abort('peer_gone', `re-INVITE was answered ${status}`),
      onUnusable: (error) => this.#abort('bad_sdp', textOf(error)),
    })
    this.#timer.start(options.interval)
    options.session.delegate = this.#delegate()
  }

  hangup({ headers, reason = 'hangup' }: HangupOptions = {}): void {
    if (this.#isEnded) return
    this.#sendBye(formatCustomHeaders(headers))
    this.#end({ by: 'local', reason })
  }

  async reoffer(): Promise<void> {
    if (this.#isEnded) throw new SipError('closed', 'the call has ended')
    await this.#reoffer.start()
  }

  async sendDtmf(digit: string, durationMs: number): Promise<void> {
    if (!/^[0-9A-D*#]$/.test(digit)) throw new SipError('bad_message', `not a key: ${digit}`)
    const content = `Signal=${digit}\r\nDuration=${Math.round(durationMs)}\r\n`
    const body = { contentDisposition: 'render', contentType: 'application/dtmf-relay', content }
    await this.#ask((delegate) => this.#options.session.info(delegate, { body }))
  }

  async refer(target: string, { headers }: ReferOptions = {}): Promise<number | undefined> {
    if (this.#transfer !== undefined) throw new SipError('wrong_state', 'a transfer is under way')
    if (!/^(sips?|tel):[^<>\s]+$/i.test(target))
      throw new SipError('bad_uri', `not a URI: ${target}`)
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    this.#transfer = resolve
    const extraHeaders = [`Refer-To: <${target}>`, this.#contact(), ...formatCustomHeaders(headers)]
    try {
      await this.#ask((delegate) => this.#options.session.refer(delegate, { extraHeaders }))
      return await promise
    } finally {
      this.#transfer = undefined
    }
  }

  /** An UPDATE (RFC 3311), which the engine does not know. May change the media, or be a refresh. */
  receiveUpdate(request: Core.UserAgentServer): void {
    const { message } = request
    const offer = sdpOf(message)
    if (offer !== undefined && this.#reoffer.isUnderWay) {
      request.reject({ statusCode: 491 })
      return
    }
    const answer = offer === undefined ? '' : this.#answer(offer)
    if (answer === undefined) {
      request.reject({ statusCode: 488 })
      return
    }
    const extraHeaders = [this.#contact(), ...this.#settleTimer(message)]
    const body = answer === '' ? {} : { body: sdpBody(answer) }
    request.accept({ statusCode: 200, extraHeaders, ...body })
  }

  #delegate(): Core.SessionDelegate {
    return {
      onAck: ({ message }) => this.#acknowledged(message),
      onAckTimeout: () => this.#notAcknowledged(),
      onBye: (request) => this.#remoteBye(request),
      onInvite: (request) => this.#remoteOffer(request),
      onInfo: (request) => {
        request.accept()
        const dtmf = readInfoDtmf(request.message)
        if (dtmf !== undefined) this.#options.handlers.onDtmf?.(dtmf.digit, dtmf.durationMs)
      },
      onNotify: (request) => {
        request.accept()
        const { isOfTransfer, status = 0, isLast } = readNotify(request.message)
        if (!isOfTransfer) return
        if (status >= 200) this.#transfer?.(status)
        else if (isLast) this.#transfer?.(undefined)
      },
      onRefer: (request) => this.#remoteTransfer(request),
    }
  }

  #remoteTransfer(request: Core.IncomingReferRequest): void {
    const { onTransferRequest } = this.#options.handlers
    if (onTransferRequest === undefined) {
      request.reject({ statusCode: 603 })
      return
    }
    const transfer = takeRefer(request, this.#options.session)
    if (transfer !== undefined) onTransferRequest(transfer)
  }

  #remoteOffer(request: Core.IncomingInviteRequest): void {
    const offer = sdpOf(request.message)
    const body = offer === undefined ? this.#options.media.createOffer() : this.#answer(offer)
    if (body === undefined) {
      request.reject({ statusCode: 488 })
      return
    }
    this.#isAnswerInAck = offer === undefined
    clearTimeout(this.#ackTimer)
    this.#ackTimer = setTimeout(() => this.#notAcknowledged(), ACK_TIMEOUT_MS)
    const extraHeaders = [this.#contact(), ...this.#settleTimer(request.message)]
    request.accept({ statusCode: 200, extraHeaders, body: sdpBody(body) })
  }

  /** Undefined: it cannot be agreed to, and all stays as it is. */
  #answer(offer: string): string | undefined {
    try {
      return this.#options.media.answerOffer(offer)
    } catch (error) {
      if (error instanceof SipError) return undefined
      throw error
    }
  }

  #acknowledged(ack: Core.IncomingRequestMessage): void {
    clearTimeout(this.#ackTimer)
    this.#isWaitingForAck = false
    if (this.#byeHeaders !== undefined) {
      this.#sendBye(this.#byeHeaders)
      return
    }
    if (!this.#isAnswerInAck || this.#isEnded) return
    this.#isAnswerInAck = false
    const answer = sdpOf(ack)
    try {
      if (answer === undefined) throw new SipError('bad_sdp', 'the ACK brings no answer')
      this.#options.media.acceptAnswer(answer)
    } catch (error) {
      this.#abort('bad_sdp', textOf(error))
    }
  }

  #notAcknowledged(): void {
    this.#isWaitingForAck = false
    if (this.#isEnded) this.#sendBye(this.#byeHeaders ?? [])
    else this.#abort('no_ack', 'no ACK has come for our 200: is our Contact reachable?')
  }

  #remoteBye(request: Core.IncomingByeRequest): void {
    request.accept()
    const cause = request.message.getHeader('reason')
    this.#end({ by: 'remote', reason: 'remote_bye', ...(cause !== undefined && { cause }) })
    this.#options.onGone()
  }

  /** Ends a call that neither end wanted to end. */
  #abort(reason: string, cause: string): void {
    if (this.#isEnded) return
    this.#sendBye([])
    this.#end({ by: 'fault', reason, cause })
  }

  #end(end: SipCallEnd): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#ackTimer)
    this.#timer.stop()
    this.#reoffer.close()
    this.#transfer?.(undefined)
    this.#options.handlers.onEnded(end)
  }

  /** RFC 3261 §15: who was called may not hang up before its answer is acknowledged. */
  #sendBye(headers: readonly string[]): void {
    this.#byeHeaders = headers
    if (this.#isWaitingForAck) return
    const done = (): void => this.#options.onGone()
    const delegate = { onAccept: done, onReject: done, onRedirect: done }
    try {
      this.#options.session.bye(delegate, { extraHeaders: [...headers] })
    } catch {
      this.#options.session.dispose()
      done()
    }
  }

  #refresh(): void {
    if (this.#reoffer.isUnderWay) {
      this.#timer.retry()
      return
    }
    this.#reoffer.start().catch(() => {
      if (!this.#isEnded) this.#timer.retry()
    })
  }

  #settleTimer(request: Core.IncomingRequestMessage): string[] {
    const sessionExpires = request.getHeader('session-expires')
    const supported = request.getHeader('supported')
    const interval = intervalOfRequest({ sessionExpires, supported })
    this.#timer.start(interval)
    return timerResponseHeaders(interval)
  }

  #refreshHeaders(): string[] {
    const { interval } = this.#timer
    return interval === undefined ? [] : timerRequestHeaders(interval)
  }

  #contact(): string {
    return `Contact: ${this.#options.contact}`
  }

  /** Sends a request in the dialog and waits for its final answer. */
  async #ask(send: (delegate: Core.OutgoingRequestDelegate) => unknown): Promise<void> {
    if (this.#isEnded) throw new SipError('closed', 'the call has ended')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const refuse = ({ message }: Core.IncomingResponse): void => {
      const status = message.statusCode ?? 500
      reject(new SipError('refused', `${status} ${message.reasonPhrase}`, { status }))
    }
    send({ onAccept: () => resolve(), onReject: refuse, onRedirect: refuse })
    await promise
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
