import type { Sink } from '#core/sink.ts'
import type { Processor } from '#media/processor.ts'
import { InlineDetector, type VoiceJudge } from './inline-detector.ts'
import { SpeechError } from './speech-error.ts'
import type { VadEngine, VadEvent, VadOptions } from './vad.ts'
import { VadDetector } from './vad-detector.ts'

export interface InlineEngineOptions {
  /** For the log: a listener threw, or the engine could not be loaded. */
  readonly onFault?: Sink<SpeechError>
}

export interface InlineEngineStats {
  /** Detectors that are open. */
  readonly streams: number
  /** Windows judged. */
  readonly windows: number
  /** How often a detector's listener threw. */
  readonly faults: number
}

export interface InlineEngineParts extends InlineEngineOptions {
  readonly type: string
  /** Makes the judge of one leg. */
  readonly createJudge: (options: VadOptions) => VoiceJudge
  /** Settles, and never rejects, once judges judge; until then frames only pass. */
  readonly ready?: Promise<void>
}

/** Voice activity detection that is cheap enough for the thread that hears the calls. */
export class InlineEngine implements VadEngine {
  readonly type: string
  readonly ready: Promise<void>
  readonly #createJudge: InlineEngineParts['createJudge']
  readonly #onFault: Sink<SpeechError>
  readonly #detectors = new Set<InlineDetector>()
  readonly #counts = { windows: 0, faults: 0 }

  constructor({ type, createJudge, ready, onFault = () => {} }: InlineEngineParts) {
    this.type = type
    this.ready = ready ?? Promise.resolve()
    this.#createJudge = createJudge
    this.#onFault = onFault
  }

  get stats(): InlineEngineStats {
    return { streams: this.#detectors.size, ...this.#counts }
  }

  createDetector(options: VadOptions, onEvent: Sink<VadEvent>): Processor {
    const detector = new InlineDetector({
      type: this.type,
      judge: this.#createJudge(options),
      detector: new VadDetector(options, (event) => this.#deliver(onEvent, event)),
      onWindow: () => {
        this.#counts.windows += 1
      },
      onClose: (closed) => this.#detectors.delete(closed),
    })
    this.#detectors.add(detector)
    return detector
  }

  close(): Promise<void> {
    for (const detector of this.#detectors) detector.close()
    return Promise.resolve()
  }

  /** The frame belongs to the stations behind this one too: a listener must not cost them theirs. */
  #deliver(onEvent: Sink<VadEvent>, event: VadEvent): void {
    try {
      onEvent(event)
    } catch (cause) {
      this.#counts.faults += 1
      this.#onFault(new SpeechError(this.type, 'server', 'a VAD listener threw', { cause }))
    }
  }
}
