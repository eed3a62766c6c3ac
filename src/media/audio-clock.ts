/** A pause in the audio longer than this moves the clock on. */
const MAX_GAP_MS = 500
/** Audio that comes sooner than the clock says by more than this moves the clock back. */
const MAX_LEAD_MS = 100
/** How many pauses are remembered; times before the oldest are a little off, not wrong in order. */
const MAX_ANCHORS = 64

interface Anchor {
  readonly streamMs: number
  epochMs: number
}

/**
 * Tells at what time of day a piece of received audio was heard. Counts audio, not packets: jitter
 * and bursts do not move it, only a real pause of the sender does; and nothing was heard after it
 * came, so that a sender whose own clock is fast does not run away from it.
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
    this.#holdBack(beginsAtMs)
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

  /** Moves the clock back where it says that the next audio begins long after `beginsAtMs`. */
  #holdBack(beginsAtMs: number): void {
    const last = this.#anchors.at(-1) as Anchor
    const leadMs = this.#epochOf(last, this.#streamMs) - beginsAtMs
    if (leadMs <= MAX_LEAD_MS) return
    last.epochMs -= leadMs
    const before = this.#anchors.at(-2)
    if (before === undefined || last.epochMs > this.#epochOf(before, last.streamMs)) return
    // There was no pause: what seemed one was the wait for a long message.
    this.#anchors.pop()
    this.#holdBack(beginsAtMs)
  }

  #epochOf(anchor: Anchor, streamMs: number): number {
    return Math.round(anchor.epochMs + streamMs - anchor.streamMs)
  }
}
