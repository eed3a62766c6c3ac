import type { CallPath, CallPaths } from './call-paths.ts'
import { checkRequest, formatRefusal } from './message/check-request.ts'
import { repairRequest, repairResponse } from './message/repair.ts'
import {
  header,
  isOverlong,
  isResponse,
  methodOf,
  methodOfCseq,
  parameterOf,
  parseSipMessage,
  type SipMessage,
  statusOf,
} from './message/sip-message.ts'
import { addressOf, parseSipUri } from './message/sip-uri.ts'
import { branchOf, responseAddress, stampSource } from './message/via.ts'
import { SipError } from './sip-error.ts'
import type { Channel } from './wire/channel.ts'
import { Retransmitter } from './wire/retransmitter.ts'
import { isNumeric, isPrivate, type SipAddress, type SipProtocol } from './wire/sip-address.ts'
import type { SourceLimiter } from './wire/source-limiter.ts'

/** Who understands the messages of one protocol. False: it cannot be parsed. */
export type ReceiveMessage = (message: SipMessage, protocol: SipProtocol) => boolean

/** Sees every message as it passes, for traces and for tests that lose some. False: lose it. */
export type WireTap = (
  direction: 'receive' | 'send',
  message: SipMessage,
  peer: SipAddress,
) => boolean | undefined

export interface SipRouterOptions {
  readonly paths: CallPaths
  readonly limiter: SourceLimiter
  readonly receive: ReceiveMessage
  /** Numeric address of a name, for requests in a dialog whose Contact has one. */
  readonly resolve: (address: SipAddress) => Promise<SipAddress>
  /** Whether requests from this address are looked at; absent: from all. */
  readonly isAllowed?: ((host: string) => boolean) | undefined
  readonly tap?: WireTap | undefined
  /** An error of the program while a message was dealt with; that message is lost. */
  readonly onFault?: ((error: unknown) => void) | undefined
}

/** What common scanners call themselves; they are not answered, so that they do not come back. */
const SCANNER = /friendly-scanner|sipvicious|sipcli|sip-scan|sundayddr|VaxSIPUserAgent|pplsip/i

/**
 * Between the sockets and the engine.
 *
 *     socket ─► parse ─► allow, limit, check ─► repair, stamp Via ─► engine
 *     socket ◄─ repeat until answered ◄─ find the destination ◄───── engine
 */
export class SipRouter {
  readonly stats = { unreadable: 0, refused: 0, ignored: 0, faults: 0, unsent: 0 }
  readonly retransmitter: Retransmitter
  readonly #options: SipRouterOptions
  readonly #channels = new Map<SipProtocol, Channel>()

