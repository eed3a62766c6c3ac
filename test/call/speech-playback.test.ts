import { describe, expect, test } from 'bun:test'
import { SpeechPlayback } from '#call/speech-playback.ts'
import { Utterance } from '#call/utterance.ts'
import type { Synthesis, SynthesisHandlers, Synthesizer } from '#speech/tts.ts'

const SAMPLE_RATE = 8_000

/** A synthesis that a test drives by hand. */
class ManualSynthesis implements Synthesis {
  readonly handlers: SynthesisHandlers
  isFlowing = true

  constructor(handlers: SynthesisHandlers) {
    this.handlers = handlers
  }

  makes(seconds: number): void {
    this.handlers.onAudio(new Int16Array(seconds * SAMPLE_RATE).fill(1))
  }

  setFlow(isOpen: boolean): void {
    this.isFlowing = isOpen
  }

  push(): void {}
  flush(): void {}
  finish(): void {}
  close(): void {}
}

function setUp(texts: readonly string[]) {
  const syntheses: ManualSynthesis[] = []
  const synthesizer: Synthesizer = {
    provider: 'manual',
    speakers: [],
    open: (_options, handlers) => {
      const synthesis = new ManualSynthesis(handlers)
      syntheses.push(synthesis)
      return synthesis
    },
    close: () => Promise.resolve(),
  }
  const playback = new SpeechPlayback(SAMPLE_RATE)
  const ignore = () => undefined
  const handlers = { onFirstAudio: ignore, onEnd: ignore, onError: ignore }
  for (const text of texts) {
    const utterance = new Utterance(synthesizer, { sampleRate: SAMPLE_RATE }, handlers)
    utterance.push(text)
    utterance.finish()
    playback.add(utterance)
  }
  return { playback, syntheses }
}

describe('SpeechPlayback', () => {
  test('lets the utterance that is heard flow, however much of the next is made', () => {
    const { playback, syntheses } = setUp(['slow', 'quick'])
    const [slow, quick] = syntheses as [ManualSynthesis, ManualSynthesis]
    quick.makes(12)
    expect(quick.isFlowing).toBe(false)
    expect(slow.isFlowing).toBe(true)
    slow.makes(11)
    expect(slow.isFlowing).toBe(false)
    expect(playback.read(new Int16Array(7 * SAMPLE_RATE))).toBe(7 * SAMPLE_RATE)
    expect(slow.isFlowing).toBe(true)
    expect(quick.isFlowing).toBe(false)
  })

  test('opens an utterance closed while enough audio waits before it', () => {
    const { playback, syntheses } = setUp(['one', 'two', 'three'])
    syntheses[0]?.makes(1)
    syntheses[0]?.handlers.onEnd({ isCached: false })
    syntheses[1]?.makes(12)
    playback.read(new Int16Array(1.5 * SAMPLE_RATE))
    expect(syntheses.map(({ isFlowing }) => isFlowing)).toEqual([true, false, false])
    playback.read(new Int16Array(7 * SAMPLE_RATE))
    expect(syntheses.map(({ isFlowing }) => isFlowing)).toEqual([true, true, true])
  })
})
