import { Histogram } from '#core/histogram.ts'
import { SpeechError } from '../speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from '../tts.ts'
import type { FliteReply } from './flite-message.ts'
import { FliteSynthesis } from './flite-synthesis.ts'

export interface FliteOptions {
  /** Told when the Worker dies. */
  readonly onFault?: (message: string) => void
}

const LATENCY_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
const RESTART_MS = 1_000
/** Paces at which Flite can still be understood. */
const MIN_SPEED = 0.25
const MAX_SPEED = 4
/** Voices of the package: two women and three men, the first the default. */
const SPEAKERS = ['slt', 'rms', 'awb', 'kal16', 'kal']

/**
 * Speech synthesis that needs no key and no network: CMU Flite in a Worker. English only. The
 * clauses of all utterances take turns, so that a long text never keeps another call waiting for
 * more than one clause.
 */
export class FliteSynthesizer implements Synthesizer {
  readonly provider = 'flite'
  readonly speakers = SPEAKERS
  /** Seconds from the first text of an utterance to its first audio. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  readonly stats = { clauses: 0, failures: 0, restarts: 0 }
  readonly #onFault: (message: string) => void
  /** Utterances that want a clause spoken; the first one is next. */
  #waiting: FliteSynthesis[] = []
  #speaking: FliteSynthesis | undefined
  #worker: Worker | undefined
  #restartTimer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor({ onFault = () => undefined }: FliteOptions = {}) {
    this.#onFault = onFault
    this.#worker = this.#createWorker()
  }

  open(options: SynthesisOptions, handlers: SynthesisHandlers): Synthesis {
    const synthesis = new FliteSynthesis(options, handlers, {
      onWork: () => this.#enqueue(synthesis),
      onFirstAudio: (seconds) => this.latency.observe(seconds),
    })
    const mistake = findMistake(options)
    if (mistake !== undefined) {
      queueMicrotask(() => synthesis.fail(new SpeechError('flite', 'parameter', mistake)))
    }
    return synthesis
  }

  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#restartTimer)
    this.#worker?.terminate()
    this.#waiting = []
    return Promise.resolve()
  }

  #enqueue(synthesis: FliteSynthesis): void {
    if (!this.#waiting.includes(synthesis)) this.#waiting.push(synthesis)
    this.#next()
  }

  /** Gives the Worker the next clause of whoever has waited longest. */
  #next(): void {
    if (this.#speaking !== undefined || this.#worker === undefined) return
    for (;;) {
      const synthesis = this.#waiting.shift()
      if (synthesis === undefined) return
      const request = synthesis.take()
      if (request === undefined) continue
      this.#speaking = synthesis
      this.#waiting.push(synthesis)
      this.#worker.postMessage(request)
      return
    }
  }

  #receive(reply: FliteReply): void {
    const synthesis = this.#speaking
    this.#speaking = undefined
    this.stats.clauses += 1
    if ('failure' in reply) {
      this.stats.failures += 1
      synthesis?.fail(new SpeechError('flite', 'server', `Flite failed: ${reply.failure}`))
    } else {
      synthesis?.deliver(reply.samples)
    }
    this.#next()
  }

  #createWorker(): Worker {
    const worker = new Worker(new URL('./flite-worker.ts', import.meta.url))
    worker.onmessage = ({ data }: MessageEvent<FliteReply>) => this.#receive(data)
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.#died(worker, event.message)
    })
    worker.addEventListener('close', () => this.#died(worker, 'it ended'))
    return worker
  }

  /** Only the utterance whose clause it was fails; the others wait for the next Worker. */
  #died(worker: Worker, message: string): void {
    if (worker !== this.#worker || this.#isClosed) return
    this.#worker = undefined
    this.stats.restarts += 1
    this.#onFault(`the Flite Worker died: ${message}`)
    this.#speaking?.fail(new SpeechError('flite', 'server', 'Flite died; the next text will do'))
    this.#speaking = undefined
    this.#restartTimer = setTimeout(() => {
      this.#worker = this.#createWorker()
      this.#next()
    }, RESTART_MS)
  }
}

function findMistake({ speaker = 'slt', speed = 1 }: SynthesisOptions): string | undefined {
  if (!SPEAKERS.includes(speaker)) {
    return `tts.speaker: "${speaker}" is unknown; known are ${SPEAKERS.join(', ')}`
  }
  if (speed < MIN_SPEED || speed > MAX_SPEED) {
    return `tts.speed: ${speed} is not between ${MIN_SPEED} and ${MAX_SPEED}`
  }
  return undefined
}
