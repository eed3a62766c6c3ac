import type { AudioFrame } from '#audio/frame.ts'
import { findInside } from '#core/inside.ts'
import { within } from '#core/within.ts'
import { WorkerHost } from '#core/worker-host.ts'
import { AudioBatch } from '../audio-batch.ts'
import { Recorder, type RecorderLine } from './recorder.ts'
import { RecorderError } from './recorder-error.ts'
import type {
  RecorderHandlers,
  RecorderReply,
  RecorderRequest,
  RecordingPlan,
  RecordingTotals,
} from './recorder-message.ts'
import { repairRecording } from './repair-recording.ts'

/** Audio is gathered this long before it goes to the Worker. */
const FLUSH_MS = 100
/** Batches of 64 KiB that the Worker may have and not yet have taken in. */
const MAX_BATCHES_IN_FLIGHT = 256
const MAX_SPARE_BUFFERS = 16
/** How long the Worker may take to write what is left when the server stops. */
const CLOSE_TIMEOUT_MS = 10_000

export interface RecorderEngineOptions {
  /** Where the recordings lie. Made when the first one is. */
  readonly directory: string
  /** For the log: the Worker died, which is at most once a second. */
  readonly onFault?: (message: string) => void
  /** How to start the Worker, where it is not to be `recorder-worker.ts`. */
  readonly createWorker?: () => Worker
}

interface OpenRecorder {
  readonly id: number
  readonly handlers: RecorderHandlers
  file: string | undefined
  /** No more audio is taken. */
  isEnded: boolean
}

/**
 * Records the calls of the process into files, by one Worker. The live side copies samples into
 * batches; when the Worker does not take them any more, they are dropped and counted.
 */
