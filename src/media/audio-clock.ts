/** A pause in the audio longer than this moves the clock on. */
const MAX_GAP_MS = 500
/** How many pauses are remembered; times before the oldest are a little off, not wrong in order. */
const MAX_ANCHORS = 64

interface Anchor {
  readonly streamMs: number
  readonly epochMs: number
}

/**
 * Tells at what time of day a piece of received audio was heard. Counts audio, not packets: jitter
 * and bursts do not move it, only a real pause of the sender does.
 */
export class AudioClock {
  #streamMs = 0
  readonly #anchors: Anchor[] = []

  /** `durationMs` of audio have just arrived, at `nowMs` (epoch). */
  advance(durationMs: number, nowMs: number): void {
    const beginsAtMs = nowMs - durationMs
    const last = this.#anchors.at(-1)
    if (last === undefined || beginsAtMs - this.#epochOf(last, this.#streamMs) > MAX_GAP_MS) {
      this.#anchors.push({ streamMs: this.#streamMs, epochMs: beginsAtMs })
      if (this.#anchors.length > MAX_ANCHORS) this.#anchors.shift()
    }
    this.#streamMs += durationMs
  }

  /** Epoch milliseconds, whole, of the sample `streamMs` after the first one. */
  epochMs(streamMs: number): number {
    for (let i = this.#anchors.length - 1; i > 0; i -= 1) {
      const anchor = this.#anchors[i] as Anchor
      if (anchor.streamMs <= streamMs) return this.#epochOf(anchor, streamMs)
    }
    const first = this.#anchors[0]
    return first === undefined ? Date.now() : this.#epochOf(first, streamMs)
  }

  #epochOf(anchor: Anchor, streamMs: number): number {
    return Math.round(anchor.epochMs + streamMs - anchor.streamMs)
  }
}
