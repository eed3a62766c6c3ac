/** Longest head and longest body of a message on a stream; a longer one ends the connection. */
const MAX_HEAD_BYTES = 65_536
const MAX_BODY_BYTES = 65_536

const CR = 13
const LF = 10

export interface FramerHandlers {
  onMessage(text: string): void
  /** The double line end by which a peer asks whether we are there (RFC 5626 §3.5.1). */
  onPing(): void
}

/** Finds the messages in a stream of bytes by their Content-Length (RFC 3261 §18.3). */
export class MessageFramer {
  readonly #handlers: FramerHandlers
  #bytes: Buffer = Buffer.alloc(0)

  constructor(handlers: FramerHandlers) {
    this.#handlers = handlers
  }

  /** Takes what has come. False when the stream cannot be understood any more. */
  push(chunk: Buffer): boolean {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    for (;;) {
      this.#skipLineEnds()
      const message = this.#next()
      if (message === undefined) return true
      if (message === 'broken') return false
      this.#handlers.onMessage(message.text)
    }
  }

  #next(): { readonly text: string } | 'broken' | undefined {
    const headEnd = this.#bytes.indexOf('\r\n\r\n')
    if (headEnd < 0) return this.#bytes.length > MAX_HEAD_BYTES ? 'broken' : undefined
    if (headEnd > MAX_HEAD_BYTES) return 'broken'
    const head = this.#bytes.toString('latin1', 0, headEnd + 2)
    // Without it the end of the message is unknown, and with it that of every later one.
    const length = /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,7})[ \t]*\r$/im.exec(head)?.[1]
    if (length === undefined || Number(length) > MAX_BODY_BYTES) return 'broken'
    const end = headEnd + 4 + Number(length)
    if (this.#bytes.length < end) return undefined
    const text = this.#bytes.toString('utf8', 0, end)
    this.#bytes = this.#bytes.subarray(end)
    return { text }
  }

  /** Line ends between messages keep NAT bindings open; two in a row want an answer. */
  #skipLineEnds(): void {
    let skip = 0
    while (this.#bytes[skip] === CR && this.#bytes[skip + 1] === LF) skip += 2
    for (let ping = 4; ping <= skip; ping += 4) this.#handlers.onPing()
    this.#bytes = this.#bytes.subarray(skip)
  }
}
