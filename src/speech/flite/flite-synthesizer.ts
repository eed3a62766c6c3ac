import { Histogram } from '#core/histogram.ts'
import type { Sink } from '#core/sink.ts'
import { SpeechError } from '../speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from '../tts.ts'
import { ClauseScheduler } from './clause-scheduler.ts'
import { FliteSynthesis } from './flite-synthesis.ts'
import { FLITE_SPEAKERS, fliteVoice } from './flite-voice.ts'

const LATENCY_SECONDS = [0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5]

export interface FliteOptions {
  /** How many Workers speak; 1 keeps up with some twenty calls. */
  readonly workers?: number
  /** For the log: a Worker has died, which is at most once a second. */
  readonly onFault?: Sink<string>
  /** Makes the Worker; another one than flite's in tests only. */
  readonly createWorker?: () => Worker
}

export interface FliteStats {
  /** Clauses that a Worker was given. */
  readonly clauses: number
  /** Clauses that could not be spoken. */
  readonly failures: number
  /** Workers started again. */
  readonly restarts: number
  /** Utterances that wait for a Worker now. */
  readonly queued: number
}

/**
 * The built-in English voice: CMU Flite in WebAssembly, in Workers, without network and files. Its
 * Workers begin to load at once.
 *
 * Audio comes as one buffer for each clause, so a buffer may hold some seconds. Between clauses
 * the voice rests as flite itself does. Text that flite cannot say is skipped; an utterance of
 * nothing else fails with `text`. Options out of range fail with
 * `parameter`, a clause whose Worker fails or dies with `server`.
 */
export class FliteSynthesizer implements Synthesizer {
  readonly provider = 'flite'
  readonly speakers: readonly string[] = FLITE_SPEAKERS
  /** Seconds from the first clause of an utterance to its audio. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  /** Resolves when a Worker has loaded; text may be pushed before that. */
  readonly ready: Promise<void>
  readonly #scheduler: ClauseScheduler

  constructor({ workers = 1, onFault = () => {}, createWorker = startWorker }: FliteOptions = {}) {
    this.#scheduler = new ClauseScheduler({ workers, createWorker, onFault })
    this.ready = this.#scheduler.ready
  }

  get stats(): FliteStats {
    const { stats, restarts, queued } = this.#scheduler
    return { ...stats, restarts, queued }
  }

  open(options: SynthesisOptions, handlers: SynthesisHandlers): Synthesis {
    try {
      const voice = fliteVoice(options)
      return new FliteSynthesis({
        voice,
        handlers,
        scheduler: this.#scheduler,
        latency: this.latency,
      })
    } catch (error) {
      if (!(error instanceof SpeechError)) throw error
      return failedSynthesis(error, handlers)
    }
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./flite-worker.ts', import.meta.url))
}

/** An utterance that fails as soon as its `open` has returned. */
function failedSynthesis(error: SpeechError, handlers: SynthesisHandlers): Synthesis {
  let isOver = false
  queueMicrotask(() => {
    if (!isOver) handlers.onError(error)
  })
  return {
    push() {},
    flush() {},
    finish() {},
    setFlow() {},
    close() {
      isOver = true
    },
  }
}
