import { UdpSocket } from '#transport/udp/udp-socket.ts'
import { seededRandom } from '../../support/seeded-random.ts'

export interface LossyPathOptions {
  readonly lossShare?: number
  readonly duplicateShare?: number
  /** Each packet is held for 0 to so many ms, and may be overtaken. */
  readonly jitterMs?: number
  readonly seed?: number
}

/** A bad network between two far ends, which each send to one end of it. */
export class LossyPath {
  readonly stats = { carried: 0, lost: 0, duplicated: 0 }
  /** Where the one far end sends to, and the other. */
  readonly ends: readonly UdpSocket[]
  readonly #options: LossyPathOptions
  readonly #random: () => number
  #ports: readonly number[] = []
  #isClosed = false

  static async open(options: LossyPathOptions): Promise<LossyPath> {
    const host = '127.0.0.1'
    const ends = [
      await UdpSocket.open({ host, port: 0 }, () => {}),
      await UdpSocket.open({ host, port: 0 }, () => {}),
    ]
    return new LossyPath(ends, options)
  }

  private constructor(ends: readonly UdpSocket[], options: LossyPathOptions) {
    this.ends = ends
    this.#options = options
    this.#random = seededRandom(options.seed ?? 1)
    for (const [i, end] of ends.entries()) end.onDatagram = (bytes) => this.#carry(1 - i, bytes)
  }

  /** The ports of the two far ends. */
  connect(ports: readonly [number, number]): void {
    this.#ports = ports
  }

  close(): void {
    this.#isClosed = true
    for (const end of this.ends) end.close()
  }

  /** What comes in at one end leaves from the other, so that answers find the way back. */
  #carry(to: number, bytes: Uint8Array): void {
    const { lossShare = 0, duplicateShare = 0, jitterMs = 0 } = this.#options
    if (this.#random() < lossShare) {
      this.stats.lost += 1
      return
    }
    const copies = this.#random() < duplicateShare ? 2 : 1
    this.stats.duplicated += copies - 1
    for (let i = 0; i < copies; i += 1) {
      setTimeout(() => this.#deliver(to, bytes), this.#random() * jitterMs)
    }
  }

  #deliver(to: number, bytes: Uint8Array): void {
    const port = this.#ports[to]
    if (this.#isClosed || port === undefined) return
    this.stats.carried += 1
    this.ends[to]?.send(bytes, port, '127.0.0.1')
  }
}
