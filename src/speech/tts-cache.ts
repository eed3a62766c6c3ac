import type { DiskCache } from '#core/disk-cache.ts'
import type { Synthesis, SynthesisHandlers, SynthesisOptions, Synthesizer } from './tts.ts'

/** Longer utterances are not kept, so that collecting them has a bound: about two minutes. */
const MAX_SAMPLES = 4_000_000
/** Audio handed on at once from a hit. */
const CHUNK_SECONDS = 2

interface Clause {
  readonly text: string
  readonly samples: number
}

/** An utterance as it lies in the cache: its clauses, and all audio behind them. */
interface Spoken {
  readonly clauses: readonly Clause[]
  readonly samples: Int16Array
}

/**
 * Keeps what `synthesizer` says in `cache`, so that the same words, voice and rate need not be made
 * again. Only utterances whose text is known from the start are kept: streamed text never repeats.
 */
export function withCache(synthesizer: Synthesizer, cache: DiskCache): Synthesizer {
  return {
    provider: synthesizer.provider,
    speakers: synthesizer.speakers,
    open: (options, handlers) => new CachedSynthesis(synthesizer, cache, options, handlers),
    close: () => synthesizer.close(),
  }
}

/**
 * Waits with its first text until it is known whether that is all: `finish` in the same turn makes
 * it a look-up, anything else goes straight through.
 */
class CachedSynthesis implements Synthesis {
  readonly #synthesizer: Synthesizer
  readonly #cache: DiskCache
  readonly #options: SynthesisOptions
  readonly #handlers: SynthesisHandlers
  #text = ''
  #isStreaming = false
  #isFlowing = true
  #isClosed = false
  /** The real synthesis, once it is needed. */
  #inner: Synthesis | undefined
  /** What is left to hand on of a hit. */
  #hit: Spoken | undefined

  constructor(
    synthesizer: Synthesizer,
    cache: DiskCache,
    options: SynthesisOptions,
    handlers: SynthesisHandlers,
  ) {
    this.#synthesizer = synthesizer
    this.#cache = cache
    this.#options = options
    this.#handlers = handlers
  }

  push(text: string): void {
    this.#text += text
    if (this.#inner !== undefined) this.#inner.push(text)
    else if (this.#text === text) queueMicrotask(() => this.#stream())
  }

  flush(): void {
    this.#stream()
    this.#inner?.flush()
  }

  finish(): void {
    if (this.#isStreaming) {
      this.#inner?.finish()
      return
    }
    this.#isStreaming = true
    void this.#lookUp()
  }

  setFlow(isOpen: boolean): void {
    this.#isFlowing = isOpen
    this.#inner?.setFlow(isOpen)
    if (isOpen) this.#play()
  }

  close(): void {
    this.#isClosed = true
    this.#hit = undefined
    this.#inner?.close()
  }

  /** More text may come: nothing is looked up or kept. */
  #stream(): void {
    if (this.#isStreaming || this.#isClosed) return
    this.#isStreaming = true
    this.#begin(this.#handlers)
  }

  #begin(handlers: SynthesisHandlers): void {
    this.#inner = this.#synthesizer.open(this.#options, handlers)
    this.#inner.setFlow(this.#isFlowing)
    if (this.#text !== '') this.#inner.push(this.#text)
  }

  async #lookUp(): Promise<void> {
    const key = this.#key()
    const bytes = await this.#cache.get(key)
    if (this.#isClosed) return
    this.#hit = bytes === undefined ? undefined : decode(bytes)
    if (this.#hit !== undefined) {
      this.#play()
      return
    }
    this.#begin(this.#collecting(key))
    this.#inner?.finish()
  }

  /** The handlers, with an ear of our own. */
  #collecting(key: string): SynthesisHandlers {
    const handlers = this.#handlers
    const clauses: { text: string; samples: number }[] = []
    let chunks: Int16Array[] | undefined = []
    let total = 0
    return {
      onClause: (text) => {
        clauses.push({ text, samples: 0 })
        handlers.onClause(text)
      },
      onAudio: (samples) => {
        total += samples.length
        if (total > MAX_SAMPLES) chunks = undefined
        // They belong to the receiver, who may change them before the end.
        chunks?.push(samples.slice())
        const clause = clauses.at(-1)
        if (clause !== undefined) clause.samples += samples.length
        handlers.onAudio(samples)
      },
      onError: (error) => handlers.onError(error),
      onEnd: (result) => {
        if (chunks !== undefined) void this.#cache.put(key, encode(clauses, chunks))
        handlers.onEnd(result)
      },
    }
  }

  /** Hands on what is left of a hit, as long as it is wanted. */
  #play(): void {
    const chunk = this.#options.sampleRate * CHUNK_SECONDS
    while (this.#hit !== undefined && this.#isFlowing) {
      const { clauses, samples } = this.#hit
      const [clause, ...rest] = clauses
      if (clause === undefined) {
        this.#hit = undefined
        this.#handlers.onEnd({ isCached: true })
        return
      }
      this.#hit = { clauses: rest, samples: samples.subarray(clause.samples) }
      const part = samples.subarray(0, Math.min(chunk, clause.samples))
      if (part.length < clause.samples) {
        const more = { text: '', samples: clause.samples - part.length }
        this.#hit = { clauses: [more, ...rest], samples: samples.subarray(part.length) }
      }
      if (clause.text !== '') this.#handlers.onClause(clause.text)
      if (part.length > 0 && !this.#isClosed) this.#handlers.onAudio(part.slice())
    }
  }

  #key(): string {
    const { provider } = this.#synthesizer
    const { cacheKey, ...options } = this.#options
    const what = cacheKey === undefined ? { text: this.#text } : { cacheKey }
    const sorted = Object.entries({ ...options, ...what }).sort(([a], [b]) => (a < b ? -1 : 1))
    return JSON.stringify(['speech', provider, sorted])
  }
}

/** Length of the JSON, the JSON, and the samples behind it. */
function encode(clauses: readonly Clause[], chunks: readonly Int16Array[]): Uint8Array {
  const head = Buffer.from(JSON.stringify(clauses))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(head.length)
  const audio = chunks.map((chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  return Buffer.concat([size, head, ...audio])
}

function decode(bytes: Uint8Array): Spoken {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const audioAt = 4 + buffer.readUInt32LE(0)
  const clauses = JSON.parse(buffer.subarray(4, audioAt).toString()) as Clause[]
  // A copy, because samples must lie at an even address.
  const audio = new Uint8Array(buffer.subarray(audioAt))
  return { clauses, samples: new Int16Array(audio.buffer) }
}
