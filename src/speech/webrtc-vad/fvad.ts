// @ts-expect-error The package has no types.
import createModule from '@echogarden/fvad-wasm'

/** What is used of libfvad, the WebRTC VAD on its own (https://github.com/dpirch/libfvad). */
export interface Fvad {
  /** The memory; another array after it has grown. */
  readonly HEAP16: Int16Array
  /** Addresses are in bytes; 0 without memory. */
  _malloc(bytes: number): number
  _free(address: number): void
  /** The address of a new state, or 0 without memory. */
  _fvad_new(): number
  _fvad_free(state: number): void
  /** 0, which takes most for voice, to 3. */
  _fvad_set_mode(state: number, mode: number): number
  /** One of `FVAD_RATES`; forgets what has been heard. */
  _fvad_set_sample_rate(state: number, sampleRate: number): number
  /** 1 is voice and 0 none; -1 if `count` samples are not 10, 20 or 30 ms. */
  _fvad_process(state: number, samples: number, count: number): number
}

export const FVAD_RATES: readonly number[] = [8000, 16_000, 32_000, 48_000]

/** Loads the module; one instance serves all streams of the process. */
export function loadFvad(): Promise<Fvad> {
  return createModule()
}
