/**
 * A slice of mono PCM.
 *
 * `samples` is borrowed: it is valid until the sink that received the frame returns, and it is
 * never changed by a receiver. Whoever keeps audio copies it.
 */
export interface AudioFrame {
  /** Signed 16-bit samples, shape (n); n is usually 20 ms worth. */
  readonly samples: Int16Array
  /** Samples per second. */
  readonly sampleRate: number
  /** Index of the first sample since the stream began, in samples at `sampleRate`. */
  readonly position: number
}

/** Length of a frame on the wire and inside the gateway. */
export const PTIME_MS = 20

/** How many samples one frame of `PTIME_MS` holds at `sampleRate`. */
export function frameSamples(sampleRate: number): number {
  return (sampleRate * PTIME_MS) / 1000
}
