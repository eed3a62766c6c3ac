const T1_MS = 500
const GIVE_UP_MS = 64 * T1_MS

export interface ReliableProvisionalOptions {
  /** The RSeq of the response; that of the next one is higher by one. */
  readonly rseq: number
  /** Sends the response, again and again. */
  readonly send: () => unknown
  /** No PRACK has come (RFC 3262 §3: the call is to be refused with a 5xx). */
  readonly onTimeout: () => void
}

/** A 18x that is repeated until its PRACK has come, for callers that require it (RFC 3262). */
export class ReliableProvisional {
  /** Called once, when the PRACK has come. */
  onAcknowledged: (() => void) | undefined
  readonly #options: ReliableProvisionalOptions
  readonly #startedAt = performance.now()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isWaiting = true

  constructor(options: ReliableProvisionalOptions) {
    this.#options = options
    this.#send(T1_MS)
  }

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** `rack`: the header of a PRACK, which begins with the RSeq it means. */
  acknowledge(rack: string): void {
    if (!this.#isWaiting || Number.parseInt(rack, 10) !== this.#options.rseq) return
    this.close()
    this.onAcknowledged?.()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#isWaiting = false
  }

  #send(waitMs: number): void {
    this.#options.send()
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#startedAt < GIVE_UP_MS) {
        this.#send(waitMs * 2)
        return
      }
      this.close()
      this.#options.onTimeout()
    }, waitMs)
  }
}
