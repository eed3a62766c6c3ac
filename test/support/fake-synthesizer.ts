import { SpeechError } from '#speech/speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from '#speech/tts.ts'

/** Milliseconds of audio that the fake makes of each character. */
const MS_PER_CHAR = 10

/**
 * Speaks like the real thing, but at once and in a way that can be checked: each word is a clause
 * of `MS_PER_CHAR` per character, whose samples all have the value of its first character code.
 * The word `fail` breaks the synthesis.
 */
export class FakeSynthesizer implements Synthesizer {
  readonly provider = 'fake'
  readonly speakers = ['alice', 'bob']
  readonly opened: SynthesisOptions[] = []
  openCount = 0
  /** Clauses made, over all syntheses. */
  clauseCount = 0

  open(options: SynthesisOptions, handlers: SynthesisHandlers): Synthesis {
    this.opened.push(options)
    this.openCount += 1
    return new FakeSynthesis(this, options, handlers)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

class FakeSynthesis implements Synthesis {
  readonly #owner: FakeSynthesizer
  readonly #options: SynthesisOptions
  readonly #handlers: SynthesisHandlers
  #text = ''
  #isFinished = false
  #isFlowing = true
  #isOver = false
  #isScheduled = false

  constructor(owner: FakeSynthesizer, options: SynthesisOptions, handlers: SynthesisHandlers) {
    this.#owner = owner
    this.#options = options
    this.#handlers = handlers
  }

  push(text: string): void {
    this.#text += text
    this.#schedule()
  }

  flush(): void {
    this.#schedule()
  }

  finish(): void {
    this.#isFinished = true
    this.#schedule()
  }

  setFlow(isOpen: boolean): void {
    this.#isFlowing = isOpen
    this.#schedule()
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.openCount -= 1
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#speak()
    })
  }

  #speak(): void {
    while (this.#isFlowing && !this.#isOver) {
      const word = this.#isFinished
        ? /^\s*\S+\s*|^\s+$/.exec(this.#text)?.[0]
        : /^\s*\S+\s+/.exec(this.#text)?.[0]
      if (word === undefined) break
      this.#text = this.#text.slice(word.length)
      if (word.trim() === 'fail') {
        this.close()
        this.#handlers.onError(new SpeechError('fake', 'server', 'the fake was told to fail'))
        return
      }
      this.#owner.clauseCount += 1
      this.#handlers.onClause(word)
      const { sampleRate } = this.#options
      const samples = new Int16Array((word.trim().length * MS_PER_CHAR * sampleRate) / 1000)
      this.#handlers.onAudio(samples.fill(word.trim().charCodeAt(0) || 0))
    }
    if (this.#isOver || !this.#isFinished || this.#text !== '') return
    this.close()
    this.#handlers.onEnd({ isCached: false })
  }
}
