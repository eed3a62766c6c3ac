import { Histogram } from '#core/histogram.ts'
import type { Playback } from '../playback.ts'
import { FilePlayback } from './file-playback.ts'
import { MediaError } from './media-error.ts'
import type { MediaReply, MediaRequest, MediaSettings } from './media-message.ts'

export interface MediaLibraryOptions extends MediaSettings {
  /** Told when the Worker dies or the cache cannot be written. */
  readonly onFault?: (message: string) => void
  /** Makes the Worker; another than ours only in tests. */
  readonly createWorker?: () => Worker
  /** A Worker that died is replaced no sooner than so long after it was started. */
  readonly restartMs?: number
  /** How often the Worker is asked whether it still listens; five times without answer is a no. */
  readonly pingMs?: number
}

export interface MediaHandlers {
  /** No more audio will come; the playback ends with what it has. At most once, never in `open`. */
  onError(error: MediaError): void
}

interface OpenFile {
  readonly playback: FilePlayback
  readonly handlers: MediaHandlers
  readonly openedMs: number
  hasAudio: boolean
}

const LATENCY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
/** A Worker that has not answered so many pings hangs and is ended. */
const MAX_UNANSWERED = 5

/**
 * Opens what `play` names: files under `MEDIA_DIR` and http(s) URLs. Fetching, decoding and
 * resampling happen in a Worker, about two seconds ahead of what is heard.
 */
export class MediaLibrary {
  /** Seconds from `open` to the first audio. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  /** `gaps`: how often audio that had begun was not there in time, in files that are closed. */
  readonly stats = { opened: 0, failed: 0, gaps: 0, restarts: 0 }
  readonly #settings: MediaSettings
  readonly #onFault: (message: string) => void
  readonly #makeWorker: () => Worker
  readonly #restartMs: number
  readonly #pingMs: number
  readonly #files = new Map<number, OpenFile>()
  #worker: Worker | undefined
  #startedMs = 0
  #pingTimer: ReturnType<typeof setInterval> | undefined
  #unanswered = 0
  #nextId = 0

  constructor(options: MediaLibraryOptions) {
    const { onFault, createWorker, restartMs, pingMs, ...settings } = options
    this.#settings = settings
    this.#onFault = onFault ?? (() => undefined)
    this.#makeWorker = createWorker ?? startWorker
    this.#restartMs = restartMs ?? 1000
    this.#pingMs = pingMs ?? 1000
    this.#worker = this.#createWorker()
  }

  /** Files that are being decoded. */
  get openFiles(): number {
    return this.#files.size
  }

  /** Opens `url` as mono audio at `sampleRate`. Returns at once; failures come by `onError`. */
  open(url: string, sampleRate: number, handlers: MediaHandlers): Playback {
    const id = this.#nextId
    this.#nextId += 1
    const playback = new FilePlayback(sampleRate, {
      played: (samples) => this.#post({ type: 'played', id, samples }),
      close: () => {
        this.#forget(id)
        this.#post({ type: 'close', id })
      },
    })
    this.stats.opened += 1
    this.#files.set(id, { playback, handlers, openedMs: performance.now(), hasAudio: false })
    this.#pingTimer ??= setInterval(() => this.#ping(), this.#pingMs)
    if (this.#ensureWorker()) this.#post({ type: 'open', id, url, sampleRate })
    else queueMicrotask(() => this.#fail(id, decoderGone()))
    return playback
  }

  /** Ends the Worker; what still plays ends with what it has. Harmless to call twice. */
  close(): Promise<void> {
    for (const [id, { playback }] of this.#files) {
      playback.end()
      this.#forget(id)
    }
    const worker = this.#worker
    this.#worker = undefined
    // Whoever opens a file from here on is told that there is no decoder.
    this.#startedMs = Number.POSITIVE_INFINITY
    if (worker === undefined) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    worker.addEventListener('close', () => resolve(), { once: true })
    worker.terminate()
    return promise
  }

  #ensureWorker(): boolean {
    if (this.#worker !== undefined) return true
    if (performance.now() - this.#startedMs < this.#restartMs) return false
    this.#worker = this.#createWorker()
    this.stats.restarts += 1
    return true
  }

  #createWorker(): Worker {
    const worker = this.#makeWorker()
    this.#startedMs = performance.now()
    this.#unanswered = 0
    worker.onmessage = ({ data }: MessageEvent<MediaReply>) => {
      if (worker === this.#worker) this.#receive(data)
    }
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.#bury(worker, event.message)
    })
    worker.addEventListener('close', () => this.#bury(worker, 'it ended'))
    worker.postMessage({ type: 'configure', settings: this.#settings } satisfies MediaRequest)
    return worker
  }

  #receive(reply: MediaReply): void {
    this.#unanswered = 0
    switch (reply.type) {
      case 'audio':
        this.#audio(reply.id, reply.samples)
        break
      case 'end':
        this.#files.get(reply.id)?.playback.end()
        this.#forget(reply.id)
        break
      case 'error':
        this.#fail(reply.id, new MediaError(reply.code, reply.message))
        break
      case 'fault':
        this.#onFault(reply.message)
        break
      case 'pong':
        break
    }
  }

  #audio(id: number, samples: Int16Array): void {
    const file = this.#files.get(id)
    if (file === undefined) return
    if (!file.hasAudio) this.latency.observe((performance.now() - file.openedMs) / 1000)
    file.hasAudio = true
    file.playback.push(samples)
  }

  #fail(id: number, error: MediaError): void {
    const file = this.#files.get(id)
    if (file === undefined) return
    this.#forget(id)
    this.stats.failed += 1
    file.playback.end()
    file.handlers.onError(error)
  }

  #forget(id: number): void {
    this.stats.gaps += this.#files.get(id)?.playback.gaps ?? 0
    this.#files.delete(id)
    if (this.#files.size > 0) return
    clearInterval(this.#pingTimer)
    this.#pingTimer = undefined
    this.#unanswered = 0
  }

  /** Counts pings, not time: a main thread that was held up itself proves nothing. */
  #ping(): void {
    const worker = this.#worker
    if (worker === undefined) return
    if (this.#unanswered === MAX_UNANSWERED) {
      this.#bury(worker, 'it hung')
      return
    }
    this.#unanswered += 1
    this.#post({ type: 'ping' })
  }

  /** The Worker is gone, or must go; what it was decoding ends. */
  #bury(worker: Worker, message: string): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    worker.terminate()
    this.#onFault(`the decoder died: ${message}`)
    for (const id of [...this.#files.keys()]) this.#fail(id, decoderGone())
  }

  #post(request: MediaRequest): void {
    this.#worker?.postMessage(request)
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./media-worker.ts', import.meta.url))
}

function decoderGone(): MediaError {
  return new MediaError('internal', 'url: the decoder has failed; play it again')
}
