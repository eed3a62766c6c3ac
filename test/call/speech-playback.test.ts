import { describe, expect, test } from 'bun:test'
import { SpeechPlayback } from '#call/speech-playback.ts'
import { Utterance, type UtteranceHandlers } from '#call/utterance.ts'
import { SpeechError } from '#speech/speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from '#speech/tts.ts'

const RATE = 8_000
const CLAUSE_SECONDS = 3
const UNHEARD: UtteranceHandlers = {
  onFirstAudio: () => undefined,
  onEnd: () => undefined,
  onError: () => undefined,
}

/**
 * Syntheses that share one Worker: each in turn makes a word, of three seconds, if it may. The word
 * `fail` breaks its synthesis.
 */
class TakingTurns implements Synthesizer {
  readonly provider = 'turns'
  readonly speakers = []
  readonly #clauseOf: (word: string) => string
  readonly #turns: (() => boolean)[] = []

  constructor(clauseOf = (word: string) => word) {
    this.#clauseOf = clauseOf
  }

  open(_options: SynthesisOptions, handlers: SynthesisHandlers): Synthesis {
    const words: string[] = []
    let isFlowing = true
    this.#turns.push(() => {
      if (!isFlowing || words.length === 0) return false
      const word = words.shift()!
      if (word.trim() === 'fail') {
        words.length = 0
        handlers.onError(new SpeechError('turns', 'server', 'it was told to fail'))
        return false
      }
      handlers.onClause(this.#clauseOf(word))
      handlers.onAudio(new Int16Array(CLAUSE_SECONDS * RATE))
      if (words.length === 0) handlers.onEnd({ isCached: false })
      return true
    })
    return {
      push: (text) => void words.push(...(text.match(/\S+\s*/g) ?? [])),
      flush: () => undefined,
      finish: () => undefined,
      setFlow: (isOpen) => {
        isFlowing = isOpen
      },
      close: () => undefined,
    }
  }

  /** Gives every synthesis turns until none may or can make more. */
  work(): void {
    while (this.#turns.map((turn) => turn()).includes(true));
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

const speech = (synthesizer: Synthesizer, texts: readonly string[]) => {
  const playback = new SpeechPlayback(RATE)
  for (const text of texts) {
    const utterance = new Utterance(synthesizer, { sampleRate: RATE }, UNHEARD)
    utterance.push(text)
    utterance.finish()
    playback.add(utterance)
  }
  return playback
}

const hear = (playback: SpeechPlayback, seconds: number) =>
  playback.read(new Int16Array(seconds * RATE))

describe('SpeechPlayback', () => {
  test('what is made of the next utterance never holds up the one that is heard', () => {
    const synthesizer = new TakingTurns()
    const texts = ['a b c d e f g h ', 'i j k l m n o p ']
    const playback = speech(synthesizer, texts)
    for (let second = 0; second < 100; second += 1) {
      synthesizer.work()
      expect(playback.madeMs - second * 1_000).toBeLessThan(2 * (10_000 + CLAUSE_SECONDS * 1_000))
      if (hear(playback, 1) === 0) break
    }
    expect(playback.heardText).toBe(texts.join(''))
    expect(playback.isFinished).toBe(true)
  })

  test('what a broken synthesis left unsaid remains, also when speech has gone on', () => {
    const synthesizer = new TakingTurns()
    const playback = speech(synthesizer, ['one fail two ', 'three four'])
    synthesizer.work()
    hear(playback, 2 * CLAUSE_SECONDS)
    expect(playback.heardText).toBe('one three ')
    expect(playback.remainingText).toBe('fail two four')
  })

  test('what was said to its end was heard, even where the cache knows it by other words', () => {
    const synthesizer = new TakingTurns(() => 'x')
    const playback = speech(synthesizer, ['one two ', 'three'])
    synthesizer.work()
    hear(playback, 2 * CLAUSE_SECONDS)
    expect(playback.heardText).toBe('one two ')
    expect(playback.remainingText).toBe('three')
  })
})
