import { SipError } from '../sip-error.ts'
import type { Channel, Listen, ReceiveText } from './channel.ts'
import { formatHostPort, type SipAddress } from './sip-address.ts'

/** Longest message, and what a client may leave unread before it is cut off. */
const MAX_MESSAGE_BYTES = 65_536
const MAX_UNREAD_BYTES = 1_048_576
/** A client that has sent nothing, not even an answer to a ping, for that long is gone. */
const IDLE_SECONDS = 120

interface Client {
  readonly address: SipAddress
}

/**
 * SIP over WebSocket (RFC 7118), for clients that open the connection themselves: what goes to them
 * goes by it, and nobody else can be called. TLS is the business of a proxy in front.
 */
export class WebSocketChannel implements Channel {
  readonly protocol = 'WS'
  readonly stats = { sent: 0, received: 0, refused: 0, connections: 0 }
  readonly #clients = new Map<string, Bun.ServerWebSocket<Client>>()
  readonly #server: Bun.Server<Client>

  constructor({ host, port }: Listen, receive: ReceiveText) {
    this.#server = Bun.serve<Client>({
      hostname: host,
      port,
      fetch: (request, server) => this.#upgrade(request, server),
      websocket: {
        maxPayloadLength: MAX_MESSAGE_BYTES,
        backpressureLimit: MAX_UNREAD_BYTES,
        closeOnBackpressureLimit: true,
        idleTimeout: IDLE_SECONDS,
        open: (client) => {
          this.#clients.set(formatHostPort(client.data.address), client)
          this.stats.connections = this.#clients.size
        },
        message: (client, message) => {
          const text = typeof message === 'string' ? message : message.toString('utf8')
          // RFC 7118 §6: a client may ask whether we are there.
          if (text === '\r\n\r\n') client.send('\r\n')
          this.stats.received += 1
          receive(text, client.data.address)
        },
        close: (client) => {
          this.#clients.delete(formatHostPort(client.data.address))
          this.stats.connections = this.#clients.size
        },
      },
    })
  }

  get port(): number {
    return this.#server.port ?? 0
  }

  async send(text: string, to: SipAddress): Promise<void> {
    const client = this.#clients.get(formatHostPort(to))
    if (client === undefined) throw new SipError('unreachable', 'the WebSocket client has gone')
    client.send(text)
    this.stats.sent += 1
  }

  close(): void {
    this.#server.stop(true).catch(() => undefined)
  }

  #upgrade(request: Request, server: Bun.Server<Client>): Response | undefined {
    const peer = server.requestIP(request)
    const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(/\s*,\s*/)
    // RFC 7118 §4.1: the subprotocol is named on both sides.
    if (peer === null || !offered.includes('sip')) {
      this.stats.refused += 1
      return new Response('This is SIP over WebSocket (subprotocol "sip").', { status: 426 })
    }
    const address: SipAddress = { protocol: 'WS', host: peer.address, port: peer.port }
    const headers = { 'Sec-WebSocket-Protocol': 'sip' }
    if (server.upgrade(request, { data: { address }, headers })) return undefined
    return new Response('Not a WebSocket handshake.', { status: 400 })
  }
}
