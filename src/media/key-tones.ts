import { type DtmfTiming, generateDtmf } from '#audio/dtmf-generator.ts'
import type { Playback } from './playback.ts'

/** Keys that may wait to be pressed. */
const MAX_WAITING = 256

interface WaitingKey {
  readonly key: string
  readonly timing: Partial<DtmfTiming>
}

/** The sound of keys being pressed, each made when its turn comes. */
export class KeyTones implements Playback {
  readonly #sampleRate: number
  readonly #waiting: WaitingKey[] = []
  #sound: Int16Array = new Int16Array(0)
  #offset = 0

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate
  }

  get isFinished(): boolean {
    return this.#offset === this.#sound.length && this.#waiting.length === 0
  }

  /** Presses `keys` (each of `0-9 * # A-D`) after what waits already; false when there is no room. */
  press(keys: string, timing: Partial<DtmfTiming>): boolean {
    if (this.#waiting.length + keys.length > MAX_WAITING) return false
    for (const key of keys) this.#waiting.push({ key, timing })
    return true
  }

  read(frame: Int16Array): number {
    let count = 0
    while (count < frame.length && this.#hasSound()) {
      const part = this.#sound.subarray(this.#offset, this.#offset + frame.length - count)
      frame.set(part, count)
      count += part.length
      this.#offset += part.length
    }
    return count
  }

  close(): void {
    this.#waiting.length = 0
    this.#offset = this.#sound.length
  }

  /** Makes the next key when the one before it is over; false when there is none. */
  #hasSound(): boolean {
    if (this.#offset < this.#sound.length) return true
    const next = this.#waiting.shift()
    if (next === undefined) return false
    this.#sound = generateDtmf(next.key, this.#sampleRate, next.timing)
    this.#offset = 0
    return true
  }
}
