import { Core, NameAddrHeader, URI } from 'sip.js'
import { EXTENSIONS } from '../message/check-request.ts'
import { formatSipMessage, isResponse, type SipMessage } from '../message/sip-message.ts'
import { bracketed, type SipProtocol } from '../wire/sip-address.ts'
import { CallDigest, type FindCredentials } from './call-digest.ts'
import { parseUri } from './fast-grammar.ts'
import { prepareSipJs } from './prepare-sip-js.ts'

export interface SipEngineOptions {
  readonly protocol: SipProtocol
  /** The address that others shall use, in Via and Contact. */
  readonly host: string
  readonly port: number
  readonly userAgent: string
  readonly send: (text: string) => Promise<void>
  readonly findCredentials: FindCredentials
  readonly onInvite: (request: Core.IncomingInviteRequest) => void
  /** An UPDATE of a dialog, which sip.js does not know. */
  readonly onUpdate: (request: Core.IncomingRequestMessage) => void
}

/**
 * The transactions and dialogs of one transport protocol: the core of sip.js without the user
 * agent that is built around it for browsers. Text comes in, text goes out; who is at the other end
 * is the router's affair.
 */
export class SipEngine {
  readonly core: Core.UserAgentCore
  readonly #options: SipEngineOptions
  readonly #configuration: Core.UserAgentCoreConfiguration
  readonly #logger: Core.Logger

  constructor(options: SipEngineOptions) {
    prepareSipJs()
    this.#options = options
    const loggers = new Core.LoggerFactory()
    loggers.builtinEnabled = false
    this.#logger = loggers.getLogger('sip.parser')
    this.#configuration = this.#configure(loggers)
    this.core = new Core.UserAgentCore(this.#configuration, {
      onInvite: options.onInvite,
      // RFC 3842: voice mail systems tell of messages without having been asked.
      onNotify: (request) => request.accept(),
    })
  }

  /** `host:port` of our Contact, with an optional user part, in angle brackets. */
  contact(user = 'bunpbx'): string {
    const { protocol, host, port } = this.#options
    const transport = `;transport=${protocol.toLowerCase()}`
    return `<sip:${encodeURIComponent(user)}@${bracketed(host)}:${port}${transport}>`
  }

  /** Hands a checked message to the transactions. False when it cannot be parsed. May throw. */
  receive(message: SipMessage): boolean {
    const parsed = Core.Parser.parseMessage(formatSipMessage(message), this.#logger)
    if (parsed === undefined || parsed.viaBranch === undefined) return false
    if (isResponse(message.startLine)) {
      if (!(parsed instanceof Core.IncomingResponseMessage)) return false
      this.core.receiveIncomingResponseFromTransport(parsed)
      return true
    }
    if (!(parsed instanceof Core.IncomingRequestMessage) || parsed.ruri === undefined) return false
    this.#receiveRequest(parsed)
    return true
  }

  /** Starts an out-of-dialog request. */
  createRequest(
    method: string,
    { uri, from, to, callId, fromTag, cseq, headers, body, fromName, routes }: RequestParts,
  ): Core.OutgoingRequestMessage {
    const options: Core.OutgoingRequestMessageOptions = { callId, cseq }
    if (fromTag !== undefined) options.fromTag = fromTag
    if (fromName !== undefined) options.fromDisplayName = fromName
    if (routes !== undefined) options.routeSet = [...routes]
    return this.core.makeOutgoingRequestMessage(
      method,
      uri,
      from,
      to,
      options,
      [...headers],
      body === undefined ? undefined : sdpBody(body),
    )
  }

  /**
   * An UPDATE, for which sip.js has no dialog method: the transaction is made here, and the dialog
   * is told of the sequence number and of the new Contact as its own methods would.
   */
  receiveUpdate(
    message: Core.IncomingRequestMessage,
    find: (dialogId: string) => UpdateReceiver | undefined,
  ): void {
    const repeated = this.core.userAgentServers.get(message.viaBranch)
    if (repeated !== undefined) {
      ;(repeated as unknown as HasServerTransaction).transaction.receiveRequest(message)
      return
    }
    const dialog = this.core.dialogs.get(message.callId + message.toTag + message.fromTag)
    const receiver = dialog && find(dialog.id)
    if (dialog === undefined || receiver === undefined) {
      // RFC 3311 §5.2: an early dialog that cannot take an offer yet.
      const retry = { statusCode: 500, extraHeaders: ['Retry-After: 2'] }
      this.core.replyStateless(message, dialog === undefined ? { statusCode: 481 } : retry)
      return
    }
    if (!(dialog as unknown as HasDialogState).sequenceGuard(message)) return
    Core.Dialog.prototype.receiveRequest.call(dialog, message)
    const contact: unknown = message.parseHeader('contact')
    if (contact instanceof NameAddrHeader) {
      ;(dialog as unknown as HasDialogState).dialogState.remoteTarget = contact.uri
    }
    const server = new Core.UserAgentServer(Core.NonInviteServerTransaction, this.core, message)
    receiver.receiveUpdate(server)
  }

  /**
   * Drops an INVITE whose far end has fallen silent after a CANCEL: nothing in sip.js ends one that
   * rings. Those that are finished are left to their own timers.
   */
  forgetUnanswered(invite: Core.OutgoingInviteRequest): void {
    for (const [id, client] of this.core.userAgentClients) {
      if (client !== invite) continue
      const { state } = (client as unknown as HasTransaction).transaction
      if (state !== Core.TransactionState.Proceeding) continue
      client.dispose()
      this.core.userAgentClients.delete(id)
    }
  }

  close(): void {
    this.core.dispose()
  }

  #receiveRequest(request: Core.IncomingRequestMessage): void {
    if (request.method === 'UPDATE') {
      this.#options.onUpdate(request)
      return
    }
    // sip.js answers 404 unless the user of the Request-URI is its own; a gateway is meant by any.
    const { aor } = this.#configuration
    this.#configuration.aor = request.ruri ?? aor
    try {
      this.core.receiveIncomingRequestFromTransport(request)
    } finally {
      this.#configuration.aor = aor
    }
  }

  #configure(loggers: Core.LoggerFactory): Core.UserAgentCoreConfiguration {
    const { protocol, host, port, userAgent, send, findCredentials } = this.#options
    const own = new URI('sip', 'bunpbx', bracketed(host), port)
    const transport: Core.Transport = { protocol, send }
    return {
      aor: own,
      contact: {
        uri: own,
        pubGruu: undefined,
        tempGruu: undefined,
        toString: () => this.contact(),
      },
      displayName: '',
      loggerFactory: loggers,
      hackViaTcp: false,
      routeSet: [],
      sipjsId: '',
      supportedOptionTags: [...EXTENSIONS],
      supportedOptionTagsResponse: [...EXTENSIONS],
      userAgentHeaderFieldValue: userAgent,
      viaForceRport: true,
      viaHost: `${bracketed(host)}:${port}`,
      authenticationFactory: () => new CallDigest(loggers, findCredentials),
      transportAccessor: () => transport,
    }
  }
}

