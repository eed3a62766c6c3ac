import type { Sink } from '#core/sink.ts'
import type { FliteReply, FliteRequest } from './flite-request.ts'

/** A Worker that keeps dying is started this often at most. */
const MIN_START_INTERVAL_MS = 1000
/** Compiling takes a tenth of a second, on a busy machine some more. */
const LOAD_TIMEOUT_MS = 30_000
/** The longest clause takes a second; one that takes this long will never end. */
const CLAUSE_TIMEOUT_MS = 15_000

/**
 *   loading ──► idle ◄──► busy
 *     ▲ └────────┴──────────┴──► down ──► closed
 *     └────────────────────────────┘
 */
type HostState = 'loading' | 'idle' | 'busy' | 'down' | 'closed'

export interface FliteHostHandlers {
  /** The Worker has loaded; `run` may be called. */
  readonly onReady: () => void
  /** The Worker has died; another one is or will be started. */
  readonly onDeath: Sink<Error>
}

/** Keeps one Worker alive until it is closed, and gives it one clause at a time. */
export class FliteHost {
  readonly stats = { restarts: 0 }
  readonly #createWorker: () => Worker
  readonly #handlers: FliteHostHandlers
  #state: HostState = 'loading'
  #worker: Worker | undefined
  #hasFailedToLoad = false
  #onAnswer: Sink<Int16Array | Error> | undefined
  #startedAtMs = 0
  /** Runs while the Worker is loading or busy, and until it is started again. */
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(createWorker: () => Worker, handlers: FliteHostHandlers) {
    this.#createWorker = createWorker
    this.#handlers = handlers
    this.#start()
  }

  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  /** Whether the last Worker died before it had loaded, and none has loaded since. */
  get isBroken(): boolean {
    return this.#hasFailedToLoad
  }

  /** Speaks a clause; only when idle. The answer comes once, whatever happens but `close`. */
  run(request: FliteRequest, onAnswer: Sink<Int16Array | Error>): void {
    this.#state = 'busy'
    this.#onAnswer = onAnswer
    this.#watch(CLAUSE_TIMEOUT_MS)
    this.#worker?.postMessage(request)
  }

  /** Resolves when the Worker has ended. Harmless to call twice. */
  close(): Promise<void> {
    this.#state = 'closed'
    clearTimeout(this.#timer)
    this.#onAnswer = undefined
    const worker = this.#worker
    this.#worker = undefined
    if (worker === undefined) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    worker.addEventListener('close', () => resolve(), { once: true })
    worker.terminate()
    return promise
  }

  #start(): void {
    this.#state = 'loading'
    this.#startedAtMs = performance.now()
    const worker = this.#createWorker()
    this.#worker = worker
    worker.addEventListener('message', (event: MessageEvent<FliteReply>) => {
      if (this.#worker === worker) this.#receive(event.data)
    })
    // A Worker that throws reports the error, then ends; one that exits or is ended only ends.
    worker.addEventListener('error', (event: ErrorEvent) => this.#bury(worker, event.message))
    worker.addEventListener('close', () => this.#bury(worker, 'the Worker ended'))
    this.#watch(LOAD_TIMEOUT_MS)
  }

  #receive(reply: FliteReply): void {
    clearTimeout(this.#timer)
    this.#state = 'idle'
    switch (reply.type) {
      case 'ready':
        this.#hasFailedToLoad = false
        this.#handlers.onReady()
        return
      case 'audio':
        this.#answer(reply.samples)
        return
      case 'failure':
        this.#answer(new Error(reply.message))
        return
    }
  }

  #answer(answer: Int16Array | Error): void {
    const onAnswer = this.#onAnswer
    this.#onAnswer = undefined
    onAnswer?.(answer)
  }

  #watch(timeoutMs: number): void {
    const worker = this.#worker
    this.#timer = setTimeout(() => {
      if (worker === undefined) return
      this.#bury(worker, `no answer in ${timeoutMs / 1000} s`)
      worker.terminate()
    }, timeoutMs)
  }

  #bury(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    const error = new Error(`the flite Worker died: ${reason.trim()}`)
    if (this.#state === 'loading') this.#hasFailedToLoad = true
    this.#worker = undefined
    this.#state = 'down'
    clearTimeout(this.#timer)
    const waitMs = this.#startedAtMs + MIN_START_INTERVAL_MS - performance.now()
    this.#timer = setTimeout(() => this.#restart(), Math.max(0, waitMs))
    this.#handlers.onDeath(error)
    this.#answer(error)
  }

  #restart(): void {
    this.stats.restarts += 1
    this.#start()
  }
}
