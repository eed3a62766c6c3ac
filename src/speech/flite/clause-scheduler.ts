import type { Sink } from '#core/sink.ts'
import { SpeechError } from '../speech-error.ts'
import { FliteHost } from './flite-host.ts'
import type { FliteRequest } from './flite-request.ts'

/** Somebody with clauses to be spoken, one at a time. */
export interface ClauseSource {
  /** Whether nothing of it has been spoken yet: somebody waits in silence. */
  readonly isFresh: boolean
  /** Takes out the next clause; `undefined` if none may be begun now. */
  begin(): FliteRequest | undefined
  /** The clause begun last has become this audio. */
  receive(samples: Int16Array): void
  /** The clause begun last, or one that waited, cannot be spoken. */
  fail(error: SpeechError): void
}

export interface ClauseSchedulerOptions {
  readonly workers: number
  readonly createWorker: () => Worker
  readonly onFault: Sink<string>
}

/**
 * Shares the Workers between utterances: first those that have not been heard at all, in the order
 * they came; then the others in turn, one clause each. An utterance has one clause under way at
 * most, which keeps its audio in order.
 */
export class ClauseScheduler {
  readonly stats = { clauses: 0, failures: 0 }
  /** Resolves when the first Worker has loaded. */
  readonly ready: Promise<void>
  readonly #hosts: readonly FliteHost[]
  readonly #onFault: Sink<string>
  readonly #fresh = new Set<ClauseSource>()
  readonly #waiting = new Set<ClauseSource>()
  #isClosed = false

  constructor({ workers, createWorker, onFault }: ClauseSchedulerOptions) {
    this.#onFault = onFault
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ready = promise
    const handlers = {
      onReady: () => {
        resolve()
        this.#dispatch()
      },
      onDeath: (error: Error) => this.#acceptDeath(error),
    }
    this.#hosts = Array.from({ length: workers }, () => new FliteHost(createWorker, handlers))
  }

  get restarts(): number {
    return this.#hosts.reduce((total, host) => total + host.stats.restarts, 0)
  }

  /** How many utterances wait for a Worker. */
  get queued(): number {
    return this.#fresh.size + this.#waiting.size
  }

  /** Puts a source in line that has a clause to be spoken and none under way; once is enough. */
  enqueue(source: ClauseSource): void {
    if (this.#isClosed) return
    if (this.#isBroken) {
      queueMicrotask(() => this.#fail(source, new Error('flite does not start in its Worker')))
      return
    }
    const line = source.isFresh ? this.#fresh : this.#waiting
    line.add(source)
    this.#dispatch()
  }

  /** Takes a source out of the line. */
  remove(source: ClauseSource): void {
    this.#fresh.delete(source)
    this.#waiting.delete(source)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#fresh.clear()
    this.#waiting.clear()
    await Promise.all(this.#hosts.map((host) => host.close()))
  }

  get #isBroken(): boolean {
    return this.#hosts.every((host) => host.isBroken)
  }

  #dispatch(): void {
    let host = this.#hosts.find(({ isIdle }) => isIdle)
    while (host !== undefined) {
      const [source] = this.#fresh.size > 0 ? this.#fresh : this.#waiting
      if (source === undefined) return
      this.remove(source)
      const request = source.begin()
      if (request !== undefined) this.#run(host, source, request)
      host = this.#hosts.find(({ isIdle }) => isIdle)
    }
  }

  #run(host: FliteHost, source: ClauseSource, request: FliteRequest): void {
    this.stats.clauses += 1
    host.run(request, (answer) => {
      try {
        if (answer instanceof Error) this.#fail(source, answer)
        else source.receive(answer)
      } finally {
        this.#dispatch()
      }
    })
  }

  #fail(source: ClauseSource, cause: Error): void {
    this.stats.failures += 1
    source.fail(serverError(cause))
  }

  #acceptDeath(error: Error): void {
    this.#onFault(error.message)
    if (!this.#isBroken) return
    const sources = [...this.#fresh, ...this.#waiting]
    this.#fresh.clear()
    this.#waiting.clear()
    for (const source of sources) this.#fail(source, error)
  }
}

function serverError(cause: Error): SpeechError {
  return new SpeechError('flite', 'server', cause.message, { cause })
}
