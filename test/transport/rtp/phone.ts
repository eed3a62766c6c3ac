import type { Codec } from '#audio/codec/codec.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { packetKind } from '#rtp/packet-kind.ts'
import { parseRtpPacket, type RtpPacket } from '#rtp/rtp-packet.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { UdpSocket } from '#transport/udp/udp-socket.ts'

export interface PhoneOptions {
  readonly host?: string
  readonly ssrc?: number
}

/** A telephone with a socket of its own: keeps what it hears, and says what it is told to. */
export class Phone {
  readonly heard: RtpPacket[] = []
  readonly rtcp: Uint8Array[] = []
  /** Answers what it hears with the very same packet. */
  isEchoing = false
  readonly #socket: UdpSocket
  readonly #writer: RtpWriter

  static async open({ host = '127.0.0.1', ssrc }: PhoneOptions = {}): Promise<Phone> {
    return new Phone(await UdpSocket.open({ host, port: 0 }, () => {}), ssrc)
  }

  private constructor(socket: UdpSocket, ssrc?: number) {
    this.#socket = socket
    this.#writer = new RtpWriter({ clockRate: 8000, ...(ssrc !== undefined && { ssrc }) })
    socket.onDatagram = (bytes, port, address) => {
      if (packetKind(bytes) === 'rtcp') this.rtcp.push(bytes)
      const packet = parseRtpPacket(bytes, performance.now())
      if (packetKind(bytes) !== 'rtp' || packet === undefined) return
      this.heard.push(packet)
      if (this.isEchoing) socket.send(bytes, port, address)
    }
  }

  get address(): string {
    return this.#socket.address
  }

  get port(): number {
    return this.#socket.port
  }

  get ssrc(): number {
    return this.#writer.ssrc
  }

  /** What it heard with `codec`, packet after packet. */
  samples(codec: Codec): Int16Array {
    const decoder = codec.createDecoder()
    const samples = new Int16Array(this.heard.length * codec.sampleRate)
    let length = 0
    for (const { payload } of this.heard)
      length += decoder.decode(payload, samples.subarray(length))
    decoder.close()
    return samples.slice(0, length)
  }

  /** Sends one packet of 20 ms. */
  say(to: { readonly port: number }, payload: Uint8Array, payloadType = 0): void {
    const writer = this.#writer
    writer.payload.set(payload)
    this.#socket.send(writer.view(writer.write(payloadType, payload.length)), to.port, '127.0.0.1')
    writer.advance(20)
  }

  /** Sends bytes as they are. */
  throwAt(to: { readonly port: number }, bytes: Uint8Array): void {
    this.#socket.send(bytes, to.port, '127.0.0.1')
  }

  close(): void {
    this.#socket.close()
  }
}

/** Payloads of 20 ms of a tone. */
export function tonePayloads(codec: Codec, frequencyHz: number, count: number): Uint8Array[] {
  const tone = new ToneGenerator(codec.sampleRate, [{ frequencyHz, levelDb: -10 }])
  const encoder = codec.createEncoder()
  const payload = new Uint8Array(codec.maxFrameBytes)
  const payloads = Array.from({ length: count }, () =>
    payload.slice(0, encoder.encode(tone.generate(20), payload)),
  )
  encoder.close()
  return payloads
}

/** Calls `onTick` every 20 ms, on a grid, until the function that it returns is called. */
export function every20Ms(onTick: (index: number) => void): () => void {
  const startMs = performance.now()
  let index = 0
  const timer = setInterval(() => {
    for (; index * 20 <= performance.now() - startMs; index += 1) onTick(index)
  }, 5)
  return () => clearInterval(timer)
}
