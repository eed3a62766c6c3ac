import { TransportError } from '../transport-error.ts'
import { UdpSocket } from './udp-socket.ts'

export interface UdpPortPoolOptions {
  readonly host: string
  /** Bounds of the range, both included. */
  readonly minPort: number
  readonly maxPort: number
  /** How long a port is left alone after a call: its far end may not have stopped sending. */
  readonly restMs?: number
}

/** The sockets of one call. Whoever opened them closes them. */
export interface UdpPorts {
  readonly rtp: UdpSocket
  /** Absent where RTCP shares the port of RTP (RFC 5761). */
  readonly rtcp: UdpSocket | undefined
  /** Gives the ports back. Harmless to call twice. */
  close(): void
}

const REST_MS = 5000

/**
 * The UDP ports that calls may use. RTP gets an even port and RTCP the odd one after it (RFC 3550
 * §11), or both the same one. Ports are taken in turn from a random one on, so that one that was
 * given back is used again as late as possible; those that other programs use are passed over.
 */
export class UdpPortPool {
  readonly stats = {
    /** Ports that another program had. */
    skipped: 0,
    /** Calls that got none. */
    refused: 0,
  }
  readonly #options: UdpPortPoolOptions
  readonly #restMs: number
  readonly #busy = new Set<number>()
  /** When a port may be used again, on the clock of `performance.now()`. */
  readonly #restUntilMs = new Map<number, number>()
  #next: number

  constructor(options: UdpPortPoolOptions) {
    this.#options = options
    this.#restMs = options.restMs ?? REST_MS
    const { minPort, maxPort } = options
    this.#next = minPort + Math.floor(Math.random() * (maxPort - minPort + 1))
  }

  /** Ports in use at present. */
  get busyCount(): number {
    return this.#busy.size
  }

  /**
   * Opens sockets on free ports; datagrams go nowhere until their `onDatagram` is set.
   *
   * @throws {TransportError} `no_ports` when all are taken; `bind_failed` when the host is wrong.
   */
  async open({ isMuxed = false }: { readonly isMuxed?: boolean } = {}): Promise<UdpPorts> {
    const { minPort, maxPort } = this.#options
    const count = maxPort - minPort + 1
    const first = this.#next
    for (let i = 0; i < count; i += 1) {
      const port = minPort + ((first - minPort + i) % count)
      const ports = portsFrom(port, isMuxed)
      if (ports === undefined || !ports.every((each) => this.#isFree(each))) continue
      this.#next = port + ports.length
      // Taken before anything is awaited, so that two calls cannot get the same.
      for (const each of ports) this.#busy.add(each)
      const opened = await this.#bind(ports)
      if (opened !== undefined) return opened
      this.stats.skipped += ports.length
    }
    this.stats.refused += 1
    throw new TransportError('no_ports', `all UDP ports from ${minPort} to ${maxPort} are in use`)
  }

  /** Opens one socket per port; `undefined` when one of them is not to be had. */
  async #bind(ports: readonly number[]): Promise<UdpPorts | undefined> {
    const sockets: UdpSocket[] = []
    try {
      for (const port of ports) {
        sockets.push(await UdpSocket.open({ host: this.#options.host, port }, () => {}))
      }
    } catch (error) {
      for (const socket of sockets) socket.close()
      for (const port of ports) this.#busy.delete(port)
      if ((error as TransportError).code !== 'port_in_use') throw error
      return undefined
    }
    const [rtp, rtcp] = sockets
    return rtp === undefined ? undefined : { rtp, rtcp, close: () => this.#release(sockets) }
  }

  #release(sockets: readonly UdpSocket[]): void {
    for (const socket of sockets) {
      if (socket.isClosed) continue
      socket.close()
      this.#busy.delete(socket.port)
      if (this.#restMs > 0) this.#restUntilMs.set(socket.port, performance.now() + this.#restMs)
    }
  }

  #isFree(port: number): boolean {
    if (port > this.#options.maxPort || this.#busy.has(port)) return false
    const restUntilMs = this.#restUntilMs.get(port)
    if (restUntilMs === undefined) return true
    if (performance.now() < restUntilMs) return false
    this.#restUntilMs.delete(port)
    return true
  }
}

/** The ports of a call whose RTP is at `port`; `undefined` when it cannot be there. */
function portsFrom(port: number, isMuxed: boolean): readonly number[] | undefined {
  if (isMuxed) return [port]
  return port % 2 === 0 ? [port, port + 1] : undefined
}
