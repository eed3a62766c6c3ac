import { CallError } from '#call/call-error.ts'
import type { CallRegistry } from '#call/call-registry.ts'
import type { Config } from '#config/config.ts'
import type { Logger } from '#core/log.ts'
import type { Sink } from '#core/sink.ts'
import type { Pacer } from '#media/pacer.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { Leg } from '#transport/leg.ts'
import { OwnRtpPort } from '#transport/rtp/own-rtp-port.ts'
import { SharedRtpPort } from '#transport/rtp/shared-rtp-port.ts'
import type { InboundCall } from '#transport/sip/inbound-call.ts'
import type { InviteOptions } from '#transport/sip/outbound-call.ts'
import type { MediaEncryption } from '#transport/sip/sdp/sdes-negotiation.ts'
import { SipEndpoint, type SipEndpointOptions } from '#transport/sip/sip-endpoint.ts'
import { SipLeg, type SipLegParts } from '#transport/sip/sip-leg.ts'
import { bracketed } from '#transport/sip/wire/sip-address.ts'
import { ownAddress } from '#transport/udp/own-address.ts'
import { UdpPortPool } from '#transport/udp/udp-port-pool.ts'
import { SipAccounts } from './sip-accounts.ts'
import { SipOffer } from './sip-offer.ts'
import { SipWebhook } from './sip-webhook.ts'

const NARROWBAND_RATE = 8000
const WIDEBAND_RATE = 16_000
/** SIP: temporarily unavailable. */
const UNAVAILABLE = 480

interface GatewayParts {
  readonly srtp: MediaEncryption
  /** What the URI of a callee must match. */
  readonly allowed: RegExp | undefined
  readonly endpoint: SipEndpoint
  readonly accounts: SipAccounts
  readonly ports: UdpPortPool
  /** In place of `ports`, where it is wanted. */
  readonly shared: SharedRtpPort | undefined
  readonly pacer: Pacer
  readonly address: string
  readonly acceptTimeoutMs: number
}

interface LegPurpose extends Pick<SipLegParts, 'farEnd' | 'dial'> {
  /** The signalling is encrypted. */
  readonly isSecure: boolean
}

/** Everything that SIP calls of the process share: one endpoint and the ports of their audio. */
export class SipGateway {
  readonly #parts: GatewayParts
  #onInbound: Sink<SipOffer> = (offer) => offer.reject(UNAVAILABLE)

  private constructor(parts: GatewayParts) {
    this.#parts = parts
  }

  /** Opens the sockets of SIP; rejects when a port is in use. */
  static async open(
    config: Config,
    port: number,
    { pacer, log }: { readonly pacer: Pacer; readonly log: Logger },
  ): Promise<SipGateway> {
    const host = numeric(config.sipHost || config.host)
    const address = config.publicIp || ownAddress(host)
    const { sipAllowFrom: allowFrom, rtpPortMin: minPort, rtpPortMax: maxPort } = config
    const tls = await tlsOptions(config, host)
    const shared = await openShared(config, host)
    // Calls may come as soon as the endpoint listens.
    let gateway: SipGateway | undefined
    const endpoint = await SipEndpoint.start({
      udp: { host, port },
      tcp: { host, port },
      ...tls,
      publicAddress: address,
      limit: { perSecond: config.sipMaxRate, burst: 3 * config.sipMaxRate },
      isAllowed: (from) => allowFrom.length === 0 || allowFrom.includes(from),
      onInvite: (call) => {
        if (gateway === undefined) call.reject({ code: UNAVAILABLE })
        else gateway.#receive(call)
      },
      onFault: (error) => log.error({ error }, 'sip fault'),
    }).catch((error: unknown) => {
      shared?.close()
      throw error
    })
    gateway = new SipGateway({
      endpoint,
      accounts: new SipAccounts(endpoint, config.sipAccounts, log),
      ports: new UdpPortPool({ host, minPort, maxPort }),
      shared,
      pacer,
      address,
      acceptTimeoutMs: config.sipAcceptTimeoutSeconds * 1_000,
      srtp: config.sipSrtp,
      allowed: config.sipDialAllow,
    })
    return gateway
  }

  /** Who is given inbound calls from now on; without anybody they are refused. */
  set onInbound(onInbound: Sink<SipOffer>) {
    this.#onInbound = onInbound
  }

  get tlsPort(): number | undefined {
    return this.#parts.endpoint.port('TLS')
  }

  /** The UDP port of SIP. */
  get port(): number | undefined {
    return this.#parts.endpoint.port('UDP')
  }

  /** What has become of each registration, by address. */
  get registrations(): ReadonlyMap<string, string> {
    return this.#parts.accounts.states
  }

  get stats(): Readonly<Record<string, number>> {
    return {
      ...this.#parts.endpoint.stats,
      busyPorts: this.#parts.ports.busyCount,
      channels: this.#parts.shared?.channelCount ?? 0,
    }
  }

