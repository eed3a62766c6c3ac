import { type AudioFrame, PTIME_MS } from '#audio/frame.ts'
import { DtmfDetector } from '../dtmf-detector.ts'

/** The longest delay of an echo that `EchoGate` knows, and what two readers may be apart. */
const MAX_DELAY_MS = 700
/** A key is read when it has sounded for some frames. */
const READ_MS = 40
const FRAMES = (MAX_DELAY_MS + READ_MS) / PTIME_MS
const IGNORE = () => undefined

/** A copy of a frame that was sent. */
interface SentFrame extends AudioFrame {
  readonly samples: Int16Array
  sampleRate: number
  atMs: number
}

export interface KeyEchoOptions {
  /** Milliseconds that never go back; another clock than the process's own in tests only. */
  readonly clock?: () => number
}

/**
 * Tells keys that a far end presses from our own that come back to us. The gate that silences
 * echoes does not serve for that: it stands behind the detector of keys, and lets loud tones pass.
 *
 * Keys are rare, so what was sent is only kept, and searched when a key has been heard.
 */
export class KeyEcho {
  readonly #clock: () => number
  /** The frames that were sent last, the oldest at `#next` once it is full. */
  readonly #sent: SentFrame[] = []
  #next = 0

  constructor({ clock = () => performance.now() }: KeyEchoOptions = {}) {
    this.#clock = clock
  }

  /** Takes a frame at the moment it is sent; it is copied. */
  noteSent({ samples, sampleRate }: AudioFrame): void {
    let slot = this.#sent[this.#next]
    if (slot?.samples.length !== samples.length) {
      slot = { samples: new Int16Array(samples.length), sampleRate, position: 0, atMs: 0 }
      this.#sent[this.#next] = slot
    }
    slot.samples.set(samples)
    slot.sampleRate = sampleRate
    slot.atMs = this.#clock()
    this.#next = (this.#next + 1) % FRAMES
  }

  /** Whether `key`, which has just been heard, is one that was sent not long ago. */
  isEcho(key: string): boolean {
    const sinceMs = this.#clock() - MAX_DELAY_MS - READ_MS
    let wasSent = false
    const detector = new DtmfDetector((found) => {
      wasSent ||= found === key
    })
    for (let i = 0; i < this.#sent.length; i += 1) {
      const frame = this.#sent[(this.#next + i) % this.#sent.length]
      if (frame !== undefined && frame.atMs >= sinceMs) detector.process(frame, IGNORE)
    }
    return wasSent
  }
}
