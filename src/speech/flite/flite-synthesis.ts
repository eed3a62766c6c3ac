import { ClauseSplitter } from '../clause-splitter.ts'
import { SpeechError } from '../speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions } from '../tts.ts'
import type { FliteRequest } from './flite-message.ts'

export interface FliteSynthesisHandlers {
  /** There is a clause to take. */
  onWork(): void
  /** Seconds from the first text to the first audio. */
  onFirstAudio(seconds: number): void
}

/** Silence behind a clause: a breath in mid-sentence, a rest behind a sentence. */
const PAUSE_MS = 80
const REST_MS = 230
const SENTENCE_END = /[.!?…][)\]"'”’]*\s*$|\n\s*$/
/** One utterance of Flite: cuts its text into clauses and hands their audio on, in order. */
export class FliteSynthesis implements Synthesis {
  readonly #options: SynthesisOptions
  readonly #handlers: SynthesisHandlers
  readonly #owner: FliteSynthesisHandlers
  readonly #splitter = new ClauseSplitter()
  #clauses: string[] = []
  /** The clause that is being spoken. */
  #current: string | undefined
  #isTextComplete = false
  #isFlowing = true
  #isOver = false
  #hasText = false
  #hasAudio = false
  #startedMs: number | undefined

  constructor(
    options: SynthesisOptions,
    handlers: SynthesisHandlers,
    owner: FliteSynthesisHandlers,
  ) {
    this.#options = options
    this.#handlers = handlers
    this.#owner = owner
  }

  push(text: string): void {
    if (this.#isOver || this.#isTextComplete) return
    this.#startedMs ??= performance.now()
    this.#hasText ||= text.trim() !== ''
    this.#add(this.#splitter.push(text))
  }

  flush(): void {
    const rest = this.#splitter.flush()
    if (rest !== undefined) this.#add([rest])
  }

  finish(): void {
    if (this.#isTextComplete) return
    this.flush()
    this.#isTextComplete = true
    // Not within the caller's own call, also when there is nothing to say.
    queueMicrotask(() => this.#endIfDone())
  }

  setFlow(isOpen: boolean): void {
    this.#isFlowing = isOpen
    if (isOpen && this.#clauses.length > 0) this.#owner.onWork()
  }

  close(): void {
    this.#isOver = true
    this.#clauses = []
  }

  /** The next clause for the Worker; undefined when none is wanted now. */
  take(): FliteRequest | undefined {
    if (this.#isOver || !this.#isFlowing || this.#current !== undefined) return undefined
    const text = this.#clauses.shift()
    if (text === undefined) return undefined
    this.#current = text
    const { speaker = 'slt', speed = 1, volume = 5, sampleRate } = this.#options
    return {
      text,
      speaker,
      speed,
      volume,
      sampleRate,
      pauseMs: (SENTENCE_END.test(text) ? REST_MS : PAUSE_MS) / Math.max(1, speed),
    }
  }

  /** The audio of the clause that was taken. */
  deliver(samples: Int16Array): void {
    const clause = this.#current
    this.#current = undefined
    if (this.#isOver || clause === undefined) return
    this.#handlers.onClause(clause)
    if (samples.length > 0) {
      if (!this.#hasAudio) this.#owner.onFirstAudio(this.#elapsedSeconds())
      this.#hasAudio = true
      this.#handlers.onAudio(samples)
    }
    if (this.#clauses.length > 0) this.#owner.onWork()
    else this.#endIfDone()
  }

  fail(error: SpeechError): void {
    if (this.#isOver) return
    this.close()
    this.#handlers.onError(error)
  }

  #add(clauses: readonly string[]): void {
    if (this.#isOver || clauses.length === 0) return
    this.#clauses.push(...clauses)
    this.#owner.onWork()
  }

  #endIfDone(): void {
    const isDone = this.#isTextComplete && this.#clauses.length === 0
    if (this.#isOver || !isDone || this.#current !== undefined) return
    if (this.#hasText && !this.#hasAudio) {
      const message = 'tts.text: there is nothing in it that the built-in English voice can say'
      this.fail(new SpeechError('flite', 'text', message))
      return
    }
    this.#isOver = true
    this.#handlers.onEnd({ isCached: false })
  }

  #elapsedSeconds(): number {
    return (performance.now() - (this.#startedMs ?? 0)) / 1_000
  }
}
