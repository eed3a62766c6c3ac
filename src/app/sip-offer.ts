import type { InboundOffer } from '#call/inbound-calls.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { HangupCause, Leg } from '#transport/leg.ts'
import type { InboundCall } from '#transport/sip/inbound-call.ts'
import type { EstablishedCall, OutboundHandlers, SipCallEnd } from '#transport/sip/sip-call.ts'
import type { SipMedia } from '#transport/sip/sip-media.ts'

/** What makes a leg of a way to answer. */
export type CreateAnsweringLeg = (
  option: CallOption,
  answer: (media: SipMedia, handlers: OutboundHandlers) => EstablishedCall,
) => Leg

/** RFC 3261: request timeout, and not acceptable here. */
const TIMED_OUT = 408
const NOT_ACCEPTABLE = 488

/** An inbound SIP call, as an application decides on it. */
export class SipOffer implements InboundOffer {
  readonly caller: string
  readonly callee: string
  readonly sdp: string
  /** `Name: value` of every header of the INVITE. */
  readonly headers: readonly string[]
  /** Call-ID of the dialog. */
  readonly callId: string
  onEnded: ((cause: HangupCause) => void) | undefined
  readonly #call: InboundCall
  readonly #createLeg: CreateAnsweringLeg
  readonly #deadline: ReturnType<typeof setTimeout>
  #handlers: OutboundHandlers | undefined
  /** We have refused it, so that nobody need be told of its end. */
  #isRefused = false

  constructor(call: InboundCall, acceptTimeoutMs: number, createLeg: CreateAnsweringLeg) {
    const { from, to, offer, headers, callId } = call.description
    this.caller = from
    this.callee = to
    this.sdp = offer ?? ''
    this.headers = headers
    this.callId = callId
    this.#call = call
    this.#createLeg = createLeg
    this.#deadline = setTimeout(() => this.#timedOut(), acceptTimeoutMs)
    call.attach({
      onEnded: (end) => this.#ended(end),
      onDtmf: (digit, durationMs) => this.#handlers?.onDtmf?.(digit, durationMs),
      onTransferRequest: (request) => this.#handlers?.onTransferRequest?.(request),
    })
  }

  ring(): void {
    this.#call.ring()
  }

  reject(code: number, reason?: string): void {
    clearTimeout(this.#deadline)
    // Once there is a leg it is the leg that hangs up.
    if (this.#handlers === undefined) this.#refuse(code, reason)
  }

  createLeg(option: CallOption): Leg {
    clearTimeout(this.#deadline)
    return this.#createLeg(option, (media, handlers) => this.#answer(media, handlers))
  }

  #answer(media: SipMedia, handlers: OutboundHandlers): EstablishedCall {
    this.#handlers = handlers
    try {
      this.#call.accept(media)
    } catch (error) {
      this.#handlers = undefined
      this.#refuse(NOT_ACCEPTABLE)
      throw error
    }
    handlers.onAnswered?.({ sdp: this.sdp })
    return this.#call
  }

  #refuse(code: number, reason?: string): void {
    this.#isRefused = true
    this.#call.reject({ code, ...(reason && { reason }) })
  }

  #timedOut(): void {
    this.#refuse(TIMED_OUT)
    this.onEnded?.({ reason: 'no_answer', initiator: 'system' })
  }

  #ended(end: SipCallEnd): void {
    clearTimeout(this.#deadline)
    if (this.#handlers !== undefined) {
      this.#handlers.onEnded(end)
      return
    }
    if (this.#isRefused) return
    const initiator = end.by === 'remote' ? 'caller' : 'system'
    this.onEnded?.({ reason: end.reason, initiator })
  }
}
