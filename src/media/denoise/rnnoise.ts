// @ts-expect-error The package has no types.
import load from '@echogarden/rnnoise-wasm'
import { saturate } from '#audio/saturate.ts'

export const RNNOISE_RATE = 48_000
/** What it takes at once: 10 ms. */
export const RNNOISE_SAMPLES = 480
/** How far its output lags behind its input: one such piece, for its windows overlap by half. */
export const RNNOISE_DELAY_SAMPLES = 480

/** What is used of the package. Pointers are offsets in bytes. */
interface RnnoiseModule {
  /** The memory as numbers; another array whenever the memory has grown. */
  readonly HEAPF32: Float32Array
  _malloc(bytes: number): number
  /** A new state for the built-in model, which is 0. */
  _rnnoise_create(model: number): number
  _rnnoise_destroy(state: number): void
  /** Cleans 480 samples from `input` into `output`, which may be the same. */
  _rnnoise_process_frame(state: number, output: number, input: number): number
}

const loadModule: () => Promise<RnnoiseModule> = load

/**
 * RNNoise, the recurrent network of J.-M. Valin ("A Hybrid DSP/Deep Learning Approach to Real-Time
 * Full-Band Speech Enhancement", 2018), in WebAssembly: one module, a state of 18 kB per stream.
 */
export class Rnnoise {
  readonly #module: RnnoiseModule
  readonly #samples: number

  static async load(): Promise<Rnnoise> {
    return new Rnnoise(await loadModule())
  }

  private constructor(module: RnnoiseModule) {
    this.#module = module
    this.#samples = module._malloc(RNNOISE_SAMPLES * Float32Array.BYTES_PER_ELEMENT)
  }

  /** A state for a stream that begins. */
  openState(): number {
    return this.#module._rnnoise_create(0)
  }

  closeState(state: number): void {
    this.#module._rnnoise_destroy(state)
  }

  /** Cleans the next piece of a stream in place: shape (480), at 48 kHz. */
  clean(state: number, samples: Int16Array): void {
    const first = this.#samples / Float32Array.BYTES_PER_ELEMENT
    this.#module.HEAPF32.set(samples, first)
    this.#module._rnnoise_process_frame(state, this.#samples, this.#samples)
    const cleaned = this.#module.HEAPF32
    for (let i = 0; i < RNNOISE_SAMPLES; i += 1) {
      samples[i] = saturate(Math.round(cleaned[first + i]!))
    }
  }
}
