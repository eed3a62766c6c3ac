import type { CallEvent } from '#protocol/event.ts'

type Named<Name extends CallEvent['event']> = Extract<CallEvent, { event: Name }>

interface Waiter {
  readonly matches: (event: CallEvent) => boolean
  readonly resolve: (event: CallEvent) => void
}

/** A client of the call API over a real WebSocket, for end-to-end tests. */
export class WireClient {
  readonly events: CallEvent[] = []
  /** Payload bytes received, and how many messages they came in. */
  readonly audio: Uint8Array[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly ws: WebSocket
  readonly #waiters: Waiter[] = []
  /** Events before this index have been seen by `sees`. */
  #seen = 0

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.binaryType = 'arraybuffer'
    ws.onmessage = ({ data }) => this.#receive(data)
    this.closed = new Promise((resolve) => {
      ws.onclose = ({ code, reason }) => resolve({ code, reason })
    })
  }

  /** Connects; `path` is e.g. `/call?id=x`. Rejects when the upgrade is refused. */
  static async connect(url: string, path = '/call', headers = {}): Promise<WireClient> {
    const ws = new WebSocket(url.replace('http', 'ws') + path, { headers } as never)
    const client = new WireClient(ws)
    await new Promise<void>((resolve, reject) => {
      ws.onopen = () => resolve()
      ws.onerror = () => reject(new Error(`the upgrade of ${path} was refused`))
    })
    return client
  }

  /** Connects and invites, and waits for the answer. */
  static async call(url: string, option: object = {}, path = '/call'): Promise<WireClient> {
    const client = await WireClient.connect(url, path)
    client.send({ command: 'invite', option })
    await client.sees('answer')
    return client
  }

  get names(): string[] {
    return this.events.map(({ event }) => event)
  }

  send(command: object | string): void {
    this.ws.send(typeof command === 'string' ? command : JSON.stringify(command))
  }

  sendAudio(payload: Uint8Array): void {
    this.ws.send(payload)
  }

  /** Waits for the next event of that name that `sees` has not returned yet. */
  async sees<Name extends CallEvent['event']>(
    name: Name,
    fields: Partial<Named<Name>> = {},
  ): Promise<Named<Name>> {
    const matches = (event: CallEvent) =>
      event.event === name &&
      Object.entries(fields).every(([key, value]) => (event as never)[key] === value)
    const index = this.events.findIndex((event, i) => i >= this.#seen && matches(event))
    if (index !== -1) {
      this.#seen = index + 1
      return this.events[index] as Named<Name>
    }
    return (await new Promise<CallEvent>((resolve) => {
      this.#waiters.push({ matches, resolve })
    })) as Named<Name>
  }

  /** Hangs up and waits for the close. */
  async hangup(): Promise<{ code: number; reason: string }> {
    this.send({ command: 'hangup' })
    return this.closed
  }

  /** Everything heard so far, as 16-bit samples. */
  heardPcm(): Int16Array {
    const bytes = Buffer.concat(this.audio)
    return new Int16Array(new Uint8Array(bytes).buffer)
  }

  #receive(data: unknown): void {
    if (typeof data !== 'string') {
      this.audio.push(new Uint8Array(data as ArrayBuffer))
      return
    }
    const event = JSON.parse(data) as CallEvent
    this.events.push(event)
    const index = this.#waiters.findIndex(({ matches }) => matches(event))
    if (index === -1) return
    this.#seen = this.events.length
    this.#waiters.splice(index, 1)[0]?.resolve(event)
  }
}
