import type { Socket } from 'bun'

type Connection = Socket<{ wasAsked: boolean }>

/** What a server does with a request: writes what it likes, when it likes. */
export type Script = (connection: Connection, request: string) => void

/** An HTTP server on loopback that says exactly what a test wants, also what no server should. */
export class RawServer {
  /** Bytes that the system has taken from `pour`. */
  pouredBytes = 0
  readonly requests: string[] = []
  readonly #script: Script
  readonly #connections = new Set<Connection>()
  readonly #pours = new Map<Connection, () => void>()
  readonly #listener: Bun.TCPSocketListener<{ wasAsked: boolean }>
  #onChange: (() => void) | undefined

  constructor(script: Script) {
    this.#script = script
    this.#listener = Bun.listen<{ wasAsked: boolean }>({
      hostname: '127.0.0.1',
      port: 0,
      data: { wasAsked: false },
      socket: {
        open: (connection) => {
          connection.data = { wasAsked: false }
          this.#connections.add(connection)
          this.#onChange?.()
        },
        data: (connection, bytes) => this.#receive(connection, bytes),
        drain: (connection) => this.#pours.get(connection)?.(),
        close: (connection) => {
          this.#connections.delete(connection)
          this.#pours.delete(connection)
          this.#onChange?.()
        },
        error: () => undefined,
      },
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`
  }

  get port(): number {
    return this.#listener.port
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Writes `piece` again and again for as long as the other side takes it. */
  pour(connection: Connection, piece: Uint8Array): void {
    const go = () => {
      let taken = piece.length
      while (taken === piece.length) {
        taken = Math.max(0, connection.write(piece))
        this.pouredBytes += taken
      }
    }
    this.#pours.set(connection, go)
    go()
  }

  /** Resolves when `condition` holds; it is looked at whenever a connection or request comes or goes. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onChange = resolve
      await promise
    }
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true)
  }

  #receive(connection: Connection, bytes: Uint8Array): void {
    if (connection.data.wasAsked) return
    connection.data.wasAsked = true
    const request = new TextDecoder().decode(bytes)
    this.requests.push(request)
    this.#onChange?.()
    this.#script(connection, request)
  }
}

/** The head of an answer, status line first, then the empty line. */
export function head(status: string, ...headers: string[]): string {
  return `${[`HTTP/1.1 ${status}`, ...headers].join('\r\n')}\r\n\r\n`
}
