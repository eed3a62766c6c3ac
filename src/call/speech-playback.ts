import type { Playback } from '#media/playback.ts'
import type { Utterance } from './utterance.ts'

/** How much unread audio stops the synthesis, and how little starts it again. */
const HIGH_WATER_SECONDS = 10
const LOW_WATER_SECONDS = 5
/** How many utterances are synthesized at once: the one that is heard and the next. */
const MAX_OPEN = 2
/** What may wait to be spoken. */
const MAX_WAITING_CHARS = 500_000
const MAX_WAITING_UTTERANCES = 5_000

/**
 * Speech as a playback: utterances one after the other, without a gap. Each is synthesized shortly
 * before its turn, so that what is never heard is hardly ever made.
 */
export class SpeechPlayback implements Playback {
  readonly #sampleRate: number
  readonly #utterances: Utterance[] = []
  #waitingChars = 0
  #heardText = ''
  /** What utterances that broke have left; it counts as waiting, which bounds it. */
  #unsaidText = ''
  #madeSamples = 0
  #isClosed = false

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate
  }

  /** The utterance that more text of a stream belongs to, if one is still open for it. */
  get streaming(): Utterance | undefined {
    const last = this.#utterances.at(-1)
    return last?.isTextComplete === false ? last : undefined
  }

  get isFinished(): boolean {
    return this.#isClosed || this.#utterances.every((utterance) => utterance.isFinished)
  }

  get heardText(): string {
    return this.#heardText + (this.#utterances[0]?.heardText ?? '')
  }

  get remainingText(): string {
    return this.#utterances.reduce((text, next) => text + next.remainingText, this.#unsaidText)
  }

  /** Milliseconds of audio made so far. */
  get madeMs(): number {
    const open = this.#utterances.reduce((sum, utterance) => sum + utterance.madeSamples, 0)
    return Math.round(((this.#madeSamples + open) * 1000) / this.#sampleRate)
  }

  /** Whether `chars` more may wait; if not, they must be refused. */
  hasRoom(chars: number): boolean {
    if (this.#utterances.length >= MAX_WAITING_UTTERANCES) return false
    return this.#waitingChars + chars <= MAX_WAITING_CHARS
  }

  add(utterance: Utterance): void {
    this.#utterances.push(utterance)
    this.#waitingChars += utterance.textChars
    this.#openNext()
  }

  /** Appends to the utterance that is still open for text. */
  push(utterance: Utterance, text: string): void {
    this.#waitingChars += text.length
    utterance.push(text)
  }

  read(frame: Int16Array): number {
    let count = 0
    while (count < frame.length) {
      const utterance = this.#utterances[0]
      if (utterance === undefined) break
      count += utterance.read(count === 0 ? frame : frame.subarray(count))
      if (!utterance.isFinished) break
      this.#retire(utterance)
    }
    this.#steer()
    return count
  }

  close(): void {
    this.#isClosed = true
    for (const utterance of this.#utterances) utterance.close()
  }

  #retire(utterance: Utterance): void {
    this.#utterances.shift()
    const { heardText, remainingText } = utterance
    this.#waitingChars -= heardText.length
    this.#heardText += heardText
    this.#unsaidText += remainingText
    this.#madeSamples += utterance.madeSamples
    this.#openNext()
  }

  #openNext(): void {
    for (const utterance of this.#utterances.slice(0, MAX_OPEN)) {
      if (utterance.isOpen) continue
      utterance.open(() => this.#steer())
    }
    this.#steer()
  }

  /**
   * Closes the tap of each synthesis when enough audio waits up to its end, and opens it again.
   * What comes after an utterance does not count: it cannot be heard while this one is not made.
   */
  #steer(): void {
    let beforeSamples = 0
    for (const utterance of this.#utterances) {
      if (!utterance.isOpen) break
      const seconds = (beforeSamples + utterance.bufferedSamples) / this.#sampleRate
      utterance.setFlow(seconds < (utterance.isFlowing ? HIGH_WATER_SECONDS : LOW_WATER_SECONDS))
      beforeSamples += utterance.bufferedSamples
    }
  }
}