export class RecorderEngine {
  readonly stats = { opened: 0, finished: 0, failed: 0, bytes: 0, droppedFrames: 0 }
  readonly #directory: string
  readonly #host: WorkerHost<RecorderReply>
  readonly #recorders = new Map<number, OpenRecorder>()
  readonly #repairs = new Set<Promise<void>>()
  readonly #spareBuffers: ArrayBuffer[] = []
  #lastId = 0
  #batch: AudioBatch | undefined
  #batchesInFlight = 0
  #flushTimer: ReturnType<typeof setInterval> | undefined
  #onIdle: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor({ directory, onFault, createWorker = startWorker }: RecorderEngineOptions) {
    this.#directory = directory
    this.#host = new WorkerHost<RecorderReply>(createWorker, {
      onReply: (reply) => this.#receive(reply),
      onDeath: (cause) => {
        onFault?.(`the recorder Worker died: ${cause.message}`)
        this.#buryAll(cause)
      },
    })
  }

  /** Recordings that are not complete yet. */
  get active(): number {
    return this.#recorders.size + this.#repairs.size
  }

  get restarts(): number {
    return this.#host.stats.restarts
  }

  /** Makes a recorder; there is no file before it begins. Whether that could be made comes later. */
  open(plan: RecordingPlan, handlers: RecorderHandlers): Recorder {
    return new Recorder(() => this.#begin(plan, handlers), plan.format)
  }

  /** Completes all recordings and ends the Worker. Harmless to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #begin(plan: RecordingPlan, handlers: RecorderHandlers): RecorderLine {
    this.#lastId += 1
    const id = this.#lastId
    const recorder: OpenRecorder = { id, handlers, file: undefined, isEnded: false }
    this.#recorders.set(id, recorder)
    this.stats.opened += 1
    const directory = this.#directory
    const isUp = this.#host.isUp
    this.#post({ type: 'open', id, directory, plan, startMs: performance.now() })
    if (!isUp) queueMicrotask(() => this.#fail(recorder, workerGone()))
    this.#flushTimer ??= setInterval(() => this.#flush(), FLUSH_MS)
    return {
      write: (frame: AudioFrame, isOurs: boolean, atMs: number) =>
        this.#write(2 * id + (isOurs ? 1 : 0), recorder, frame, atMs),
      end: () => this.#end(recorder),
    }
  }

  async #close(): Promise<void> {
    for (const recorder of this.#recorders.values()) this.#end(recorder)
    await within(this.#idle(), CLOSE_TIMEOUT_MS)
    clearInterval(this.#flushTimer)
    await Promise.all(this.#repairs)
    await this.#host.close()
  }

  /** Takes one frame of a call. On the live path. */
  #write(streamId: number, recorder: OpenRecorder, frame: AudioFrame, atMs: number): void {
    const { samples, sampleRate, position } = frame
    if (recorder.isEnded) return
    const batch = this.#openBatch(samples.length)
    if (batch === undefined) {
      this.stats.droppedFrames += 1
      return
    }
    const positionMs = (position * 1000) / sampleRate
    batch.add({ streamId, sampleRate, positionMs, receivedAtMs: atMs, samples }, 0)
  }

  /** The batch that is being filled, with room for so many samples; none when too many are out. */
  #openBatch(samples: number): AudioBatch | undefined {
    if (this.#batch?.hasRoom(samples) === false) this.#flush()
    if (this.#batch === undefined) {
      if (!this.#host.isUp || this.#batchesInFlight >= MAX_BATCHES_IN_FLIGHT) return undefined
      this.#batch = new AudioBatch(this.#spareBuffers.pop())
      this.#batch.clear()
    }
    return this.#batch.hasRoom(samples) ? this.#batch : undefined
  }

  /** Also without audio, so that the silence of calls is written too. */
  #flush(): void {
    const batch = this.#batch ?? this.#openBatch(0)
    this.#batch = undefined
    if (batch === undefined || !this.#host.isUp) return
    this.#batchesInFlight += 1
    const { buffer } = batch
    this.#post({ type: 'audio', buffer, nowMs: performance.now() }, [buffer])
  }

  #end(recorder: OpenRecorder): void {
    if (recorder.isEnded) return
    recorder.isEnded = true
    // Its last audio first.
    this.#flush()
    this.#post({ type: 'close', id: recorder.id, endMs: performance.now() })
  }

  #receive(reply: RecorderReply): void {
    if (reply.type === 'taken') {
      this.#batchesInFlight -= 1
      if (this.#spareBuffers.length < MAX_SPARE_BUFFERS) this.#spareBuffers.push(reply.buffer)
      return
    }
    const recorder = this.#recorders.get(reply.id)
    if (recorder === undefined) return
    switch (reply.type) {
      case 'opened':
        recorder.file = reply.file
        recorder.handlers.onOpened(reply.file)
        break
      case 'closed':
        this.stats.finished += 1
        this.#complete(recorder, reply.totals)
        break
      case 'failed':
        this.#fail(recorder, new RecorderError(reply.code, reply.message), reply.totals)
        break
    }
  }

  #complete(recorder: OpenRecorder, totals: RecordingTotals): void {
    this.stats.bytes += totals.bytes
    recorder.handlers.onEnd(totals)
    this.#forget(recorder)
  }

  #fail(recorder: OpenRecorder, error: RecorderError, totals?: RecordingTotals): void {
    if (this.#recorders.get(recorder.id) !== recorder) return
    recorder.isEnded = true
    this.stats.failed += 1
    recorder.handlers.onError(error)
    if (totals === undefined) this.#forget(recorder)
    else this.#complete(recorder, totals)
  }

  /** What the dead Worker has written is made whole here. */
  #buryAll(cause: Error): void {
    this.#batch = undefined
    this.#batchesInFlight = 0
    for (const recorder of [...this.#recorders.values()]) {
      const repair = this.#bury(recorder, cause)
      this.#repairs.add(repair)
      void repair.finally(() => {
        this.#repairs.delete(repair)
        this.#checkIdle()
      })
    }
  }

  async #bury(recorder: OpenRecorder, cause: Error): Promise<void> {
    this.#fail(recorder, workerGone(cause))
    if (recorder.file === undefined) return
    const path = await findInside(this.#directory, recorder.file)
    const totals = path === undefined ? undefined : await repairRecording(path)
    if (totals === undefined) return
    this.stats.bytes += totals.bytes
    recorder.handlers.onEnd(totals)
  }

  #forget(recorder: OpenRecorder): void {
    this.#recorders.delete(recorder.id)
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#recorders.size > 0) return
    clearInterval(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#repairs.size === 0) this.#onIdle?.()
  }

  async #idle(): Promise<void> {
    if (this.active === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  #post(request: RecorderRequest, transfer: ArrayBuffer[] = []): void {
    this.#host.post(request, transfer)
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./recorder-worker.ts', import.meta.url))
}

function workerGone(cause?: Error): RecorderError {
  const message = 'the recording is over: the part of the server that writes it has failed'
  return new RecorderError('internal', message, cause === undefined ? {} : { cause })
}
