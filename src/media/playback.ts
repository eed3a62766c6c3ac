/**
 * Audio that a player pulls, one frame per tick of the pacer: a file, speech, a tone.
 * Lives on the live path: `read` is synchronous and never throws.
 */
export interface Playback {
  /**
   * Copies the next samples (mono, at the rate the playback was made for) to the start of `frame`
   * and returns how many were written; fewer than asked means that no more is there yet, or ever.
   */
  read(frame: Int16Array): number
  /** True once every sample has been read and none will follow. */
  readonly isFinished: boolean
  /** Stops whatever feeds the playback. Harmless to call twice. */
  close(): void
}
