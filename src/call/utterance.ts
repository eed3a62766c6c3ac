import { SampleQueue } from '#media/sample-queue.ts'
import type { SpeechError } from '#speech/speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from '#speech/tts.ts'

/** How the making of one utterance went. */
interface UtteranceResult {
  readonly isCached: boolean
  /** Milliseconds of audio made. */
  readonly audioMs: number
}

export interface UtteranceHandlers {
  /** The first audio has been made. */
  onFirstAudio(): void
  onEnd(result: UtteranceResult): void
  onError(error: SpeechError): void
}

/** White space, or a script that writes its words without any: Chinese, Japanese. */
const BOUNDARY = /[\s\u3000-\u9fff\uf900-\ufaff\uff00-\uffef]/

interface Clause {
  readonly text: string
  /** Samples made so far. */
  samples: number
}

/**
 * One stretch of text on its way to being heard: the text that is still coming, the synthesis of
 * it, and the audio that has been made and not yet read. Knows which words have been read.
 */
export class Utterance {
  readonly synthesizer: Synthesizer
  readonly #options: SynthesisOptions
  readonly #handlers: UtteranceHandlers
  #text = ''
  #isTextComplete = false
  #synthesis: Synthesis | undefined
  #isFlowing = true
  #hasEnded = false
  #isAllMade = false
  #madeSamples = 0
  readonly #audio = new SampleQueue()
  /** Clauses whose audio has not been read to its end, in order. */
  readonly #clauses: Clause[] = []
  #readInClause = 0
  #heardChars = 0
  #onBuffered: () => void = () => undefined

  constructor(synthesizer: Synthesizer, options: SynthesisOptions, handlers: UtteranceHandlers) {
    this.synthesizer = synthesizer
    this.#options = options
    this.#handlers = handlers
  }

  get isTextComplete(): boolean {
    return this.#isTextComplete
  }

  get isOpen(): boolean {
    return this.#synthesis !== undefined
  }

  get isFlowing(): boolean {
    return this.#isFlowing
  }

  /** Everything has been made and read. */
  get isFinished(): boolean {
    return this.#hasEnded && this.#audio.length === 0
  }

  get bufferedSamples(): number {
    return this.#audio.length
  }

  get madeSamples(): number {
    return this.#madeSamples
  }

  get textChars(): number {
    return this.#text.length
  }

  get heardText(): string {
    return this.#text.slice(0, this.#heardChars + this.#heardInClause())
  }

  get remainingText(): string {
    return this.#text.slice(this.heardText.length)
  }

  push(text: string): void {
    this.#text += text
    this.#synthesis?.push(text)
  }

  /** No more text will come. */
  finish(): void {
    if (this.#isTextComplete) return
    this.#isTextComplete = true
    this.#synthesis?.finish()
  }

  /** Begins the synthesis; `onBuffered` is called whenever there is more audio to read. */
  open(onBuffered: () => void): void {
    if (this.#synthesis !== undefined) return
    this.#onBuffered = onBuffered
    this.#synthesis = this.synthesizer.open(this.#options, this.#createHandlers())
    if (this.#text !== '') this.#synthesis.push(this.#text)
    if (this.#isTextComplete) this.#synthesis.finish()
  }

  /** Closes the tap of the synthesis, which must have begun, or opens it again. */
  setFlow(isOpen: boolean): void {
    if (this.#hasEnded || isOpen === this.#isFlowing) return
    this.#isFlowing = isOpen
    this.#synthesis?.setFlow(isOpen)
  }

  /** As `Playback.read`. */
  read(frame: Int16Array): number {
    const count = this.#audio.read(frame)
    this.#advance(count)
    // A cache may know what was said by other words than these.
    if (this.#isAllMade && this.#audio.length === 0) this.#heardChars = this.#text.length
    return count
  }

  close(): void {
    this.#hasEnded = true
    this.#audio.clear()
    this.#synthesis?.close()
  }

  #createHandlers(): SynthesisHandlers {
    return {
      onClause: (text) => {
        this.#clauses.push({ text, samples: 0 })
      },
      onAudio: (samples) => this.#receive(samples),
      onEnd: ({ isCached }) => {
        this.#hasEnded = true
        this.#isAllMade = true
        const audioMs = Math.round((this.#madeSamples * 1000) / this.#options.sampleRate)
        this.#handlers.onEnd({ isCached, audioMs })
      },
      onError: (error) => {
        this.#hasEnded = true
        this.#handlers.onError(error)
      },
    }
  }

  #receive(samples: Int16Array): void {
    if (this.#hasEnded || samples.length === 0) return
    const isFirst = this.#madeSamples === 0
    this.#audio.push(samples)
    this.#madeSamples += samples.length
    const clause = this.#clauses.at(-1)
    if (clause !== undefined) clause.samples += samples.length
    if (isFirst) this.#handlers.onFirstAudio()
    this.#onBuffered()
  }

  /** Moves the mark of what was heard on by `samples`. */
  #advance(samples: number): void {
    this.#readInClause += samples
    for (;;) {
      const clause = this.#clauses[0]
      if (clause === undefined) return
      // The last clause may still grow, unless the synthesis is over.
      const isComplete = this.#clauses.length > 1 || this.#hasEnded
      if (!isComplete || this.#readInClause < clause.samples) return
      this.#readInClause -= clause.samples
      this.#heardChars += clause.text.length
      this.#clauses.shift()
    }
  }

  /** How much of the clause under way was heard, in characters, cut back to a whole word. */
  #heardInClause(): number {
    const clause = this.#clauses[0]
    if (clause === undefined || clause.samples === 0) return 0
    const share = Math.min(1, this.#readInClause / clause.samples)
    return wordBoundary(clause.text, Math.floor(clause.text.length * share))
  }
}

/** The end of the last whole word in the first `chars` characters of `text`. */
function wordBoundary(text: string, chars: number): number {
  let end = chars
  while (end > 0 && end < text.length && !BOUNDARY.test(text[end - 1] as string)) end -= 1
  return end
}
