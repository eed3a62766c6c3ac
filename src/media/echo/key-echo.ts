import type { AudioFrame } from '#audio/frame.ts'
import { DtmfDetector } from '../dtmf-detector.ts'

/** The longest delay of an echo that `EchoGate` knows, and what two readers may be apart. */
const MAX_DELAY_MS = 700
const IGNORE = () => undefined

export interface KeyEchoOptions {
  /** Milliseconds that never go back; another clock than the process's own in tests only. */
  readonly clock?: () => number
}

/**
 * Tells keys that a far end presses from our own that come back to us. The gate that silences
 * echoes does not serve for that: it stands behind the detector of keys, and lets loud tones pass.
 */
export class KeyEcho {
  readonly #clock: () => number
  readonly #detector: DtmfDetector
  /** When each key was last read in what we send. */
  readonly #sentAtMs = new Map<string, number>()

  constructor({ clock = () => performance.now() }: KeyEchoOptions = {}) {
    this.#clock = clock
    this.#detector = new DtmfDetector((key) => this.#sentAtMs.set(key, this.#clock()))
  }

  /** Takes a frame at the moment it is sent. */
  noteSent(frame: AudioFrame): void {
    this.#detector.process(frame, IGNORE)
  }

  /** Whether `key`, which has just been heard, is one that was sent not long ago. */
  isEcho(key: string): boolean {
    const sentAtMs = this.#sentAtMs.get(key)
    return sentAtMs !== undefined && this.#clock() - sentAtMs <= MAX_DELAY_MS
  }
}
