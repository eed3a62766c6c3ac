import type { CallPaths } from './call-paths.ts'
import type { SipEngine } from './engine/sip-engine.ts'
import type { SipCredentials } from './message/digest.ts'
import type { SipDialog } from './sip-dialog.ts'
import type { SipAddress, SipProtocol } from './wire/sip-address.ts'

/** What the calls and registrations of one endpoint share. */
export interface SipContext {
  readonly engines: ReadonlyMap<SipProtocol, SipEngine>
  readonly paths: CallPaths
  /** By Call-ID, as long as a challenge may come. */
  readonly credentials: Map<string, SipCredentials>
  /** Answered calls by the id of their dialog, for the requests that the engine does not know. */
  readonly dialogs: Map<string, SipDialog>
  /** Calls that are not quite over yet, so that the endpoint can wait for them. */
  readonly calls: Set<object>
  /** How long an INVITE may go on after its CANCEL. */
  readonly cancelTimeoutMs: number
  /** Sends the line ends that keep a NAT binding or a connection open (RFC 5626 §4.4.1). */
  readonly keepAlive: (address: SipAddress) => void
  /** The addresses behind a URI, best first (RFC 3263). Rejects with `unreachable` or `bad_uri`. */
  readonly resolve: (uri: string) => Promise<readonly SipAddress[]>
}
