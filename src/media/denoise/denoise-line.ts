import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import { WorkerHost } from '#core/worker-host.ts'
import { AudioBatch } from '../audio-batch.ts'
import type { DenoiseReply } from './denoise-worker.ts'

/** Frames are gathered this long before they go to the Worker. */
const FLUSH_MS = 5
/** Batches of 64 KiB that the Worker may have and not yet have taken in. */
const MAX_BATCHES_IN_FLIGHT = 256
/** Buffers kept to be used again; more are needed only while the Worker is behind. */
const MAX_SPARE_BUFFERS = 16

/** Who sends a stream. */
export interface StreamOwner {
  /** The next frame of the stream, cleaned. The samples are borrowed. */
  receive(samples: Int16Array): void
}

/** Carries the frames of many streams to one Worker and back, in batches. */
export class DenoiseLine {
  readonly #host: WorkerHost<DenoiseReply>
  readonly #owners = new Map<number, StreamOwner>()
  readonly #spareBuffers: ArrayBuffer[] = []
  /** Streams whose end the Worker has yet to be told. */
  #endedStreams: number[] = []
  #lastStreamId = 0
  #batch: AudioBatch | undefined
  #batchesInFlight = 0
  #flushTimer: ReturnType<typeof setTimeout> | undefined
  /** Whether the Worker has loaded. */
  #isReady = false

  /** Starts the Worker. When it has died, its streams are no more; `onDeath` is to end them here. */
  constructor(createWorker: () => Worker, onDeath: Sink<Error>) {
    this.#host = new WorkerHost(createWorker, {
      onReply: (reply) => this.#handleReply(reply),
      onDeath: (cause) => {
        this.#reset()
        onDeath(cause)
      },
    })
  }

  get restarts(): number {
    return this.#host.stats.restarts
  }

  /** Begins a stream and gives its id. */
  open(owner: StreamOwner): number {
    this.#lastStreamId += 1
    this.#owners.set(this.#lastStreamId, owner)
    return this.#lastStreamId
  }

  /** Copies the next frame of a stream; false where the Worker is not there or takes no more. */
  send(streamId: number, { samples, sampleRate }: AudioFrame): boolean {
    if (this.#openBatch()?.addWhole(streamId, sampleRate, samples)) return true
    this.#flush()
    return this.#openBatch()?.addWhole(streamId, sampleRate, samples) ?? false
  }

  /** Ends a stream: its owner receives nothing more. */
  end(streamId: number): void {
    this.#owners.delete(streamId)
    if (!this.#isReady) return
    this.#endedStreams.push(streamId)
    this.#openBatch()
  }

  close(): Promise<void> {
    this.#reset()
    this.#owners.clear()
    return this.#host.close()
  }

  /** The batch that is being filled; none while there is nobody to send it to. */
  #openBatch(): AudioBatch | undefined {
    if (this.#batch !== undefined) return this.#batch
    if (!this.#isReady || this.#batchesInFlight >= MAX_BATCHES_IN_FLIGHT) return undefined
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
    // The ends that find no room go with the next batch.
    while (this.#endedStreams.length > 0 && batch.addEnd(this.#endedStreams[0]!)) {
      this.#endedStreams.shift()
    }
    this.#batchesInFlight += 1
    this.#host.send(batch.buffer)
  }

  #handleReply({ cleaned, isLast }: DenoiseReply): void {
    this.#isReady = true
    if (isLast) this.#batchesInFlight -= 1
    new AudioBatch(cleaned).read(({ streamId, samples }) => {
      this.#owners.get(streamId)?.receive(samples)
    })
    if (this.#spareBuffers.length < MAX_SPARE_BUFFERS) this.#spareBuffers.push(cleaned)
    if (this.#endedStreams.length > 0) this.#openBatch()
  }

  #reset(): void {
    clearTimeout(this.#flushTimer)
    this.#batch = undefined
    this.#batchesInFlight = 0
    this.#endedStreams = []
    this.#isReady = false
  }
}
