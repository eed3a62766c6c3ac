import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { AudioRecord } from '#media/audio-batch.ts'
import type { Processor } from '#media/processor.ts'
import type { VadEvent, VadOptions } from '../vad.ts'
import { VadDetector } from '../vad-detector.ts'
import type { Judgement } from './judgements.ts'
import { WINDOW_MS } from './silero-network.ts'

/** Where a detector's audio goes. The record is borrowed. */
export interface JudgeLine {
  send(record: AudioRecord): void
  end(streamId: number): void
}

/** Hands the audio of one leg to the Worker and makes events of what comes back. */
export class SileroDetector implements Processor {
  readonly #streamId: number
  readonly #line: JudgeLine
  readonly #detector: VadDetector
  /** The next piece of audio for the Worker: the same object for each. */
  readonly #record: { -readonly [Key in keyof AudioRecord]: AudioRecord[Key] }
  #isClosed = false

  constructor(streamId: number, line: JudgeLine, options: VadOptions, onEvent: Sink<VadEvent>) {
    this.#streamId = streamId
    const samples = new Int16Array(0)
    this.#record = { streamId, sampleRate: 0, positionMs: 0, receivedAtMs: 0, samples }
    this.#line = line
    this.#detector = new VadDetector(options, onEvent)
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    if (!this.#isClosed) this.#send(frame)
    next(frame)
  }

  /** Takes what the network said of the next window. */
  judge({ startMs, probability }: Judgement): void {
    this.#detector.push(startMs, startMs + WINDOW_MS, probability)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#line.end(this.#streamId)
  }

  toString(): string {
    return 'VadDetector(silero)'
  }

  #send({ samples, sampleRate }: AudioFrame): void {
    const record = this.#record
    record.sampleRate = sampleRate
    record.receivedAtMs = performance.now()
    record.samples = samples
    this.#line.send(record)
    record.positionMs += (samples.length * 1000) / sampleRate
  }
}