  /**
   * A leg that calls `option.callee`.
   *
   * @throws {CallError} `bad_option`
   */
  createLeg(option: CallOption): Leg {
    const invite = this.#inviteOptions(option)
    const { endpoint } = this.#parts
    const dial: SipLegParts['dial'] = (media, handlers) =>
      endpoint.invite({ ...invite, media }, handlers)
    return this.#openLeg(option, {
      farEnd: 'callee',
      isSecure: isSecure(invite.proxy ?? invite.to),
      dial,
    })
  }

  async close(): Promise<void> {
    await this.#parts.endpoint.close()
    this.#parts.shared?.close()
  }

  #receive(call: InboundCall): void {
    const offer = new SipOffer(call, this.#parts.acceptTimeoutMs, (option, answer) =>
      this.#openLeg(option, {
        farEnd: 'caller',
        isSecure: call.description.source.protocol === 'TLS',
        dial: answer,
      }),
    )
    this.#onInbound(offer)
  }

  #openLeg(option: CallOption, { farEnd, isSecure, dial }: LegPurpose): Leg {
    const { pacer, ports, shared, address: publicAddress, srtp } = this.#parts
    const openPort = async () => shared?.createChannel() ?? new OwnRtpPort(await ports.open())
    const sampleRate = isWideband(option) ? WIDEBAND_RATE : NARROWBAND_RATE
    // Keys in an SDP that others can read protect nothing.
    const encryption = isSecure ? srtp : 'never'
    return new SipLeg({ pacer, openPort, publicAddress, sampleRate, encryption, farEnd, dial })
  }

  #inviteOptions({ caller, callee, sip }: CallOption): Omit<InviteOptions, 'media'> {
    if (callee === undefined) throw new CallError('bad_option', 'option.callee: is missing')
    const to = toUri(callee)
    if (this.#parts.allowed?.test(to) === false) {
      throw new CallError('forbidden', 'option.callee: SIP_DIAL_ALLOW does not let it through')
    }
    const account = this.#parts.accounts.find(to)
    if (account === undefined && /^tel:/i.test(to)) {
      const message = 'option.callee: a number alone needs an account (SIP_ACCOUNTS), or its host'
      throw new CallError('bad_option', message)
    }
    const { username, password, headers } = sip ?? {}
    const ourselves =
      account?.address ?? `${username ?? 'bunpbx'}@${bracketed(this.#parts.address)}`
    const given = username !== undefined && password !== undefined && { username, password }
    const credentials = given || account?.credentials
    return {
      from: toUri(caller ?? ourselves),
      to,
      ...(credentials !== undefined && { credentials }),
      ...(account?.proxy !== undefined && { proxy: account.proxy }),
      ...(headers !== undefined && { headers }),
    }
  }
}

/** Session ids are what may stand in a URL; a Call-ID may be anything. */
const SESSION_ID = /^[A-Za-z0-9._~@:-]{1,128}$/
/** SIP: service unavailable. */
const OUT_OF_SERVICE = 503

/** Brings inbound calls to applications: by the webhook, or to whoever waits. */
export function createInboundHandler(
  config: Config,
  registry: CallRegistry,
  log: Logger,
): Sink<SipOffer> {
  const { inbound } = registry
  const { sipWebhookUrl: url, sipWebhookSecret: secret } = config
  if (url === '') return (offer) => inbound.offer(offer)
  inbound.isAnnouncing = true
  const timeoutMs = config.sipWebhookTimeoutSeconds * 1_000
  const webhook = new SipWebhook({ url, secret, timeoutMs })
  return (offer) => {
    if (registry.isDraining) {
      offer.reject(OUT_OF_SERVICE, 'the server is stopping')
      return
    }
    const { callId } = offer
    // Whoever calls chooses it, and may have called with the same one before.
    const isUsable = SESSION_ID.test(callId) && registry.isFree(callId)
    const id = isUsable ? callId : crypto.randomUUID()
    inbound.keep(id, offer)
    void webhook.announce(id, offer).then((problem) => {
      if (problem === undefined) return
      log.warn({ dialogId: id, problem }, 'inbound call refused')
      inbound.release(id, OUT_OF_SERVICE, 'the application is not available')
    })
  }
}

/** `alice@example.org` is what people write for `sip:alice@example.org`. */
function toUri(address: string): string {
  return /^(sips?|tel):/i.test(address) ? address : `sip:${address}`
}

function isWideband({ codec }: CallOption): boolean {
  return codec === 'g722' || codec === 'opus'
}

/** Names of the loopback are no address to bind to, or to be reached by. */
function numeric(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}

function isSecure(uri: string): boolean {
  return /^sips:/i.test(uri) || /;transport=tls\b/i.test(uri)
}

/** @throws when a file cannot be read. */
async function tlsOptions(
  { sipTlsPort: port, sipTlsKey, sipTlsCert, sipTlsVerify: verifyServers }: Config,
  host: string,
): Promise<Pick<SipEndpointOptions, 'tls'>> {
  if (port === undefined) return {}
  const [key, cert] = await Promise.all([Bun.file(sipTlsKey).text(), Bun.file(sipTlsCert).text()])
  return { tls: { host, port, key, cert, verifyServers } }
}

async function openShared({ rtpPort: port }: Config, host: string) {
  if (port === undefined) return undefined
  const shared = await SharedRtpPort.open({ host, port })
  return shared
}
