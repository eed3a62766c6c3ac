import { Histogram } from '#core/histogram.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '../processor.ts'
import { DenoiseLine } from './denoise-line.ts'
import { Denoiser } from './denoiser.ts'

/** How often denoisers look whether something has waited too long. */
const EXPIRY_MS = 50
const LATENCY_SECONDS = [0.01, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2]

export interface DenoiseEngineOptions {
  /** For the log: the Worker died, which is at most once a second, or what follows one threw. */
  readonly onFault?: Sink<Error>
  /** How long a frame may wait for its cleaned self: this at least, twice as long at most. */
  readonly patienceMs?: number
  /** How to start the Worker, where it is not to be `denoise-worker.ts`. */
  readonly createWorker?: () => Worker
}

export interface DenoiseStats {
  /** Denoisers that are open. */
  readonly denoisers: number
  /** Frames passed on cleaned. */
  readonly cleanFrames: number
  /**
   * Frames passed on as they were: because the Worker was loading, dead or behind, and one at the
   * beginning of each pause in the audio.
   */
  readonly rawFrames: number
  /** How often a dead Worker was replaced. */
  readonly restarts: number
  /** How often what follows a denoiser threw. */
  readonly faults: number
}

/**
 * RNNoise for all legs of the process, in one Worker, which starts with the first denoiser: most
 * calls ask for none.
 */
export class DenoiseEngine {
  /** Seconds from a frame being handed in to its coming out cleaned. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  readonly #onFault: Sink<Error>
  readonly #patienceMs: number
  readonly #createWorker: () => Worker
  readonly #counts = { cleanFrames: 0, rawFrames: 0, faults: 0 }
  readonly #denoisers = new Set<Denoiser>()
  #created = 0
  #line: DenoiseLine | undefined
  #expiryTimer: ReturnType<typeof setInterval> | undefined

  constructor(options: DenoiseEngineOptions = {}) {
    const { onFault = () => {}, patienceMs = 100, createWorker = startWorker } = options
    this.#onFault = onFault
    this.#patienceMs = patienceMs
    this.#createWorker = createWorker
  }

  get stats(): DenoiseStats {
    const restarts = this.#line?.restarts ?? 0
    return { denoisers: this.#denoisers.size, restarts, ...this.#counts }
  }

  /** A denoiser for one leg. It belongs to the caller, who closes it. */
  createDenoiser(): Processor {
    this.#line ??= new DenoiseLine(this.#createWorker, (cause) => this.#handleDeath(cause))
    this.#expiryTimer ??= setInterval(() => this.#expire(), EXPIRY_MS)
    const watch = {
      onClean: (waitedMs: number) => {
        this.#counts.cleanFrames += 1
        this.latency.observe(waitedMs / 1000)
      },
      onRaw: () => {
        this.#counts.rawFrames += 1
      },
      onFault: (cause: unknown) => {
        this.#counts.faults += 1
        this.#onFault(new Error('what follows a denoiser threw', { cause }))
      },
      onClose: () => this.#forget(denoiser),
    }
    const denoiser = new Denoiser(this.#line, watch, this.#nextPatienceMs())
    this.#denoisers.add(denoiser)
    return denoiser
  }

  /** Ends the Worker; denoisers still in use then pass frames on raw. Harmless to call twice. */
  async close(): Promise<void> {
    clearInterval(this.#expiryTimer)
    const closed = this.#line?.close()
    for (const denoiser of this.#denoisers) denoiser.giveUp()
    await closed
  }

  /**
   * Every denoiser has another one: under too much load the least patient give way, and the rest
   * need not. The golden ratio spreads them evenly, however many there are.
   */
  #nextPatienceMs(): number {
    this.#created += 1
    return this.#patienceMs * (1 + ((this.#created * 0.618_034) % 1))
  }

  /** While nobody denoises, no timer runs. */
  #forget(denoiser: Denoiser): void {
    this.#denoisers.delete(denoiser)
    if (this.#denoisers.size > 0) return
    clearInterval(this.#expiryTimer)
    this.#expiryTimer = undefined
  }

  #expire(): void {
    const nowMs = performance.now()
    for (const denoiser of this.#denoisers) denoiser.expire(nowMs)
  }

  #handleDeath(cause: Error): void {
    for (const denoiser of this.#denoisers) denoiser.giveUp()
    this.#onFault(new Error(`the denoise Worker died: ${cause.message}`, { cause }))
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./denoise-worker.ts', import.meta.url))
}
