import type { Sink } from './sink.ts'

/** A Worker that keeps dying is started this often at most. */
const MIN_START_INTERVAL_MS = 1000

export interface WorkerHostHandlers<Reply> {
  readonly onReply: Sink<Reply>
  /** The Worker has died; what it had been sent is lost. Another one is or will be started. */
  readonly onDeath: Sink<Error>
}

/** Keeps one Worker alive until it is closed. */
export class WorkerHost<Reply> {
  readonly stats = { restarts: 0 }
  readonly #createWorker: () => Worker
  readonly #handlers: WorkerHostHandlers<Reply>
  #worker: Worker | undefined
  #startedAtMs = 0
  #restartTimer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(createWorker: () => Worker, handlers: WorkerHostHandlers<Reply>) {
    this.#createWorker = createWorker
    this.#handlers = handlers
    this.#start()
  }

  /** Whether there is a Worker to send to; it may still be loading. */
  get isUp(): boolean {
    return this.#worker !== undefined
  }

  /** Gives `buffer` away to the Worker; without one, to nobody. */
  send(buffer: ArrayBuffer): void {
    this.#worker?.postMessage(buffer, [buffer])
  }

  /** Sends `message` to the Worker and gives `transfer` away to it; without one, to nobody. */
  post(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer)
  }

  /** Resolves when the Worker has ended. Harmless to call twice. */
  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#restartTimer)
    const worker = this.#worker
    this.#worker = undefined
    if (worker === undefined) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    worker.addEventListener('close', () => resolve(), { once: true })
    worker.terminate()
    return promise
  }

  #start(): void {
    this.#startedAtMs = performance.now()
    const worker = this.#createWorker()
    this.#worker = worker
    worker.addEventListener('message', (event: MessageEvent<Reply>) => {
      if (this.#worker === worker) this.#handlers.onReply(event.data)
    })
    // A Worker that throws reports the error, then ends; one that exits or is ended only ends.
    worker.addEventListener('error', (event: ErrorEvent) => {
      this.#bury(worker, new Error(event.message))
    })
    worker.addEventListener('close', () => {
      this.#bury(worker, new Error('the Worker ended'))
    })
  }

  #bury(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const waitMs = this.#startedAtMs + MIN_START_INTERVAL_MS - performance.now()
    this.#restartTimer = setTimeout(() => this.#restart(), Math.max(0, waitMs))
    this.#handlers.onDeath(error)
  }

  #restart(): void {
    if (this.#isClosed) return
    this.stats.restarts += 1
    this.#start()
  }
}
