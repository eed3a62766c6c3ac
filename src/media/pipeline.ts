import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from './processor.ts'

const IGNORE: Sink<AudioFrame> = () => undefined

/** What a pipeline reports when one of its processors breaks. */
export type PipelineFault = (processor: string, error: unknown) => void

/**
 * A row of processors that a received frame runs through, one direct call after the other.
 * It prints as its row: `VadDetector(silero) -> AsrTap(sherpa)`.
 */
export class Pipeline {
  readonly #processors: readonly Processor[]
  readonly #onFault: PipelineFault
  readonly #stages: Sink<AudioFrame>[]
  /** While true, every processor hears silence in place of the frames. */
  isMuted = false
  readonly #silence = { samples: new Int16Array(0), sampleRate: 0, position: 0 }
  #isClosed = false

  constructor(processors: readonly Processor[], onFault: PipelineFault = () => undefined) {
    this.#processors = processors
    this.#onFault = onFault
    this.#stages = new Array<Sink<AudioFrame>>(processors.length + 1).fill(IGNORE)
    for (let i = processors.length - 1; i >= 0; i -= 1) this.#stages[i] = this.#stage(i)
  }

  /** Runs one frame through the row. Never throws. */
  process(frame: AudioFrame): void {
    if (this.#isClosed) return
    const first = this.#stages[0] as Sink<AudioFrame>
    first(this.isMuted ? this.#silenced(frame) : frame)
  }

  /** Closes every processor. Harmless to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const processor of this.#processors) processor.close()
  }

  toString(): string {
    return this.#processors.join(' -> ')
  }

  /** The processor at `index`, as a sink; one that throws is reported once and then bypassed. */
  #stage(index: number): Sink<AudioFrame> {
    const processor = this.#processors[index] as Processor
    const next: Sink<AudioFrame> = (frame) => (this.#stages[index + 1] as Sink<AudioFrame>)(frame)
    return (frame) => {
      try {
        processor.process(frame, next)
      } catch (error) {
        this.#stages[index] = next
        this.#onFault(String(processor), error)
        next(frame)
      }
    }
  }

  #silenced({ samples, sampleRate, position }: AudioFrame): AudioFrame {
    const silence = this.#silence
    if (silence.samples.length !== samples.length) silence.samples = new Int16Array(samples.length)
    silence.sampleRate = sampleRate
    silence.position = position
    return silence
  }
}
