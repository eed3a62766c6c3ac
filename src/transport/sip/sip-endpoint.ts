import type { Core } from 'sip.js'
import { within } from '#core/within.ts'
import { ownAddress } from '../udp/own-address.ts'
import { CallPaths } from './call-paths.ts'
import { SipEngine } from './engine/sip-engine.ts'
import { InboundCall } from './inbound-call.ts'
import type { SipCredentials } from './message/digest.ts'
import { type InviteOptions, OutboundCall } from './outbound-call.ts'
import { Registration, type RegistrationOptions } from './registration.ts'
import { resolveTarget, type SipDns, systemDns } from './resolve-target.ts'
import type { OutboundHandlers } from './sip-call.ts'
import type { SipContext } from './sip-context.ts'
import type { SipDialog } from './sip-dialog.ts'
import { SipRouter, type WireTap } from './sip-router.ts'
import type { Channel, Listen } from './wire/channel.ts'
import type { SipAddress, SipProtocol } from './wire/sip-address.ts'
import { type SourceLimit, SourceLimiter } from './wire/source-limiter.ts'
import { StreamChannel, type TlsOptions } from './wire/stream-channel.ts'
import { UdpChannel } from './wire/udp-channel.ts'
import { WebSocketChannel } from './wire/websocket-channel.ts'

export interface SipEndpointOptions {
  readonly udp?: Listen
  readonly tcp?: Listen
  readonly tls?: Listen & TlsOptions
  /** SIP over WebSocket, without TLS of its own. */
  readonly ws?: Listen
  /** The address that others shall use. Default: the one that is listened at, or the machine's first. */
  readonly publicAddress?: string
  /** Default: `BunPBX`. */
  readonly userAgent?: string
  /** New requests from one source; default 30 a second, 100 at once. */
  readonly limit?: SourceLimit
  /** Whether requests from this address are looked at at all; default: from all. */
  readonly isAllowed?: (host: string) => boolean
  /** Takes an inbound call: attaches its handlers, rings, accepts or rejects, now or later. */
  readonly onInvite: (call: InboundCall) => void
  /** How long a far end that has been sent CANCEL may take to end its INVITE; default 32 s. */
  readonly cancelTimeoutMs?: number
  /** Sees each message: for traces, and for tests that lose some. */
  readonly tap?: WireTap
  /** An error of the program, of ours or of a handler's, while a message was dealt with. */
  readonly onFault?: (error: unknown) => void
  /** For tests; default: the system's. */
  readonly dns?: SipDns
}

/** RFC 3261 §9.1: 64 · T1. */
const CANCEL_TIMEOUT_MS = 32_000
/** How long `close` waits for the last BYE to be answered. */
const CLOSE_TIMEOUT_MS = 2_000

/** SIP for the whole process: its sockets, its calls both ways, and its registrations. */
export class SipEndpoint {
  readonly #options: SipEndpointOptions
  readonly #engines = new Map<SipProtocol, SipEngine>()
  readonly #channels: Channel[] = []
  readonly #registrations = new Set<Registration>()
  readonly #limiter: SourceLimiter
  readonly #router: SipRouter
  readonly #context: SipContext
  #isClosing = false

