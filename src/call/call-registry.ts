import type { CallOption } from '#protocol/call-option.ts'
import { redactObject } from '#protocol/redact.ts'
import { Call, type CallIdentity } from './call.ts'
import type { CallClient } from './call-client.ts'
import type { CallDeps } from './call-deps.ts'
import { CallError } from './call-error.ts'
import { CallMetrics } from './call-metrics.ts'
import { InboundCalls, type InboundOffer } from './inbound-calls.ts'

/** A live call as `GET /call/lists` shows it. */
export interface LiveCall {
  readonly id: string
  readonly call_type: string
  readonly created_at: string
  readonly option: Record<string, unknown>
}

/** Who holds an id: a socket that has not said `invite` yet, or a call. */
type Holder = { readonly onStop: () => void; call?: Call }

/** All calls of the process, by session id: at most `maxCalls`, none twice, none while draining. */
export class CallRegistry {
  readonly metrics = new CallMetrics()
  readonly inbound = new InboundCalls()
  readonly #deps: CallDeps
  readonly #maxCalls: number
  readonly #holders = new Map<string, Holder>()
  #isDraining = false
  #onEmpty: (() => void) | undefined

  constructor(deps: CallDeps, maxCalls: number) {
    this.#deps = deps
    this.#maxCalls = maxCalls
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Calls that have begun. */
  get activeCalls(): readonly Call[] {
    return [...this.#holders.values()].flatMap(({ call }) => (call === undefined ? [] : [call]))
  }

  /**
   * Takes an id for a socket that is about to open. `onStop` is called when the server stops
   * before the call has begun.
   *
   * @throws {CallError} `duplicate_id`, `at_capacity` or `draining`
   */
  reserve(id: string, onStop: () => void): void {
    if (this.#isDraining) throw new CallError('draining', 'the server is stopping')
    if (this.#holders.has(id))
      throw new CallError('duplicate_id', `the call "${id}" is live already`)
    if (this.#holders.size >= this.#maxCalls) {
      throw new CallError('at_capacity', `all ${this.#maxCalls} calls (MAX_CALLS) are in use`)
    }
    this.#holders.set(id, { onStop })
  }

  /** Whether nobody holds `id`, and no inbound call is kept under it. */
  isFree(id: string): boolean {
    return !this.#holders.has(id) && !this.inbound.isKept(id)
  }

  /** Gives an id back whose socket went away before its call began. */
  release(id: string): void {
    if (this.#holders.get(id)?.call === undefined) this.#remove(id)
  }

  /** Makes the call of a reserved id. It begins with `Call.start`, an inbound one with `offered`. */
  create(
    identity: CallIdentity,
    option: CallOption,
    client: CallClient,
    offer?: InboundOffer,
  ): Call {
    const call = new Call(this.#deps, identity, {
      option,
      offer,
      client,
      metrics: this.metrics,
      onEnded: () => this.#remove(identity.id),
    })
    const holder = this.#holders.get(identity.id)
    if (holder !== undefined) holder.call = call
    return call
  }

  list(): LiveCall[] {
    return this.activeCalls.map((call) => ({
      id: call.id,
      call_type: call.type,
      created_at: new Date(call.startedAt).toISOString(),
      option: redactObject(call.option),
    }))
  }

  /** Ends the call with that id; false when there is none. */
  kill(id: string): boolean {
    const call = this.#holders.get(id)?.call
    if (call === undefined || call.isEnded) return false
    call.end({ reason: 'killed', initiator: 'system' })
    return true
  }

  /** No further call begins; sockets without a call are told to go. Resolves when all are gone. */
  drain(): Promise<void> {
    this.#isDraining = true
    for (const holder of [...this.#holders.values()]) {
      if (holder.call === undefined) holder.onStop()
    }
    if (this.#holders.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Ends every call that is still live, because the server stops. */
  endAll(): void {
    for (const call of this.activeCalls) {
      call.end({ reason: 'server_shutdown', initiator: 'system' }, 'stopping')
    }
  }

  #remove(id: string): void {
    this.#holders.delete(id)
    if (this.#holders.size === 0) this.#onEmpty?.()
  }
}
