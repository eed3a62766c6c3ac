import {
  header,
  methodOf,
  methodOfCseq,
  type SipMessage,
  statusOf,
} from '../message/sip-message.ts'
import { branchOf } from '../message/via.ts'
import type { SipAddress } from './sip-address.ts'

/** RFC 3261 §17, table 4: the round trip that is assumed, and the longest wait between repeats. */
const T1_MS = 500
const T2_MS = 4_000
/** Timers B, F and H: whoever has not answered by then is gone. */
const GIVE_UP_MS = 64 * T1_MS

interface Repeat {
  readonly text: string
  readonly to: SipAddress
  readonly startedAt: number
  readonly maxWaitMs: number
  waitMs: number
  timer: ReturnType<typeof setTimeout>
}

/**
 * Datagrams get lost; this repeats what has not been answered (RFC 3261 §17.1.1.2, §17.1.2.2,
 * §17.2.1):
 *
 *     A   INVITE            0.5, 1, 2, 4, 8, 16 s   until any response
 *     E   other requests    0.5, 1, 2, 4, 4 … s     until a final response; 4 s after a provisional
 *     G   failed INVITE     0.5, 1, 2, 4, 4 … s     until ACK
 *
 * The 200 of an INVITE and its ACK are repeated end to end, by the dialogs.
 */
export class Retransmitter {
  readonly stats = { requests: 0, responses: 0 }
  readonly #send: (text: string, to: SipAddress) => void
  readonly #requests = new Map<string, Repeat>()
  readonly #responses = new Map<string, Repeat>()

  constructor(send: (text: string, to: SipAddress) => void) {
    this.#send = send
  }

  /** How many messages wait for an answer. */
  get size(): number {
    return this.#requests.size + this.#responses.size
  }

  /** Looks at a message that has just been sent by UDP. */
  sent(message: SipMessage, text: string, to: SipAddress): void {
    const branch = branchOf(header(message, 'via') ?? '')
    const method = methodOf(message)
    if (method === undefined) {
      const isFailedInvite = (statusOf(message) ?? 0) >= 300 && methodOfCseq(message) === 'INVITE'
      if (isFailedInvite) this.#repeat(this.#responses, branch, { text, to, maxWaitMs: T2_MS })
      return
    }
    if (method === 'ACK') return
    const maxWaitMs = method === 'INVITE' ? GIVE_UP_MS : T2_MS
    this.#repeat(this.#requests, branch + method, { text, to, maxWaitMs })
  }

  /** Looks at a message that has come, which may end a repetition. */
  received(message: SipMessage): void {
    const branch = branchOf(header(message, 'via') ?? '')
    const status = statusOf(message)
    if (status === undefined) {
      if (methodOf(message) === 'ACK') stop(this.#responses, branch)
      return
    }
    const method = methodOfCseq(message) ?? ''
    const repeat = this.#requests.get(branch + method)
    if (repeat !== undefined && method !== 'INVITE' && status < 200) repeat.waitMs = T2_MS
    else stop(this.#requests, branch + method)
  }

  /** Stops for a request of ours that could not be sent. */
  forget(message: SipMessage): void {
    const branch = branchOf(header(message, 'via') ?? '')
    stop(this.#requests, branch + (methodOf(message) ?? ''))
  }

  close(): void {
    for (const repeats of [this.#requests, this.#responses]) {
      for (const key of repeats.keys()) stop(repeats, key)
    }
  }

  #repeat(
    repeats: Map<string, Repeat>,
    key: string,
    what: Pick<Repeat, 'text' | 'to' | 'maxWaitMs'>,
  ): void {
    stop(repeats, key)
    const again = (): void => {
      if (performance.now() - repeat.startedAt >= GIVE_UP_MS) {
        repeats.delete(key)
        return
      }
      if (repeats === this.#requests) this.stats.requests += 1
      else this.stats.responses += 1
      this.#send(repeat.text, repeat.to)
      repeat.waitMs = Math.min(repeat.waitMs * 2, repeat.maxWaitMs)
      repeat.timer = setTimeout(again, repeat.waitMs)
    }
    const startedAt = performance.now()
    const repeat = { ...what, startedAt, waitMs: T1_MS, timer: setTimeout(again, T1_MS) }
    repeats.set(key, repeat)
  }
}

function stop(repeats: Map<string, Repeat>, key: string): void {
  clearTimeout(repeats.get(key)?.timer)
  repeats.delete(key)
}
