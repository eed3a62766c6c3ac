import { TransportError } from '../transport-error.ts'
import { unmapped } from './ip-address.ts'
import { setReceiveBuffer } from './receive-buffer.ts'

/** Takes one datagram; `bytes` is the receiver's to keep. */
export type DatagramSink = (bytes: Uint8Array, port: number, address: string) => void

export interface UdpSocketOptions {
  /** An address of this machine, or a name of one; `0.0.0.0` or `::` for all. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** How much may wait to be read; the system's default if absent, some 250 packets of audio. */
  readonly receiveBufferBytes?: number
}

type BunSocket = Bun.udp.Socket<'uint8array'>

/**
 * How often one datagram is tried: an error that waits is taken away by each try, and more than one
 * comes only when another arrives at the very same time.
 */
const MAX_TRIES = 4

/**
 * A UDP socket that one far end cannot spoil for the others. Where a host answers that a port is
 * closed (ICMP), Bun throws that at whoever sends next, to anybody, and does not send that datagram:
 * `send` sends it again. Neither such errors nor a receiver that throws end the process.
 */
export class UdpSocket {
  /** As it was bound. */
  readonly address: string
  readonly port: number
  /** What the system granted; `undefined` where it was not asked, or cannot be. */
  receiveBufferBytes: number | undefined
  readonly stats = {
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    /** Datagrams that another host's error would have cost. */
    retried: 0,
    /** Datagrams that could not be sent: no such address, or no room in the system. */
    unsent: 0,
    /** Errors that the system reported between datagrams. */
    errors: 0,
    /** Datagrams whose receiver threw. */
    faults: 0,
  }
  readonly #socket: BunSocket
  #sink: DatagramSink
  #isClosed = false

  /**
   * @throws {TransportError} `port_in_use`, and `bind_failed` when the host is not of this machine or
   *   may not be used.
   */
  static async open(options: UdpSocketOptions, onDatagram: DatagramSink): Promise<UdpSocket> {
    const { host, port, receiveBufferBytes } = options
    let opened: UdpSocket | undefined
    try {
      const socket = await Bun.udpSocket({
        hostname: host,
        port,
        binaryType: 'uint8array',
        socket: {
          data: (_, bytes, fromPort, from) => {
            if (opened !== undefined) opened.#receive(bytes, fromPort, from)
          },
          // Without a handler an error ends the process.
          error: () => {
            if (opened !== undefined) opened.stats.errors += 1
          },
        },
      })
      opened = new UdpSocket(socket, onDatagram)
      // Bun's own types do not name it.
      const { fd } = socket as { fd?: number }
      if (receiveBufferBytes !== undefined && fd !== undefined) {
        opened.receiveBufferBytes = setReceiveBuffer(fd, receiveBufferBytes)
      }
      return opened
    } catch (error) {
      const isTaken = (error as { code?: string }).code === 'EADDRINUSE'
      const detail = error instanceof Error ? error.message : String(error)
      throw new TransportError(
        isTaken ? 'port_in_use' : 'bind_failed',
        `cannot open UDP port ${port} of ${host}: ${detail}`,
        { cause: error },
      )
    }
  }

  private constructor(socket: BunSocket, onDatagram: DatagramSink) {
    this.#socket = socket
    this.#sink = onDatagram
    this.address = socket.address.address
    this.port = socket.port
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Who takes datagrams from now on. */
  set onDatagram(onDatagram: DatagramSink) {
    this.#sink = onDatagram
  }

  /**
   * Sends one datagram to an IP address; `bytes` may be used again at once. Returns whether the
   * system took it. Never throws.
   */
  send(bytes: Uint8Array, port: number, address: string): boolean {
    for (let tries = 1; !this.#isClosed && tries <= MAX_TRIES; tries += 1) {
      try {
        if (!this.#socket.send(bytes, port, address)) break
        if (tries > 1) this.stats.retried += 1
        this.stats.sent += 1
        this.stats.sentBytes += bytes.length
        return true
      } catch (error) {
        // An argument that cannot be sent to does not get better.
        if (error instanceof TypeError) break
      }
    }
    this.stats.unsent += 1
    return false
  }

  /** Harmless to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.close()
  }

  #receive(bytes: Uint8Array, port: number, address: string): void {
    if (this.#isClosed) return
    this.stats.received += 1
    this.stats.receivedBytes += bytes.length
    try {
      this.#sink(bytes, port, unmapped(address))
    } catch {
      this.stats.faults += 1
    }
  }
}
