import type { SpeechError } from '#speech/speech-error.ts'
import type { Synthesis, SynthesisOptions, Synthesizer } from '#speech/tts.ts'

/** What came of one utterance. */
export interface Spoken {
  readonly clauses: string[]
  readonly chunks: Int16Array[]
  samples: number
  firstAudioMs: number | undefined
  isCached: boolean | undefined
  error: SpeechError | undefined
}

/** Opens an utterance and collects what it reports; `done` resolves at its end, however it ends. */
export function listen(
  synthesizer: Synthesizer,
  options: Partial<SynthesisOptions> = {},
): { synthesis: Synthesis; spoken: Spoken; done: Promise<Spoken> } {
  const startedMs = performance.now()
  const spoken: Spoken = {
    clauses: [],
    chunks: [],
    samples: 0,
    firstAudioMs: undefined,
    isCached: undefined,
    error: undefined,
  }
  const { promise, resolve } = Promise.withResolvers<Spoken>()
  const synthesis = synthesizer.open(
    { sampleRate: 16_000, ...options },
    {
      onClause: (text) => void spoken.clauses.push(text),
      onAudio: (samples) => {
        spoken.firstAudioMs ??= performance.now() - startedMs
        spoken.chunks.push(samples)
        spoken.samples += samples.length
      },
      onEnd: ({ isCached }) => {
        spoken.isCached = isCached
        resolve(spoken)
      },
      onError: (error) => {
        spoken.error = error
        resolve(spoken)
      },
    },
  )
  return { synthesis, spoken, done: promise }
}

/** Says a whole text. */
export function say(
  synthesizer: Synthesizer,
  text: string,
  options: Partial<SynthesisOptions> = {},
): Promise<Spoken> {
  const { synthesis, done } = listen(synthesizer, options)
  synthesis.push(text)
  synthesis.finish()
  return done
}

/** All samples of an utterance in one array. */
export function samplesOf({ chunks, samples }: Spoken): Int16Array {
  const all = new Int16Array(samples)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
