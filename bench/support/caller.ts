/** One client of the call API over a real socket, with clocks on what arrives. */
export class Caller {
  readonly #ws: WebSocket
  readonly #waiting: { name: string; resolve: (event: Record<string, unknown>) => void }[] = []
  #speakTimer: ReturnType<typeof setInterval> | undefined
  /** When each frame arrived, in milliseconds of `performance.now()`. */
  arrivals: number[] = []
  onAudio: (payload: Uint8Array, atMs: number) => void = () => undefined
  onEvent: (event: Record<string, unknown>, atMs: number) => void = () => undefined

  private constructor(ws: WebSocket) {
    this.#ws = ws
    ws.onmessage = ({ data }) => this.#receive(data)
  }

  static async connect(url: string, query = ''): Promise<Caller> {
    const ws = new WebSocket(`${url.replace('http', 'ws')}/call${query}`)
    ws.binaryType = 'arraybuffer'
    await new Promise((resolve, reject) => {
      ws.onopen = resolve
      ws.onerror = () => reject(new Error('the call was refused'))
    })
    return new Caller(ws)
  }

  send(command: Record<string, unknown>): void {
    this.#ws.send(JSON.stringify(command))
  }

  sendAudio(payload: Uint8Array): void {
    this.#ws.send(payload)
  }

  /** The next event of that name. */
  next(name: string): Promise<Record<string, unknown>> {
    return new Promise((resolve) => this.#waiting.push({ name, resolve }))
  }

  async invite(option: Record<string, unknown> = {}): Promise<void> {
    const answer = this.next('answer')
    this.send({ command: 'invite', option })
    await answer
  }

  async hangup(): Promise<void> {
    clearInterval(this.#speakTimer)
    const closed = new Promise((resolve) => {
      this.#ws.onclose = resolve
    })
    this.send({ command: 'hangup' })
    await closed
  }

  #receive(data: unknown): void {
    const atMs = performance.now()
    if (typeof data !== 'string') {
      this.arrivals.push(atMs)
      this.onAudio(new Uint8Array(data as ArrayBuffer), atMs)
      return
    }
    const event = JSON.parse(data) as Record<string, unknown>
    this.onEvent(event, atMs)
    const index = this.#waiting.findIndex(({ name }) => name === event['event'])
    if (index !== -1) this.#waiting.splice(index, 1)[0]?.resolve(event)
  }
}
