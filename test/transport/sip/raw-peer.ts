import {
  header,
  methodOf,
  parseSipMessage,
  type SipMessage,
} from '#transport/sip/message/sip-message.ts'

export const PEER_SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 42000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n')

export interface ReplyOptions {
  readonly tag?: string
  readonly headers?: readonly string[]
  readonly body?: string
  /** Leaves Contact out. */
  readonly hasNoContact?: boolean
}

/** A far end that does what a test tells it, message by message, and repeats nothing. */
export class RawPeer {
  readonly received: SipMessage[] = []
  readonly #socket: Bun.udp.Socket<'buffer'>
  #lastPort = 0

  private constructor(socket: Bun.udp.Socket<'buffer'>) {
    this.#socket = socket
  }

  /** `onRequest` gets each request; BYE and CANCEL are answered 200 when it gives no true. */
  static async open(
    onRequest: (method: string, request: SipMessage, peer: RawPeer) => unknown = () => false,
  ): Promise<RawPeer> {
    const opened: { peer?: RawPeer } = {}
    const socket = await Bun.udpSocket({
      hostname: '127.0.0.1',
      socket: {
        data(_socket, data, port) {
          const { peer } = opened
          if (peer === undefined) return
          peer.#lastPort = port
          const message = parseSipMessage(data.toString())
          peer.received.push(message)
          const method = methodOf(message)
          if (method === undefined || onRequest(method, message, peer) === true) return
          if (method === 'BYE' || method === 'CANCEL') peer.reply(message, 200)
        },
        error() {},
      },
    })
    opened.peer = new RawPeer(socket)
    return opened.peer
  }

  get port(): number {
    return this.#socket.port
  }

  get uri(): string {
    return `sip:peer@127.0.0.1:${this.port}`
  }

  /** Start lines of what has come. */
  get lines(): string[] {
    return this.received.map(({ startLine }) => startLine)
  }

  reply(request: SipMessage, status: number, options: ReplyOptions = {}): void {
    const { tag = 'peer', headers = [], body = '', hasNoContact } = options
    const to = header(request, 'to') ?? ''
    const lines = [
      `SIP/2.0 ${status} Reply`,
      ...request.headers.filter(({ name }) => name === 'via').map(({ value }) => `Via: ${value}`),
      `From: ${header(request, 'from')}`,
      `To: ${/;tag=/.test(to) || tag === '' ? to : `${to};tag=${tag}`}`,
      `Call-ID: ${header(request, 'call-id')}`,
      `CSeq: ${header(request, 'cseq')}`,
      ...(hasNoContact ? [] : [`Contact: <sip:peer@127.0.0.1:${this.port}>`]),
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
    ]
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }

  send(text: string, port = this.#lastPort): void {
    this.#socket.send(text, port, '127.0.0.1')
  }

  /** A request of the peer's own; `to` is the whole header. */
  request(
    method: string,
    options: {
      readonly port: number
      readonly callId: string
      readonly cseq?: number
      readonly to?: string
      readonly from?: string
      readonly branch?: string
      readonly headers?: readonly string[]
      readonly body?: string
      readonly type?: string
    },
  ): void {
    const { port, callId, cseq = 1, headers = [], body = '', type = 'application/sdp' } = options
    const branch = options.branch ?? `z9hG4bK${callId}${method}${cseq}`
    const lines = [
      `${method} sip:any@127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch};rport`,
      `From: ${options.from ?? `<${this.uri}>;tag=peer`}`,
      `To: ${options.to ?? `<sip:any@127.0.0.1:${port}>`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      'Max-Forwards: 70',
      `Contact: <${this.uri}>`,
      ...headers,
      ...(body === '' ? [] : [`Content-Type: ${type}`]),
      `Content-Length: ${body.length}`,
    ]
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, port)
  }

  /** The last message that begins so. */
  last(start: string): SipMessage | undefined {
    return this.received.findLast(({ startLine }) => startLine.startsWith(start))
  }

  count(start: string): number {
    return this.lines.filter((line) => line.startsWith(start)).length
  }

  close(): void {
    this.#socket.close()
  }
}