/** Protected properties of sip.js; `sip-js-contract.test.ts` watches that they stay. */
interface HasTransaction {
  readonly transaction: { readonly state: Core.TransactionState }
}
interface HasServerTransaction {
  readonly transaction: { receiveRequest(request: Core.IncomingRequestMessage): void }
}
interface HasDialogState {
  readonly dialogState: { remoteTarget: URI }
  /** Answers 500 and gives false when the request is older than one before it. */
  sequenceGuard(request: Core.IncomingRequestMessage): boolean
}

/** A dialog that takes UPDATE. */
export interface UpdateReceiver {
  receiveUpdate(request: Core.UserAgentServer): void
}

export interface RequestParts {
  readonly uri: URI
  readonly from: URI
  readonly to: URI
  readonly callId: string
  readonly cseq: number
  readonly headers: readonly string[]
  readonly fromTag?: string
  readonly fromName?: string
  /** The route set, first hop first, each in angle brackets. */
  readonly routes?: readonly string[]
  /** SDP. */
  readonly body?: string
}

/** SDP as a body of sip.js. */
export function sdpBody(content: string): Core.Body {
  return { contentDisposition: 'session', contentType: 'application/sdp', content }
}

/** The SDP of a message, undefined where it has none. */
export function sdpOf(message: Core.IncomingMessage): string | undefined {
  return message.body === '' || message.body === undefined ? undefined : message.body
}

/** A URI as sip.js wants it; undefined when it is none. */
export function engineUri(text: string): URI | undefined {
  return parseUri(text)
}
