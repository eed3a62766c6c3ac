import { readFileSync } from 'node:fs'

/** The network hears 16 kHz audio in windows of 512 samples, 32 ms. */
export const SILERO_RATE = 16_000
export const WINDOW_SAMPLES = 512
export const WINDOW_MS = (WINDOW_SAMPLES * 1000) / SILERO_RATE

interface Kernel {
  readonly memory: WebAssembly.Memory
  weights(): number
  weightBytes(): number
  samples(): number
  allocateState(): number
  resetState(state: number): void
  judge(state: number): number
}

/**
 * Silero VAD, weights and kernel; one for any number of streams. A stream is a state of 1.25 KiB
 * inside the kernel's memory, known by its address. Memory of closed states is used again, but
 * WebAssembly cannot give any back to the system.
 */
export class SileroNetwork {
  readonly #kernel: Kernel
  readonly #freeStates: number[] = []
  #input: Int16Array

  constructor() {
    const wasm = readFileSync(new URL('./kernel.wasm', import.meta.url))
    const weights = readFileSync(new URL('./weights.bin', import.meta.url))
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm))
    this.#kernel = instance.exports as unknown as Kernel
    if (weights.length !== this.#kernel.weightBytes()) {
      throw new Error(`weights.bin has ${weights.length} bytes, the kernel wants another length`)
    }
    new Uint8Array(this.#kernel.memory.buffer).set(weights, this.#kernel.weights())
    this.#input = this.#viewInput()
  }

  /** Where the window for `judge` belongs: shape (512). Valid until the next `openState`. */
  get input(): Int16Array {
    return this.#input
  }

  /** A stream that has not begun. */
  openState(): number {
    const state = this.#freeStates.pop() ?? this.#kernel.allocateState()
    if (state === 0) throw new Error('no memory for one more stream')
    this.#kernel.resetState(state)
    // Memory that has grown lies elsewhere, and every view of the old place is empty.
    if (this.#input.length === 0) this.#input = this.#viewInput()
    return state
  }

  closeState(state: number): void {
    this.#freeStates.push(state)
  }

  /** The probability, 0 to 1, that the window in `input` is voice, given those before it. */
  judge(state: number): number {
    return this.#kernel.judge(state)
  }

  #viewInput(): Int16Array {
    return new Int16Array(this.#kernel.memory.buffer, this.#kernel.samples(), WINDOW_SAMPLES)
  }
}
