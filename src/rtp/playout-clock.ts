/** A consumer that slept longer than this goes on without making up for it. */
const MAX_LAG_MS = 500

/**
 * Tells for which moment a frame is that is pulled late. A consumer that was held up makes up for
 * it with frames in quick succession: each was due a frame after the one before, so that nothing
 * has waited longer than it should. When it does not make up, those frames are gone.
 */
export class PlayoutClock {
  #dueMs = -Infinity
  #lagMs = 0

  /** `frameMs` of sound are pulled at `nowMs`. Returns when that was due, `nowMs` or before. */
  tick(nowMs: number, frameMs: number): number {
    const lagMs = nowMs - this.#dueMs
    const isLost = this.#lagMs > frameMs / 2 && lagMs >= this.#lagMs
    const dueMs = lagMs < 0 || lagMs > MAX_LAG_MS || isLost ? nowMs : this.#dueMs
    this.#lagMs = nowMs - dueMs
    this.#dueMs = dueMs + frameMs
    return dueMs
  }
}
