import { Histogram } from '#core/histogram.ts'
import type { Playback } from '../playback.ts'
import { FilePlayback } from './file-playback.ts'
import { MediaError } from './media-error.ts'
import type { MediaReply, MediaRequest, MediaSettings } from './media-message.ts'

export interface MediaLibraryOptions extends MediaSettings {
  /** Told when the Worker dies or the cache cannot be written. */
  readonly onFault?: (message: string) => void
}

export interface MediaHandlers {
  /** No more audio will come; the playback ends with what it has. */
  onError(error: MediaError): void
}

interface OpenFile {
  readonly playback: FilePlayback
  readonly handlers: MediaHandlers
  readonly openedMs: number
  hasAudio: boolean
}

const LATENCY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
/** A Worker that died is replaced no more often than this. */
const RESTART_MS = 1_000

/**
 * Opens what `play` names: files under `MEDIA_DIR` and http(s) URLs. Fetching, decoding and
 * resampling happen in a Worker, about two seconds ahead of what is heard.
 */
export class MediaLibrary {
  /** Seconds from `open` to the first audio. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  readonly stats = { opened: 0, failed: 0, restarts: 0 }
  readonly #settings: MediaSettings
  readonly #onFault: (message: string) => void
  readonly #files = new Map<number, OpenFile>()
  #worker: Worker | undefined
  #diedAtMs = -Infinity
  #nextId = 0

  constructor({ onFault = () => undefined, ...settings }: MediaLibraryOptions) {
    this.#settings = settings
    this.#onFault = onFault
    this.#worker = this.#createWorker()
  }

  /** Files that are being played. */
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
        this.#files.delete(id)
        this.#post({ type: 'close', id })
      },
    })
    this.stats.opened += 1
    const openedMs = performance.now()
    this.#files.set(id, { playback, handlers, openedMs, hasAudio: false })
    if (!this.#ensureWorker()) {
      queueMicrotask(() =>
        this.#fail(id, new MediaError('decode', 'url: the decoder is restarting')),
      )
      return playback
    }
    this.#post({ type: 'open', id, url, sampleRate })
    return playback
  }

  /** Ends the Worker; what still plays ends with what it has. */
  close(): Promise<void> {
    for (const { playback } of this.#files.values()) playback.end()
    this.#files.clear()
    const worker = this.#worker
    this.#worker = undefined
    worker?.terminate()
    return Promise.resolve()
  }

  #ensureWorker(): boolean {
    if (this.#worker !== undefined) return true
    if (performance.now() - this.#diedAtMs < RESTART_MS) return false
    this.#worker = this.#createWorker()
    this.stats.restarts += 1
    return true
  }

  #createWorker(): Worker {
    const worker = new Worker(new URL('./media-worker.ts', import.meta.url))
    worker.onmessage = ({ data }: MessageEvent<MediaReply>) => this.#receive(data)
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.#died(worker, event.message)
    })
    worker.addEventListener('close', () => this.#died(worker, 'it ended'))
    worker.postMessage({ type: 'configure', settings: this.#settings } satisfies MediaRequest)
    return worker
  }

  #receive(reply: MediaReply): void {
    switch (reply.type) {
      case 'audio':
        this.#audio(reply.id, reply.samples)
        break
      case 'end':
        this.#files.get(reply.id)?.playback.end()
        this.#files.delete(reply.id)
        break
      case 'error':
        this.#fail(reply.id, new MediaError(reply.code, reply.message))
        break
      case 'fault':
        this.#onFault(reply.message)
        break
    }
  }

  #audio(id: number, samples: Int16Array): void {
    const file = this.#files.get(id)
    if (file === undefined) return
    if (!file.hasAudio) this.latency.observe((performance.now() - file.openedMs) / 1_000)
    file.hasAudio = true
    file.playback.push(samples)
  }

  #fail(id: number, error: MediaError): void {
    const file = this.#files.get(id)
    if (file === undefined) return
    this.#files.delete(id)
    this.stats.failed += 1
    file.playback.end()
    file.handlers.onError(error)
  }

  #died(worker: Worker, message: string): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#diedAtMs = performance.now()
    this.#onFault(`the decoder died: ${message}`)
    for (const id of [...this.#files.keys()]) {
      this.#fail(id, new MediaError('decode', 'url: the decoder failed; try again'))
    }
  }

  #post(request: MediaRequest): void {
    this.#worker?.postMessage(request)
  }
}
