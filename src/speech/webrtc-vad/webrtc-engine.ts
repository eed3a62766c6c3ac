import type { Sink } from '#core/sink.ts'
import { InlineEngine, type InlineEngineOptions } from '../inline-engine.ts'
import { SpeechError } from '../speech-error.ts'
import { type Fvad, loadFvad } from './fvad.ts'
import { WebrtcJudge } from './webrtc-judge.ts'

const TYPE = 'webrtc'

export interface WebrtcVadEngineOptions extends InlineEngineOptions {
  /** How to get the library, where it is not to be the package. */
  readonly load?: () => Promise<Fvad>
}

/**
 * The WebRTC VAD, in the thread of the calls. The library is loaded at once, which takes some
 * milliseconds; until then nothing is voice, and times stay right. If it cannot be loaded,
 * `onFault` hears of it and `createDetector` throws `SpeechError` (`server`) from then on.
 */
export function createWebrtcVadEngine(options: WebrtcVadEngineOptions = {}): InlineEngine {
  const library = new Library(options.load ?? loadFvad, options.onFault)
  return new InlineEngine({
    type: TYPE,
    createJudge: ({ voiceThreshold }) => {
      library.check()
      return new WebrtcJudge(() => library.fvad, voiceThreshold)
    },
    ready: library.ready,
    ...options,
  })
}

/** The library once it is there, or why it is not. */
class Library {
  /** Settles, and never rejects, when loading has ended either way. */
  readonly ready: Promise<void>
  #fvad: Fvad | undefined
  #error: SpeechError | undefined

  constructor(load: () => Promise<Fvad>, onFault: Sink<SpeechError> = () => {}) {
    this.ready = this.#load(load, onFault)
  }

  get fvad(): Fvad | undefined {
    return this.#fvad
  }

  check(): void {
    if (this.#error !== undefined) throw this.#error
  }

  async #load(load: () => Promise<Fvad>, onFault: Sink<SpeechError>): Promise<void> {
    try {
      this.#fvad = await load()
    } catch (cause) {
      this.#error = new SpeechError(TYPE, 'server', 'the VAD library cannot be loaded', { cause })
      onFault(this.#error)
    }
  }
}
