import { UdpSocket } from '../../udp/udp-socket.ts'
import { SipError } from '../sip-error.ts'
import type { Channel, Listen, ReceiveText } from './channel.ts'
import type { SipAddress } from './sip-address.ts'

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder()

/** One UDP socket for all peers; a datagram is a message. */
export class UdpChannel implements Channel {
  readonly protocol = 'UDP'
  readonly #socket: UdpSocket

  private constructor(socket: UdpSocket) {
    this.#socket = socket
  }

  /** @throws {TransportError} where the port cannot be had. */
  static async open(listen: Listen, receive: ReceiveText): Promise<UdpChannel> {
    const socket = await UdpSocket.open(listen, (bytes, port, host) =>
      receive(DECODER.decode(bytes), { protocol: 'UDP', host, port }),
    )
    return new UdpChannel(socket)
  }

  get port(): number {
    return this.#socket.port
  }

  get stats(): Readonly<Record<string, number>> {
    return this.#socket.stats
  }

  /** What the system does not take is left to the retransmission, as what gets lost on the way is. */
  send(text: string, to: SipAddress): Promise<void> {
    if (this.#socket.isClosed) {
      return Promise.reject(new SipError('closed', 'the UDP socket is closed'))
    }
    this.#socket.send(ENCODER.encode(text), to.port, to.host)
    return Promise.resolve()
  }

  close(): void {
    this.#socket.close()
  }
}
