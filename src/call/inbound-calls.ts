import type { CallOption } from '#protocol/call-option.ts'
import type { HangupCause, Leg } from '#transport/leg.ts'

/** A call that somebody makes to us and that is not answered yet. */
export interface InboundOffer {
  readonly caller: string
  readonly callee: string
  /** What the caller offers; empty where the answer is to make the offer. */
  readonly sdp: string
  /** Told once when the caller gives up, or nobody decides in time. */
  onEnded: ((cause: HangupCause) => void) | undefined
  /** Lets the caller hear that it rings. */
  ring(): void
  /** Refuses, with a SIP status. Harmless when the call is over or answered. */
  reject(code: number, reason?: string): void
  /** The leg that answers the call when it is connected; once. */
  createLeg(option: CallOption): Leg
}

/** An application that waits for a call. */
export interface InboundWaiter {
  offer(call: InboundOffer): void
}

/** SIP: temporarily unavailable (RFC 3261 §21.4.18). */
const UNAVAILABLE = 480

/** Brings inbound calls and those who wait for them together: who has waited longest gets the next. */
export class InboundCalls {
  readonly stats = { offered: 0, refused: 0 }
  /** Whether applications are told of every call, so that nobody gets one but by its id. */
  isAnnouncing = false
  readonly #waiters = new Set<InboundWaiter>()
  /** Calls that an application has been told of, by the id it will ask for. */
  readonly #kept = new Map<string, InboundOffer>()

  get waiting(): number {
    return this.#waiters.size
  }

  /** Waits for the call that is kept under `id`, or else for any. False when none will ever come. */
  wait(waiter: InboundWaiter, id: string): boolean {
    const call = this.#kept.get(id)
    if (call === undefined) {
      if (!this.isAnnouncing) this.#waiters.add(waiter)
      return !this.isAnnouncing
    }
    this.#kept.delete(id)
    waiter.offer(call)
    return true
  }

  isKept(id: string): boolean {
    return this.#kept.has(id)
  }

  /** Keeps a call for who asks for it by `id`, until it is over or `release`d. */
  keep(id: string, call: InboundOffer): void {
    this.stats.offered += 1
    call.onEnded = () => this.#kept.delete(id)
    this.#kept.set(id, call)
  }

  /** Refuses a call that is still kept. */
  release(id: string, code: number, reason: string): void {
    const call = this.#kept.get(id)
    if (call === undefined) return
    this.#kept.delete(id)
    this.stats.refused += 1
    call.reject(code, reason)
  }

  /** Harmless when it does not wait. */
  leave(waiter: InboundWaiter): void {
    this.#waiters.delete(waiter)
  }

  offer(call: InboundOffer): void {
    this.stats.offered += 1
    const [waiter] = this.#waiters
    if (waiter === undefined) {
      this.stats.refused += 1
      call.reject(UNAVAILABLE, 'no application waits for a call')
      return
    }
    this.#waiters.delete(waiter)
    waiter.offer(call)
  }
}
