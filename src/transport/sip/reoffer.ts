import type { Core } from 'sip.js'
import { sdpBody, sdpOf } from './engine/sip-engine.ts'
import { SipError } from './sip-error.ts'
import type { SipMedia } from './sip-media.ts'

const ACK_POLL_MS = 50

export interface ReofferOptions {
  readonly session: Core.Session
  readonly media: SipMedia
  readonly headers: () => string[]
  /** Whether the Call-ID is ours, which decides who waits longer after a collision. */
  readonly isOurCall: boolean
  /** Whether an offer may go out now; asked again until it may. */
  readonly isReady: () => boolean
  /** What the 200 settles of the session timer. */
  readonly onAccepted: (response: Core.IncomingResponseMessage) => void
  /** The far end does not know the call any more (RFC 3261 §12.2.1.2). */
  readonly onGone: (status: number) => void
  /** The far end has accepted with SDP that cannot be used. */
  readonly onUnusable: (error: unknown) => void
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: SipError) => void
}

/**
 * Re-INVITEs of ours, one at a time. When both ends offer at once, both are refused with 491, wait
 * for times that differ, and try again (RFC 3261 §14.1).
 */
export class Reoffer {
  readonly #options: ReofferOptions
  #waiting: Waiting | undefined
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(options: ReofferOptions) {
    this.#options = options
  }

  get isUnderWay(): boolean {
    return this.#waiting !== undefined
  }

  start(): Promise<void> {
    if (this.#waiting !== undefined) {
      return Promise.reject(new SipError('wrong_state', 'an offer is under way'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting = { resolve, reject }
    this.#offer()
    return promise
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#fail(new SipError('closed', 'the call has ended'))
  }

  #offer(): void {
    const { session, media, headers, isReady } = this.#options
    if (!isReady()) {
      this.#offerSoon()
      return
    }
    try {
      const body = sdpBody(media.createOffer())
      const delegate: Core.OutgoingInviteRequestDelegate = {
        onAccept: (response) => this.#accepted(response),
        onReject: ({ message }) => this.#refused(message),
        onRedirect: ({ message }) => this.#refused(message),
      }
      session.invite(delegate, { extraHeaders: headers(), body })
    } catch {
      // The ACK of the far end's own offer is still on its way.
      this.#offerSoon()
    }
  }

  #offerSoon(): void {
    this.#retry = setTimeout(() => this.#offer(), ACK_POLL_MS)
  }

  #accepted({ message, ack }: Core.AckableIncomingResponseWithSession): void {
    const { media, onAccepted, onUnusable } = this.#options
    ack()
    if (this.#waiting === undefined) return
    const answer = sdpOf(message)
    try {
      if (answer !== undefined) media.acceptAnswer(answer)
    } catch (error) {
      onUnusable(error)
      return
    }
    onAccepted(message)
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  #refused({ statusCode = 500, reasonPhrase }: Core.IncomingResponseMessage): void {
    if (this.#waiting === undefined) return
    if (statusCode === 491) {
      this.#again()
      return
    }
    this.#fail(new SipError('refused', `${statusCode} ${reasonPhrase}`, { status: statusCode }))
    if (statusCode === 481 || statusCode === 408) this.#options.onGone(statusCode)
  }

  #again(): void {
    const delayMs = this.#options.isOurCall ? 2_100 + Math.random() * 1_900 : Math.random() * 2_000
    this.#retry = setTimeout(() => this.#offer(), delayMs)
  }

  #fail(error: SipError): void {
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}
