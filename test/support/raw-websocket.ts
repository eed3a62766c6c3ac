import { connect, type Socket } from 'node:net'

/**
 * A WebSocket client that does only what it is told: it does not answer pings, and reads only when
 * asked to. For playing the part of a client that is broken or gone.
 */
export class RawWebSocket {
  readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
  }

  static async connect(url: string, path: string): Promise<RawWebSocket> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    socket.on('error', reject)
    socket.once('data', (data) => {
      socket.pause()
      if (data.toString('latin1').startsWith('HTTP/1.1 101')) resolve()
      else reject(new Error(data.toString('latin1')))
    })
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await promise
    return new RawWebSocket(socket)
  }

  /** One text message, masked with zeros (RFC 6455 §5.2). */
  send(message: object): void {
    const payload = Buffer.from(JSON.stringify(message))
    const header = Buffer.alloc(payload.length < 126 ? 6 : 8)
    header[0] = 0x81
    header[1] = 0x80 | Math.min(126, payload.length)
    if (payload.length >= 126) header.writeUInt16BE(payload.length, 2)
    this.socket.write(Buffer.concat([header, payload]))
  }
}
