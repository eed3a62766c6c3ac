import type { SipAddress } from './wire/sip-address.ts'

/** Where the requests of one call go, beyond what stands in them. */
export interface CallPath {
  /** Where what begins a dialog is sent: an outbound proxy, or what the URI's name stands for. */
  readonly nextHop?: SipAddress
  /** Branch of the last INVITE, which the ACK of its failure repeats. */
  branch?: string
  /** Where the far end's last message of the call came from. */
  source?: SipAddress
}

/**
 * The paths of all calls. A call to ourselves is two calls with one Call-ID, so the key also says
 * whose tag it was that began it.
 */
export class CallPaths {
  readonly #paths = new Map<string, CallPath>()

  get size(): number {
    return this.#paths.size
  }

  /** A call that we have begun, with our tag in From. */
  setOutbound(callId: string, ownTag: string, path: CallPath): void {
    this.#paths.set(outboundKey(callId, ownTag), path)
  }

  /** A call that the far end has begun, with its tag in From. */
  setInbound(callId: string, remoteTag: string, path: CallPath): void {
    this.#paths.set(inboundKey(callId, remoteTag), path)
  }

  /** The path for a request that we send with these tags. */
  find(callId: string, fromTag: string, toTag: string): CallPath | undefined {
    return (
      this.#paths.get(outboundKey(callId, fromTag)) ?? this.#paths.get(inboundKey(callId, toTag))
    )
  }

  deleteOutbound(callId: string, ownTag: string): void {
    this.#paths.delete(outboundKey(callId, ownTag))
  }

  deleteInbound(callId: string, remoteTag: string): void {
    this.#paths.delete(inboundKey(callId, remoteTag))
  }
}

function outboundKey(callId: string, tag: string): string {
  return `o ${tag} ${callId}`
}

function inboundKey(callId: string, tag: string): string {
  return `i ${tag} ${callId}`
}
