import { packetKind } from '#rtp/packet-kind.ts'
import { readUint32 } from '#rtp/uint32.ts'
import { canonicalAddress } from '../udp/ip-address.ts'
import { UdpSocket, type UdpSocketOptions } from '../udp/udp-socket.ts'
import { type Channel, RouteTable } from './route-table.ts'
import type { ExpectedSource, RtpPort, RtpPortHandlers } from './rtp-port.ts'

/** Where the SSRC of the sender stands: RFC 3550 §5.1 and §6.4.1. */
const RTP_SSRC_AT = 8
const RTCP_SSRC_AT = 4
/** RTCP with nothing but a header and an SSRC. */
const MIN_BYTES = 8
/** Half a second of 200 calls, for the moments when the process is busy with something else. */
const RECEIVE_BUFFER_BYTES = 4 * 2 ** 20

/**
 * One UDP port for all calls, for hosts that publish few of them. Whose a packet is:
 *
 *   address and port are known ─► that call; where several share them, by SSRC
 *   else the SSRC is known ─────► that call, which decides whether the far end has moved
 *   else one call alone waits for a far end at that address ─► that call
 *   else nobody's
 */
export class SharedRtpPort {
  readonly stats: { strangers: number; ambiguous: number }
  readonly #socket: UdpSocket
  readonly #table = new RouteTable<SharedChannel>()

  /** @throws {TransportError} `port_in_use`, `bind_failed`. */
  static async open(options: UdpSocketOptions): Promise<SharedRtpPort> {
    const receiveBufferBytes = options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES
    return new SharedRtpPort(await UdpSocket.open({ ...options, receiveBufferBytes }, () => {}))
  }

  private constructor(socket: UdpSocket) {
    this.#socket = socket
    this.stats = { strangers: 0, ambiguous: 0 }
    socket.onDatagram = this.#receive
  }

  get address(): string {
    return this.#socket.address
  }

  get port(): number {
    return this.#socket.port
  }

  /** What the system holds of packets that were not read yet; less than wanted may lose some. */
  get receiveBufferBytes(): number | undefined {
    return this.#socket.receiveBufferBytes
  }

  get socketStats(): Readonly<UdpSocket['stats']> {
    return this.#socket.stats
  }

  /** Calls that have a channel. */
  get channelCount(): number {
    return this.#table.size
  }

  /** The part of the port that is one call's. */
  createChannel(): RtpPort {
    const channel = new SharedChannel(this.#socket, this.#table)
    this.#table.add(channel)
    return channel
  }

  close(): void {
    this.#socket.close()
  }

  readonly #receive = (bytes: Uint8Array, port: number, address: string): void => {
    const kind = packetKind(bytes)
    const isRtp = kind === 'rtp'
    if ((!isRtp && kind !== 'rtcp') || bytes.length < MIN_BYTES) {
      this.stats.strangers += 1
      return
    }
    const ssrc = readUint32(bytes, isRtp ? RTP_SSRC_AT : RTCP_SSRC_AT)
    const channel = this.#table.find(ssrc, port, address)
    if (channel === undefined) this.stats.strangers += 1
    else if (channel === 'ambiguous') this.stats.ambiguous += 1
    else if (isRtp) channel.handlers?.onRtp(bytes, port, address)
    else channel.handlers?.onRtcp(bytes, port, address)
  }
}

class SharedChannel implements RtpPort, Channel {
  readonly address: string
  readonly port: number
  handlers: RtpPortHandlers | undefined
  readonly #socket: UdpSocket
  readonly #table: RouteTable<SharedChannel>

  constructor(socket: UdpSocket, table: RouteTable<SharedChannel>) {
    this.#socket = socket
    this.#table = table
    this.address = socket.address
    this.port = socket.port
  }

  get rtcpPort(): number {
    return this.port
  }

  attach(handlers: RtpPortHandlers): void {
    this.handlers = handlers
  }

  expect(source: ExpectedSource): void {
    const address = canonicalAddress(source.address) ?? source.address
    this.#table.expect(this, { ...source, address })
  }

  claim(ssrc: number, port: number, address: string): void {
    this.#table.claim(this, { ssrc, port, address })
  }

  sendRtp(bytes: Uint8Array, port: number, address: string): boolean {
    return this.#socket.send(bytes, port, address)
  }

  sendRtcp(bytes: Uint8Array, port: number, address: string): boolean {
    return this.#socket.send(bytes, port, address)
  }

  close(): void {
    this.handlers = undefined
    this.#table.remove(this)
  }
}
