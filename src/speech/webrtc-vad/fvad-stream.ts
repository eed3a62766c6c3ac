import type { Fvad } from './fvad.ts'

const BYTES_PER_SAMPLE = 2

/** One stream in libfvad: its state and the window that is being filled, both in Wasm memory. */
export class FvadStream {
  readonly #fvad: Fvad
  readonly #state: number
  readonly #window: number
  #length = 0

  /** Room for windows of up to `windowSamples`; `undefined` when there is no memory for it. */
  static open(fvad: Fvad, mode: number, windowSamples: number): FvadStream | undefined {
    const state = fvad._fvad_new()
    if (state === 0) return undefined
    const window = fvad._malloc(windowSamples * BYTES_PER_SAMPLE)
    if (window === 0) {
      fvad._fvad_free(state)
      return undefined
    }
    fvad._fvad_set_mode(state, mode)
    return new FvadStream(fvad, state, window)
  }

  private constructor(fvad: Fvad, state: number, window: number) {
    this.#fvad = fvad
    this.#state = state
    this.#window = window
  }

  /** Begins anew at another rate. */
  start(sampleRate: number): void {
    this.#fvad._fvad_set_sample_rate(this.#state, sampleRate)
    this.#length = 0
  }

  /** Copies `samples[from]` to before `samples[to]` into the window. */
  add(samples: Int16Array, from: number, to: number): void {
    const heap = this.#fvad.HEAP16
    const first = this.#window / BYTES_PER_SAMPLE + this.#length
    for (let i = from; i < to; i += 1) heap[first + i - from] = samples[i]!
    this.#length += to - from
  }

  /** Whether the window is voice, which one that is not whole never is. The next one begins. */
  isVoice(): boolean {
    const voice = this.#fvad._fvad_process(this.#state, this.#window, this.#length)
    this.#length = 0
    return voice === 1
  }

  /** Gives the memory back. Called once. */
  close(): void {
    this.#fvad._free(this.#window)
    this.#fvad._fvad_free(this.#state)
  }
}
