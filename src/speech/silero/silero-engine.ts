import { Histogram } from '#core/histogram.ts'
import type { Sink } from '#core/sink.ts'
import { WorkerHost } from '#core/worker-host.ts'
import { AudioBatch, type AudioRecord } from '#media/audio-batch.ts'
import type { Processor } from '#media/processor.ts'
import { SpeechError } from '../speech-error.ts'
import type { VadEngine, VadEvent, VadOptions } from '../vad.ts'
import { type Judgement, Judgements } from './judgements.ts'
import { SileroDetector } from './silero-detector.ts'
import type { WorkerReply } from './silero-worker.ts'

/** Audio is gathered this long before it goes to the Worker. */
const FLUSH_MS = 10
/** Batches of 64 KiB that the Worker may have and not yet have taken in. */
const MAX_BATCHES_IN_FLIGHT = 256
/** Buffers kept to be used again; more are needed only while the Worker is behind. */
const MAX_SPARE_BUFFERS = 16
const LATENCY_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5, 30]

export interface SileroEngineOptions {
  /** For the log: the Worker died, which is at most once a second, or a listener threw. */
  readonly onFault?: Sink<SpeechError>
  /** How to start the Worker, where it is not to be `silero-worker.ts`. */
  readonly createWorker?: () => Worker
}

export interface SileroStats {
  /** Detectors that are open. */
  readonly streams: number
  /** Windows of 32 ms judged. */
  readonly windows: number
  /** Whole windows that waited in the Worker when it last replied. */
  readonly queuedWindows: number
  /** Windows never judged, because their stream had 30 s of audio waiting or lost some between. */
  readonly droppedWindows: number
  /** Frames never handed to a Worker, because there was none or it had stopped taking any. */
  readonly droppedFrames: number
  /** How often a dead Worker was replaced. */
  readonly restarts: number
  /** How often a detector's listener threw. */
  readonly faults: number
}

/** Silero VAD for all legs of the process, judged by one Worker. */
class SileroEngine implements VadEngine {
  readonly type = 'silero'
  /** Seconds between a frame being handed in and the judgement of the window it made whole. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  readonly #host: WorkerHost<WorkerReply>
  readonly #onFault: Sink<SpeechError>
  readonly #counts = {
    windows: 0,
    queuedWindows: 0,
    droppedWindows: 0,
    droppedFrames: 0,
    faults: 0,
  }
  readonly #detectors = new Map<number, SileroDetector>()
  readonly #spareBuffers: ArrayBuffer[] = []
  /** Streams whose end the Worker has yet to be told. */
  #endedStreams: number[] = []
  #lastStreamId = 0
  #batch: AudioBatch | undefined
  #batchesInFlight = 0
  #flushTimer: ReturnType<typeof setTimeout> | undefined

  constructor({ onFault = () => {}, createWorker = startWorker }: SileroEngineOptions) {
    this.#onFault = onFault
    this.#host = new WorkerHost(createWorker, {
      onReply: (reply) => this.#handleReply(reply),
      onDeath: (cause) => {
        // The next Worker starts all streams anew, at the first frame it gets of each.
        this.#batchesInFlight = 0
        this.#endedStreams = []
        this.#counts.queuedWindows = 0
        const message = `the VAD Worker died: ${cause.message}`
        onFault(new SpeechError('silero', 'server', message, { cause }))
      },
    })
  }

  get stats(): SileroStats {
    const { restarts } = this.#host.stats
    return { streams: this.#detectors.size, restarts, ...this.#counts }
  }

  createDetector(options: VadOptions, onEvent: Sink<VadEvent>): Processor {
    this.#lastStreamId += 1
    const streamId = this.#lastStreamId
    const line = {
      send: (record: AudioRecord) => this.#send(record),
      end: (endedId: number) => this.#end(endedId),
    }
    const detector = new SileroDetector(streamId, line, options, onEvent)
    this.#detectors.set(streamId, detector)
    return detector
  }

  close(): Promise<void> {
    clearTimeout(this.#flushTimer)
    this.#detectors.clear()
    return this.#host.close()
  }

  #send(record: AudioRecord): void {
    for (let from = 0; from < record.samples.length; ) {
      const batch = this.#openBatch()
      if (batch === undefined) {
        this.#counts.droppedFrames += 1
        return
      }
      from += batch.add(record, from)
      if (from < record.samples.length) this.#flush()
    }
  }

  #end(streamId: number): void {
    this.#detectors.delete(streamId)
    if (!this.#host.isUp) return
    this.#endedStreams.push(streamId)
    this.#openBatch()
  }

  /** The batch that is being filled; none while there is nobody to send it to. */
  #openBatch(): AudioBatch | undefined {
    if (this.#batch !== undefined) return this.#batch
    if (!this.#host.isUp || this.#batchesInFlight >= MAX_BATCHES_IN_FLIGHT) return undefined
    this.#batch = new AudioBatch(this.#spareBuffers.pop())
    this.#batch.clear()
    this.#flushTimer = setTimeout(() => this.#flush(), FLUSH_MS)
    return this.#batch
  }

  #flush(): void {
    clearTimeout(this.#flushTimer)
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = undefined
    if (!this.#host.isUp) {
      this.#spareBuffers.push(batch.buffer)
      return
    }
    // The ends that find no room go with the next batch.
    while (this.#endedStreams.length > 0 && batch.addEnd(this.#endedStreams[0]!)) {
      this.#endedStreams.shift()
    }
    this.#batchesInFlight += 1
    this.#host.send(batch.buffer)
  }

  #handleReply(reply: WorkerReply): void {
    const now = performance.now()
    const judgements = Judgements.fromBuffer(reply.judgements)
    this.#counts.windows += judgements.length
    this.#counts.queuedWindows = reply.queuedWindows
    this.#counts.droppedWindows += reply.droppedWindows
    this.#batchesInFlight -= reply.buffers.length
    for (const buffer of reply.buffers) {
      if (this.#spareBuffers.length < MAX_SPARE_BUFFERS) this.#spareBuffers.push(buffer)
    }
    for (let index = 0; index < judgements.length; index += 1) {
      const judgement = judgements.at(index)
      this.latency.observe((now - judgement.receivedAtMs) / 1000)
      this.#deliver(judgement)
    }
    if (this.#endedStreams.length > 0) this.#openBatch()
  }

  /** One reply serves many calls: a listener that throws must not cost the others theirs. */
  #deliver(judgement: Judgement): void {
    try {
      this.#detectors.get(judgement.streamId)?.judge(judgement)
    } catch (cause) {
      this.#counts.faults += 1
      this.#onFault(new SpeechError('silero', 'server', 'a VAD listener threw', { cause }))
    }
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./silero-worker.ts', import.meta.url))
}

export type { SileroEngine }

/**
 * Starts the Worker at once, so that it is warm when the first call speaks. One engine serves the
 * whole process; `close` ends it, and detectors that are still in use then only pass frames on.
 */
export function createSileroEngine(options: SileroEngineOptions = {}): SileroEngine {
  return new SileroEngine(options)
}