  private constructor(options: SipEndpointOptions) {
    this.#options = options
    this.#limiter = new SourceLimiter(options.limit ?? { perSecond: 30, burst: 100 })
    const dns = options.dns ?? systemDns
    const resolve = (uri: string): Promise<readonly SipAddress[]> =>
      resolveTarget(uri, [...this.#engines.keys()], dns)
    this.#context = {
      engines: this.#engines,
      paths: new CallPaths(),
      credentials: new Map<string, SipCredentials>(),
      dialogs: new Map<string, SipDialog>(),
      calls: new Set(),
      cancelTimeoutMs: options.cancelTimeoutMs ?? CANCEL_TIMEOUT_MS,
      keepAlive: (address) => this.#router.keepAlive(address),
      resolve,
    }
    this.#router = new SipRouter({
      paths: this.#context.paths,
      limiter: this.#limiter,
      receive: (message, protocol) => this.#engines.get(protocol)?.receive(message) ?? false,
      resolve: async (address) => {
        const uri = `sip:${address.host}:${address.port}`
        const [found] = await resolve(uri)
        return found === undefined ? address : { ...found, protocol: address.protocol }
      },
      isAllowed: options.isAllowed,
      tap: options.tap,
      onFault: options.onFault,
    })
  }

  /** Opens the sockets. Rejects with what the system says when one cannot be opened. */
  static async start(options: SipEndpointOptions): Promise<SipEndpoint> {
    const endpoint = new SipEndpoint(options)
    try {
      await endpoint.#open()
    } catch (error) {
      endpoint.#router.close()
      throw error
    }
    return endpoint
  }

  /** The port that listens, undefined where the protocol is not open. */
  port(protocol: SipProtocol): number | undefined {
    return this.#channels.find((channel) => channel.protocol === protocol)?.port
  }

  /** What is alive and what has happened. `calls`, `dialogs` and `waiting` are 0 when idle. */
  get stats(): Readonly<Record<string, number>> {
    let transactions = 0
    let dialogs = 0
    for (const { core } of this.#engines.values()) {
      transactions += core.userAgentClients.size + core.userAgentServers.size
      dialogs += core.dialogs.size
    }
    const { retransmitter, stats } = this.#router
    const wire = { sent: 0, received: 0 }
    for (const channel of this.#channels) {
      wire.sent += channel.stats['sent'] ?? 0
      wire.received += channel.stats['received'] ?? 0
    }
    return {
      ...wire,
      ...stats,
      limited: this.#limiter.stats.refused,
      calls: this.#context.calls.size,
      dialogs,
      /** Finished ones live on for up to 32 s, to know a repeated message. */
      transactions,
      paths: this.#context.paths.size,
      credentials: this.#context.credentials.size,
      waiting: retransmitter.size,
      repeatedRequests: retransmitter.stats.requests,
      repeatedResponses: retransmitter.stats.responses,
    }
  }

  /** Calls. Throws `bad_uri`, `bad_header` and `closed`; everything later is told by the handlers. */
  invite(options: InviteOptions, handlers: OutboundHandlers): OutboundCall {
    const call = new OutboundCall(this.#context, options, handlers)
    // What goes wrong ends the call; what is left are errors of the handlers.
    call.start().catch((error) => this.#options.onFault?.(error))
    return call
  }

  /** Registers an address and keeps it registered until it is closed. Throws `bad_uri`. */
  register(options: RegistrationOptions): Registration {
    const registration: Registration = new Registration(this.#context, options, () =>
      this.#registrations.delete(registration),
    )
    this.#registrations.add(registration)
    registration.start()
    return registration
  }

  /** Ends calls and registrations, waits a little for the answers, and closes the sockets. */
  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    for (const call of this.#context.calls) {
      if (call instanceof OutboundCall || call instanceof InboundCall) {
        call.hangup({ reason: 'server_shutdown' })
      }
    }
    const leaving = [...this.#registrations].map((registration) => registration.close())
    await within(Promise.all([...leaving, this.#idle()]), CLOSE_TIMEOUT_MS)
    this.#router.close()
    for (const engine of this.#engines.values()) engine.close()
  }

  async #idle(): Promise<void> {
    const until = performance.now() + CLOSE_TIMEOUT_MS
    while (this.#context.calls.size > 0 && performance.now() < until) await Bun.sleep(10)
  }

  async #open(): Promise<void> {
    const { udp, tcp, tls, ws } = this.#options
    const receive = (text: string, source: SipAddress): void => {
      this.#router.receiveText(text, source)
    }
    if (udp !== undefined) this.#add(await UdpChannel.open(udp, receive), udp.host)
    if (tcp !== undefined) this.#add(await StreamChannel.open(tcp, receive), tcp.host)
    if (tls !== undefined) this.#add(await StreamChannel.open({ ...tls, tls }, receive), tls.host)
    if (ws !== undefined) this.#add(new WebSocketChannel(ws, receive), ws.host)
  }

  #add(channel: Channel, host: string): void {
    const { protocol, port } = channel
    this.#channels.push(channel)
    this.#router.addChannel(channel)
    const engine: SipEngine = new SipEngine({
      protocol,
      host: this.#options.publicAddress ?? ownAddress(host),
      port,
      userAgent: this.#options.userAgent ?? 'BunPBX',
      send: (text) => this.#router.send(text, protocol),
      findCredentials: (callId) => this.#context.credentials.get(callId),
      onInvite: (request) => this.#receiveInvite(engine, request),
      onUpdate: (message) => this.#receiveUpdate(engine, message),
    })
    this.#engines.set(protocol, engine)
  }

  #receiveInvite(engine: SipEngine, request: Core.IncomingInviteRequest): void {
    if (this.#isClosing) {
      request.reject({ statusCode: 503, extraHeaders: ['Retry-After: 5'] })
      return
    }
    const call = this.#takeInvite(engine, request)
    if (call === undefined) return
    try {
      this.#options.onInvite(call)
    } catch (error) {
      call.reject({ code: 500 })
      throw error
    }
  }

  /** Undefined, and 400, where an address in it cannot be written out again (`%25zz`). */
  #takeInvite(engine: SipEngine, request: Core.IncomingInviteRequest): InboundCall | undefined {
    try {
      return new InboundCall(this.#context, engine, request)
    } catch {
      request.reject({ statusCode: 400 })
      return undefined
    }
  }

  #receiveUpdate(engine: SipEngine, message: Core.IncomingRequestMessage): void {
    engine.receiveUpdate(message, (id) => this.#context.dialogs.get(id))
  }
}
