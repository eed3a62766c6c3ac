import { SipError } from '../sip-error.ts'
import type { Channel, Listen, ReceiveText } from './channel.ts'
import type { SipAddress } from './sip-address.ts'

/** How often one datagram is offered to the system while errors of other peers are in its way. */
const MAX_ATTEMPTS = 4

/**
 * One UDP socket for all peers.
 *
 * The kernel keeps the ICMP errors that earlier datagrams have caused, and Bun reports each of them
 * by a throw of the *next* `send`, to whomever that goes, without sending it. So a send that throws
 * is repeated; else one dead peer would cost the others every message. Without an `error` handler
 * the same ICMP message ends the process.
 */
export class UdpChannel implements Channel {
  readonly protocol = 'UDP'
  readonly stats = { sent: 0, received: 0, unsent: 0, icmpErrors: 0 }
  readonly #socket: Bun.udp.Socket<'buffer'>
  #isClosed = false

  private constructor(socket: Bun.udp.Socket<'buffer'>) {
    this.#socket = socket
  }

  static async open({ host, port }: Listen, receive: ReceiveText): Promise<UdpChannel> {
    const opened: { channel?: UdpChannel } = {}
    const socket = await Bun.udpSocket({
      hostname: host,
      port,
      socket: {
        data(_socket, data, sourcePort, sourceHost) {
          const { channel } = opened
          if (channel === undefined || channel.#isClosed) return
          channel.stats.received += 1
          receive(data.toString('utf8'), { protocol: 'UDP', host: sourceHost, port: sourcePort })
        },
        error() {
          if (opened.channel !== undefined) opened.channel.stats.icmpErrors += 1
        },
      },
    })
    opened.channel = new UdpChannel(socket)
    return opened.channel
  }

  get port(): number {
    return this.#socket.port
  }

  async send(text: string, to: SipAddress): Promise<void> {
    for (let attempt = 1; !this.#isClosed && attempt <= MAX_ATTEMPTS; attempt += 1) {
      try {
        // A full socket buffer (false) is left to the retransmission.
        if (this.#socket.send(text, to.port, to.host)) this.stats.sent += 1
        else this.stats.unsent += 1
        return
      } catch (error) {
        this.stats.icmpErrors += 1
        if (attempt < MAX_ATTEMPTS) continue
        this.stats.unsent += 1
        throw new SipError('unreachable', `cannot send to ${to.host}`, { cause: error })
      }
    }
    throw new SipError('closed', 'the UDP socket is closed')
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.close()
  }
}