  constructor(options: SipRouterOptions) {
    this.#options = options
    this.retransmitter = new Retransmitter((text, to) => this.#put(text, to))
  }

  addChannel(channel: Channel): void {
    this.#channels.set(channel.protocol, channel)
  }

  /** Two line ends: nothing to read, but a packet. */
  keepAlive(to: SipAddress): void {
    this.#channels
      .get(to.protocol)
      ?.send('\r\n\r\n', to)
      .catch(() => {
        this.stats.unsent += 1
      })
  }

  close(): void {
    this.retransmitter.close()
    for (const channel of this.#channels.values()) channel.close()
  }

  /** What a channel has received. Never throws. */
  receiveText(text: string, source: SipAddress): void {
    // Line ends keep NAT bindings open; STUN and noise have no line of SIP in them.
    if (!text.includes('SIP/')) {
      if (text.trim() !== '') this.stats.unreadable += 1
      return
    }
    try {
      this.#receive(parseSipMessage(text), source)
    } catch (error) {
      if (error instanceof SipError) {
        this.#refuseUnreadable(text, source)
        return
      }
      this.stats.faults += 1
      this.#options.onFault?.(error)
    }
  }

  /** Sends what an engine has made; rejects when it cannot be sent. */
  async send(text: string, protocol: SipProtocol): Promise<void> {
    const message = parseSipMessage(text)
    const found = this.#destination(message, protocol)
    const to = isNumeric(found.host) ? found : await this.#options.resolve(found)
    if (to.protocol === 'UDP') this.retransmitter.sent(message, text, to)
    if (this.#options.tap?.('send', message, to) === false) return
    const channel = this.#channels.get(to.protocol)
    if (channel === undefined) throw new SipError('unreachable', `${to.protocol} is not open`)
    try {
      await channel.send(text, to)
    } catch (error) {
      this.retransmitter.forget(message)
      throw error
    }
  }

  #receive(message: SipMessage, source: SipAddress): void {
    if (this.#options.tap?.('receive', message, source) === false) return
    if (isResponse(message.startLine)) {
      this.#receiveResponse(message, source)
      return
    }
    if (!this.#isWelcome(message, source)) {
      this.stats.ignored += 1
      return
    }
    const request = stampSource(repairRequest(message, source), source)
    const refusal = checkRequest(request)
    if (refusal !== undefined) {
      this.#refuse(formatRefusal(request, refusal, refusalTag(request)), source)
      return
    }
    this.retransmitter.received(request)
    this.#noteSource(request, source)
    if (this.#options.receive(request, source.protocol)) return
    const badRequest = { status: 400, reason: 'Bad Request' }
    this.#refuse(formatRefusal(request, badRequest, refusalTag(request)), source)
  }

  #receiveResponse(message: SipMessage, source: SipAddress): void {
    const isWhole = statusOf(message) !== undefined && methodOfCseq(message) !== undefined
    if (!isWhole || message.headers.some(isOverlong)) {
      this.stats.unreadable += 1
      return
    }
    this.retransmitter.received(message)
    this.#noteSource(message, source)
    if (!this.#options.receive(repairResponse(message, source), source.protocol)) {
      this.stats.unreadable += 1
    }
  }

  /** Only what begins something costs a token: calls under way are never held up. */
  #isWelcome(message: SipMessage, source: SipAddress): boolean {
    if (this.#options.isAllowed?.(source.host) === false) return false
    if (SCANNER.test(header(message, 'user-agent') ?? '')) return false
    const method = methodOf(message)
    if (method === 'ACK' || method === 'CANCEL') return true
    if (this.#pathOf(message, 'theirs') !== undefined) return true
    return this.#options.limiter.allows(source.host, performance.now())
  }

  #noteSource(message: SipMessage, source: SipAddress): void {
    const path = this.#pathOf(message, isResponse(message.startLine) ? 'ours' : 'theirs')
    if (path !== undefined) path.source = source
  }

  /** `ours`: the message has our tag in From, as our requests and the responses to them do. */
  #pathOf(message: SipMessage, from: 'ours' | 'theirs'): CallPath | undefined {
    const callId = header(message, 'call-id') ?? ''
    const fromTag = parameterOf(header(message, 'from') ?? '', 'tag') ?? ''
    const toTag = parameterOf(header(message, 'to') ?? '', 'tag') ?? ''
    return from === 'ours'
      ? this.#options.paths.find(callId, fromTag, toTag)
      : this.#options.paths.find(callId, toTag, fromTag)
  }

  #destination(message: SipMessage, protocol: SipProtocol): SipAddress {
    if (isResponse(message.startLine)) {
      const to = responseAddress(header(message, 'via') ?? '')
      if (to === undefined) throw new SipError('bad_message', 'a response without a way back')
      return { ...to, protocol }
    }
    const path = this.#pathOf(message, 'ours')
    const isInDialog = parameterOf(header(message, 'to') ?? '', 'tag') !== undefined
    const first = path && firstHop(message, path, isInDialog)
    if (first !== undefined) return first
    const next = header(message, 'route') ?? message.startLine.split(' ')[1] ?? ''
    const target = { ...addressOf(parseSipUri(next)), protocol }
    const isRouted = header(message, 'route') !== undefined
    if (isRouted || !isInDialog || path?.source === undefined) return target
    return reachable(target, path.source)
  }

  /** A head that cannot be taken apart is answered where its four parts can still be found. */
  #refuseUnreadable(text: string, source: SipAddress): void {
    this.stats.unreadable += 1
    const head = text.slice(0, Math.max(0, text.indexOf('\r\n\r\n')))
    if (head === '' || isResponse(head)) return
    const lines = head.split('\r\n').filter((line, i) => i === 0 || /^[^:\s]+\s*:/.test(line))
    const kept = lines.filter((line) => !/^(content-length|l)\s*:/i.test(line)).join('\r\n')
    try {
      const readable = parseSipMessage(`${kept}\r\n\r\n`)
      if (!this.#isWelcome(readable, source)) return
      const request = stampSource(readable, source)
      const refusal = { status: 400, reason: 'Bad Request' }
      this.#refuse(formatRefusal(request, refusal, refusalTag(request)), source)
    } catch {
      // Nothing that an answer could be made of.
    }
  }

  #refuse(response: string | undefined, source: SipAddress): void {
    this.stats.refused += 1
    if (response !== undefined) this.#put(response, source)
  }

  #put(text: string, to: SipAddress): void {
    if (this.#options.tap?.('send', parseSipMessage(text), to) === false) return
    const sending = this.#channels.get(to.protocol)?.send(text, to)
    sending?.catch(() => {
      this.stats.unsent += 1
    })
  }
}

/** Where what begins a dialog goes, and what belongs to it. */
function firstHop(
  message: SipMessage,
  path: CallPath,
  isInDialog: boolean,
): SipAddress | undefined {
  const method = methodOf(message)
  const branch = branchOf(header(message, 'via') ?? '')
  if (method === 'INVITE' && !isInDialog) path.branch = branch
  // RFC 3261 §17.1.1.3: the ACK of a failed INVITE has a tag, and goes the way of the INVITE.
  const isOfInvite = !isInDialog || (method === 'ACK' && branch === path.branch)
  return isOfInvite ? path.nextHop : undefined
}

/**
 * Where a Contact can be reached. What a phone behind NAT writes there is of its own network, and
 * what came by a connection goes back on it (RFC 5626, RFC 5923).
 */
function reachable(target: SipAddress, source: SipAddress): SipAddress {
  if (source.protocol !== 'UDP') return source
  if (/\.invalid$/i.test(target.host)) return source
  return isPrivate(target.host) && !isPrivate(source.host) ? source : target
}

/** The same for every repetition of a request, so that no state is kept for it. */
function refusalTag(request: SipMessage): string {
  const parts = [header(request, 'via'), header(request, 'call-id'), header(request, 'cseq')]
  return Bun.hash(parts.join()).toString(36)
}
