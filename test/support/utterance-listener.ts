import type { SpeechError } from '#speech/speech-error.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from '#speech/tts.ts'

/** Listens to one utterance and notes what is reported, in order. */
export class Listener implements SynthesisHandlers {
  /** `clause …`, `audio`, `end`, `error …`. */
  readonly log: string[] = []
  readonly clauses: string[] = []
  readonly chunks: Int16Array[] = []
  /** When the first audio came, as `performance.now`. */
  firstAudioAtMs: number | undefined
  isCached: boolean | undefined
  error: SpeechError | undefined
  /** Resolves at the end, also when it is an error. */
  readonly over: Promise<void>
  /** Resolves at the first audio. */
  readonly heard: Promise<void>
  readonly #resolveOver: () => void
  readonly #resolveHeard: () => void
  readonly #onReport: (kind: 'clause' | 'audio') => void

  constructor(onReport: (kind: 'clause' | 'audio') => void = () => {}) {
    const over = Promise.withResolvers<void>()
    const heard = Promise.withResolvers<void>()
    this.over = over.promise
    this.heard = heard.promise
    this.#resolveOver = over.resolve
    this.#resolveHeard = heard.resolve
    this.#onReport = onReport
  }

  get samples(): Int16Array {
    return Int16Array.from(this.chunks.flatMap((chunk) => [...chunk]))
  }

  onClause(text: string): void {
    this.log.push(`clause ${text}`)
    this.clauses.push(text)
    this.#onReport('clause')
  }

  onAudio(samples: Int16Array): void {
    this.firstAudioAtMs ??= performance.now()
    this.log.push('audio')
    this.chunks.push(samples)
    this.#resolveHeard()
    this.#onReport('audio')
  }

  onEnd({ isCached }: { readonly isCached: boolean }): void {
    this.log.push('end')
    this.isCached = isCached
    this.#resolveOver()
  }

  onError(error: SpeechError): void {
    this.log.push(`error ${error.code}`)
    this.error = error
    this.#resolveOver()
  }
}

/** Begins an utterance; with `text`, of just that. */
export function speak(
  synthesizer: Synthesizer,
  text: string | undefined,
  options: Partial<SynthesisOptions> = {},
  listener: Listener = new Listener(),
): { readonly listener: Listener; readonly synthesis: Synthesis } {
  const synthesis = synthesizer.open({ sampleRate: 16_000, ...options }, listener)
  if (text !== undefined) {
    synthesis.push(text)
    synthesis.finish()
  }
  return { listener, synthesis }
}

/** Speaks `text` to its end. */
export async function hear(
  synthesizer: Synthesizer,
  text: string,
  options: Partial<SynthesisOptions> = {},
): Promise<Listener> {
  const { listener } = speak(synthesizer, text, options)
  await listener.over
  return listener
}
