import { Resampler } from '#audio/resampler.ts'
import type { AudioBatch, AudioRecord } from '#media/audio-batch.ts'
import type { Judgements } from './judgements.ts'
import { SILERO_RATE, type SileroNetwork, WINDOW_MS } from './silero-network.ts'
import { WindowQueue } from './window-queue.ts'

/** A stream whose next piece starts further than this from its last end has lost audio between. */
const MAX_SEAM_MS = 1

interface Stream {
  readonly id: number
  readonly state: number
  readonly queue: WindowQueue
  /** Where the first window starts. */
  readonly originMs: number
  /** Where the next piece of audio is expected to start. */
  endMs: number
  sampleRate: number
  /** `undefined` while the audio comes at the network's own rate. */
  resampler: Resampler | undefined
}

/**
 * Shares one network between streams: takes their audio at any rate, cuts it into windows and
 * judges one window of each stream in turn, so that a stream with a backlog delays nobody else.
 */
export class WindowScheduler {
  readonly stats = { windows: 0, droppedWindows: 0 }
  readonly #network: SileroNetwork
  readonly #maxWindows: number
  readonly #streams = new Map<number, Stream>()
  /** Streams that have a whole window, the longest waiting first. */
  readonly #ready = new Set<Stream>()

  /** Keeps at most `maxBacklogMs` of audio per stream; beyond that the oldest windows are dropped. */
  constructor(network: SileroNetwork, maxBacklogMs: number) {
    this.#network = network
    this.#maxWindows = Math.max(1, Math.floor(maxBacklogMs / WINDOW_MS))
  }

  get hasWork(): boolean {
    return this.#ready.size > 0
  }

  get streamCount(): number {
    return this.#streams.size
  }

  /** How many whole windows wait, of all streams. */
  get queuedWindows(): number {
    let total = 0
    for (const stream of this.#ready) total += stream.queue.length
    return total
  }

  /** Takes in a batch, copying what it needs. */
  receive(batch: AudioBatch): void {
    batch.read((record) => {
      if (record.samples.length === 0) this.#close(record.streamId)
      else this.#accept(record)
    })
  }

  /** Judges windows until none is left, `results` is full, or `budgetMs` have passed. */
  run(results: Judgements, budgetMs: number): void {
    const stopAt = performance.now() + budgetMs
    // A stream put back comes last, also for the loop that is under way.
    for (const stream of this.#ready) {
      if (results.isFull) return
      this.#ready.delete(stream)
      const startMs = stream.originMs + stream.queue.oldestIndex * WINDOW_MS
      const receivedAtMs = stream.queue.oldestWholeAtMs
      stream.queue.shift(this.#network.input)
      const probability = this.#network.judge(stream.state)
      results.add({ streamId: stream.id, startMs, probability, receivedAtMs })
      this.stats.windows += 1
      if (stream.queue.length > 0) this.#ready.add(stream)
      if (performance.now() >= stopAt) return
    }
  }

  #accept(record: AudioRecord): void {
    const stream = this.#streamFor(record)
    stream.endMs = record.positionMs + (record.samples.length * 1000) / record.sampleRate
    if (stream.sampleRate !== record.sampleRate) {
      stream.sampleRate = record.sampleRate
      stream.resampler =
        record.sampleRate === SILERO_RATE
          ? undefined
          : new Resampler(record.sampleRate, SILERO_RATE)
    }
    const samples = stream.resampler?.resample(record.samples) ?? record.samples
    this.stats.droppedWindows += stream.queue.push(samples, record.receivedAtMs)
    if (stream.queue.length > 0) this.#ready.add(stream)
  }

  /** The stream a record goes on with, or a new one where it is the first or follows a gap. */
  #streamFor(record: AudioRecord): Stream {
    const known = this.#streams.get(record.streamId)
    if (known !== undefined) {
      if (Math.abs(record.positionMs - known.endMs) <= MAX_SEAM_MS) return known
      this.stats.droppedWindows += known.queue.length
      this.#close(known.id)
    }
    const stream: Stream = {
      id: record.streamId,
      state: this.#network.openState(),
      queue: new WindowQueue(this.#maxWindows),
      originMs: record.positionMs,
      endMs: record.positionMs,
      sampleRate: SILERO_RATE,
      resampler: undefined,
    }
    this.#streams.set(stream.id, stream)
    return stream
  }

  #close(streamId: number): void {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return
    this.#streams.delete(streamId)
    this.#ready.delete(stream)
    this.#network.closeState(stream.state)
  }
}
