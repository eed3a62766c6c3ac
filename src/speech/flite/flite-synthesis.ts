import type { Histogram } from '#core/histogram.ts'
import { ClauseSplitter } from '../clause-splitter.ts'
import { SpeechError } from '../speech-error.ts'
import type { Synthesis, SynthesisHandlers } from '../tts.ts'
import { clausePauseMs } from './clause-pause.ts'
import type { ClauseScheduler, ClauseSource } from './clause-scheduler.ts'
import type { FliteRequest } from './flite-request.ts'
import type { FliteVoice } from './flite-voice.ts'
import { speakableText } from './speakable-text.ts'

/** Some fifteen hours of speech: whoever has pushed this much ahead is broken. */
const MAX_PENDING_CHARACTERS = 1_000_000
/** Silence after the last clause: nobody waits for another one. */
const LAST_PAUSE_MS = 60

export interface FliteSynthesisOptions {
  readonly voice: FliteVoice
  readonly handlers: SynthesisHandlers
  readonly scheduler: ClauseScheduler
  /** Takes the seconds from the first clause to its audio. */
  readonly latency: Histogram
}

/** One utterance in flite's voice. */
export class FliteSynthesis implements Synthesis, ClauseSource {
  readonly #voice: FliteVoice
  readonly #handlers: SynthesisHandlers
  readonly #scheduler: ClauseScheduler
  readonly #latency: Histogram
  readonly #splitter = new ClauseSplitter()
  /** Clauses to be spoken, the next one first. */
  readonly #clauses: string[] = []
  #pendingCharacters = 0
  /** The clause that a Worker is speaking. */
  #current: string | undefined
  #firstClauseAtMs: number | undefined
  #hasSpoken = false
  #hasSkippedText = false
  #isFlowing = true
  #isFinished = false
  #isOver = false

  constructor({ voice, handlers, scheduler, latency }: FliteSynthesisOptions) {
    this.#voice = voice
    this.#handlers = handlers
    this.#scheduler = scheduler
    this.#latency = latency
  }

  get isFresh(): boolean {
    return !this.#hasSpoken
  }

  push(text: string): void {
    if (this.#isOver || this.#isFinished) return
    this.#pendingCharacters += text.length
    if (this.#pendingCharacters > MAX_PENDING_CHARACTERS) {
      const message = `tts.text: more than ${MAX_PENDING_CHARACTERS} characters wait to be spoken`
      queueMicrotask(() => this.fail(new SpeechError('flite', 'text', message)))
      return
    }
    this.#add(this.#splitter.push(text))
  }

  flush(): void {
    if (this.#isOver || this.#isFinished) return
    const rest = this.#splitter.flush()
    this.#add(rest === undefined ? [] : [rest])
  }

  finish(): void {
    this.flush()
    this.#isFinished = true
    this.#planAdvance()
  }

  setFlow(isOpen: boolean): void {
    this.#isFlowing = isOpen
    this.#planAdvance()
  }

  close(): void {
    this.#isOver = true
    this.#clauses.length = 0
    this.#scheduler.remove(this)
  }

  begin(): FliteRequest | undefined {
    if (!this.#isFlowing) return undefined
    const clause = this.#clauses.shift()
    if (clause === undefined) return undefined
    this.#current = clause
    const isLast = this.#isFinished && this.#clauses.length === 0
    const pauseMs = isLast ? LAST_PAUSE_MS : clausePauseMs(clause)
    const text = speakableText(clause)
    return { ...this.#voice, text, pauseMs: pauseMs * this.#voice.stretch }
  }

  receive(samples: Int16Array): void {
    const clause = this.#current ?? ''
    this.#current = undefined
    this.#reportClause(clause)
    if (samples.length > 0 && !this.#isOver) this.#reportAudio(samples)
    this.#advance()
  }

  fail(error: SpeechError): void {
    if (this.#isOver) return
    this.close()
    this.#handlers.onError(error)
  }

  #add(clauses: readonly string[]): void {
    if (clauses.length === 0) return
    this.#firstClauseAtMs ??= performance.now()
    for (const clause of clauses) this.#clauses.push(clause)
    this.#planAdvance()
  }

  /** Nothing is reported before the call that leads to it has returned. */
  #planAdvance(): void {
    if (!this.#isOver) queueMicrotask(() => this.#advance())
  }

  /** Gets in line for the next clause that can be spoken, or ends. */
  #advance(): void {
    if (this.#current !== undefined) return
    while (this.#isFlowing && !this.#isOver) {
      const clause = this.#clauses[0]
      if (clause === undefined) {
        if (this.#isFinished) this.#end()
        return
      }
      if (speakableText(clause) !== '') {
        this.#scheduler.enqueue(this)
        return
      }
      this.#clauses.shift()
      if (clause.trim() !== '') this.#hasSkippedText = true
      this.#reportClause(clause)
    }
  }

  #reportClause(clause: string): void {
    if (this.#isOver) return
    this.#pendingCharacters -= clause.length
    this.#handlers.onClause(clause)
  }

  #reportAudio(samples: Int16Array): void {
    if (!this.#hasSpoken && this.#firstClauseAtMs !== undefined) {
      this.#latency.observe((performance.now() - this.#firstClauseAtMs) / 1000)
    }
    this.#hasSpoken = true
    this.#handlers.onAudio(samples)
  }

  #end(): void {
    this.#isOver = true
    if (this.#hasSpoken || !this.#hasSkippedText) {
      this.#handlers.onEnd({ isCached: false })
      return
    }
    const message = 'tts.text: nothing in it can be said; the built-in voice speaks English only'
    this.#handlers.onError(new SpeechError('flite', 'text', message))
  }
}
