import { packetKind } from '#rtp/packet-kind.ts'
import type { UdpPorts } from '../udp/udp-port-pool.ts'
import type { RtpPort, RtpPortHandlers } from './rtp-port.ts'

/** Sockets that serve one call alone: whatever arrives is for it, or for nobody. */
export class OwnRtpPort implements RtpPort {
  readonly address: string
  readonly port: number
  readonly rtcpPort: number
  readonly stats = { strangers: 0 }
  readonly #ports: UdpPorts
  #handlers: RtpPortHandlers | undefined

  /** Owns `ports` from now on. */
  constructor(ports: UdpPorts) {
    const { rtp, rtcp } = ports
    this.#ports = ports
    this.address = rtp.address
    this.port = rtp.port
    this.rtcpPort = (rtcp ?? rtp).port
    rtp.onDatagram = this.#receive
    if (rtcp !== undefined) rtcp.onDatagram = this.#receive
  }

  attach(handlers: RtpPortHandlers): void {
    this.#handlers = handlers
  }

  expect(): void {}

  claim(): void {}

  sendRtp(bytes: Uint8Array, port: number, address: string): boolean {
    return this.#ports.rtp.send(bytes, port, address)
  }

  sendRtcp(bytes: Uint8Array, port: number, address: string): boolean {
    return (this.#ports.rtcp ?? this.#ports.rtp).send(bytes, port, address)
  }

  close(): void {
    this.#handlers = undefined
    this.#ports.close()
  }

  // Some far ends share a port without having agreed to: what a packet is says where it belongs.
  readonly #receive = (bytes: Uint8Array, port: number, address: string): void => {
    const kind = packetKind(bytes)
    if (kind === 'rtp') this.#handlers?.onRtp(bytes, port, address)
    else if (kind === 'rtcp') this.#handlers?.onRtcp(bytes, port, address)
    else this.stats.strangers += 1
  }
}
