import net from 'node:net'
import tls from 'node:tls'
import { SipError } from '../sip-error.ts'
import type { Channel, Listen, ReceiveText } from './channel.ts'
import { MessageFramer } from './message-framer.ts'
import { formatHostPort, type SipAddress } from './sip-address.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** A connection without any byte for that long is given up. */
const IDLE_MS = 15 * 60_000
/** What a peer may leave unread before its connection is ended. */
const MAX_UNREAD_BYTES = 1_048_576

export interface TlsOptions {
  /** PEM texts of the server's key and certificate chain. */
  readonly key: string
  readonly cert: string
  /** Whether a server must show a certificate that is known and its own; default true. */
  readonly verifyServers?: boolean
}

export interface StreamOptions extends Listen {
  /** Present: TLS. Absent: TCP. */
  readonly tls?: TlsOptions
  /** Connections at a time; default 2,000. */
  readonly maxConnections?: number
}

/**
 * TCP or TLS: one listener and a connection for each peer, whoever opened it. Answers go back on
 * the connection the request came by, and so do later requests of the same call.
 */
export class StreamChannel implements Channel {
  readonly protocol: 'TCP' | 'TLS'
  readonly stats = { sent: 0, received: 0, refused: 0, broken: 0, connections: 0 }
  readonly #options: StreamOptions
  readonly #receive: ReceiveText
  readonly #connections = new Map<string, net.Socket>()
  readonly #connecting = new Map<string, Promise<net.Socket>>()
  #server: net.Server | undefined

  private constructor(options: StreamOptions, receive: ReceiveText) {
    this.protocol = options.tls === undefined ? 'TCP' : 'TLS'
    this.#options = options
    this.#receive = receive
  }

  static async open(options: StreamOptions, receive: ReceiveText): Promise<StreamChannel> {
    const channel = new StreamChannel(options, receive)
    await channel.#listen()
    return channel
  }

  get port(): number {
    const address = this.#server?.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async send(text: string, to: SipAddress): Promise<void> {
    const socket = this.#connections.get(formatHostPort(to)) ?? (await this.#connect(to))
    if (socket.writableLength > MAX_UNREAD_BYTES) {
      socket.destroy()
      throw new SipError('unreachable', `${to.host} does not read what it is sent`)
    }
    socket.write(text)
    this.stats.sent += 1
  }

  close(): void {
    this.#server?.close()
    this.#server = undefined
    for (const socket of this.#connections.values()) socket.destroy()
  }

  async #listen(): Promise<void> {
    const accept = (socket: net.Socket): void => this.#accept(socket)
    const server =
      this.#options.tls === undefined
        ? net.createServer(accept)
        : tls.createServer({ key: this.#options.tls.key, cert: this.#options.tls.cert }, accept)
    // A handshake that fails is the peer's affair.
    server.on('tlsClientError', () => {
      this.stats.refused += 1
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen(this.#options.port, this.#options.host, resolve)
    await promise
    server.on('error', () => {
      this.stats.refused += 1
    })
    this.#server = server
  }

  #accept(socket: net.Socket): void {
    const { remoteAddress, remotePort } = socket
    const isFull = this.#connections.size >= (this.#options.maxConnections ?? 2_000)
    if (remoteAddress === undefined || remotePort === undefined || isFull) {
      this.stats.refused += 1
      socket.destroy()
      return
    }
    const host = remoteAddress.replace(/^::ffff:/, '')
    this.#attach(socket, { protocol: this.protocol, host, port: remotePort })
  }

  /** Only one connection is made to a peer, however many messages wait for it. */
  async #connect(to: SipAddress): Promise<net.Socket> {
    if (this.#server === undefined) throw new SipError('closed', 'the channel is closed')
    const key = formatHostPort(to)
    const pending = this.#connecting.get(key)
    if (pending !== undefined) return pending
    const connecting = this.#open(to)
    this.#connecting.set(key, connecting)
    try {
      return await connecting
    } finally {
      this.#connecting.delete(key)
    }
  }

  async #open(to: SipAddress): Promise<net.Socket> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const target = { host: to.host, port: to.port }
    const secure = this.#options.tls
    const socket =
      secure === undefined
        ? net.connect(target, resolve)
        : tls.connect(
            {
              ...target,
              servername: net.isIP(to.serverName ?? to.host) ? '' : (to.serverName ?? to.host),
              rejectUnauthorized: secure.verifyServers ?? true,
            },
            resolve,
          )
    socket.once('error', reject)
    const timer = setTimeout(() => reject(new Error('timed out')), CONNECT_TIMEOUT_MS)
    try {
      await promise
    } catch (cause) {
      // The socket may still report an error of its own, which nobody waits for.
      socket.on('error', () => undefined)
      socket.destroy()
      throw new SipError('unreachable', `cannot connect to ${formatHostPort(to)}`, { cause })
    } finally {
      clearTimeout(timer)
    }
    socket.off('error', reject)
    this.#attach(socket, to)
    if (this.#server === undefined) socket.destroy()
    return socket
  }

  #attach(socket: net.Socket, peer: SipAddress): void {
    const key = formatHostPort(peer)
    this.#connections.set(key, socket)
    this.stats.connections = this.#connections.size
    const framer = new MessageFramer({
      onMessage: (text) => {
        this.stats.received += 1
        this.#receive(text, peer)
      },
      onPing: () => socket.write('\r\n'),
    })
    socket.setNoDelay(true)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      if (framer.push(chunk)) return
      this.stats.broken += 1
      socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (this.#connections.get(key) === socket) this.#connections.delete(key)
      this.stats.connections = this.#connections.size
    })
  }
}
