import type { Sink } from '#core/sink.ts'

/** How many messages of one client are handled before the others get their turn. */
const BATCH = 32
/** What may wait; a client that sends more than that faster than we read has lost its mind. */
const MAX_WAITING_MESSAGES = 20_000
const MAX_WAITING_CHARS = 8 * 1024 * 1024

/**
 * Text messages of one client on their way to being handled. They are handled at once, up to a
 * batch per turn of the event loop; a burst waits here in order, so that it never delays the audio
 * of other calls.
 */
export class Inbox {
  readonly #handle: Sink<string>
  #waiting: string[] = []
  #waitingChars = 0
  #handledThisTurn = 0
  #isScheduled = false

  constructor(handle: Sink<string>) {
    this.#handle = handle
  }

  /** Takes a message; false when it does not fit any more, and then it is lost. */
  push(message: string): boolean {
    if (this.#waiting.length === 0 && this.#handledThisTurn < BATCH) {
      this.#handledThisTurn += 1
      this.#schedule()
      this.#handle(message)
      return true
    }
    const hasRoom =
      this.#waiting.length < MAX_WAITING_MESSAGES &&
      this.#waitingChars + message.length <= MAX_WAITING_CHARS
    if (!hasRoom) return false
    this.#waiting.push(message)
    this.#waitingChars += message.length
    this.#schedule()
    return true
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = []
    this.#waitingChars = 0
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    this.#handledThisTurn = 0
    const batch = this.#waiting.splice(0, BATCH)
    if (batch.length > 0) this.#schedule()
    for (const message of batch) {
      this.#handledThisTurn += 1
      this.#waitingChars -= message.length
      this.#handle(message)
    }
  }
}
