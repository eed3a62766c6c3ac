/** The value below which a share of `values` lies, 0 to 1; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/**
 * How late each frame of a playback arrived, in milliseconds: against a grid of 20 ms that is laid
 * so that the earliest frame is in time.
 */
export function frameLateness(arrivals: readonly number[]): number[] {
  const offsets = arrivals.map((atMs, i) => atMs - i * 20)
  const earliest = Math.min(...offsets)
  return offsets.map((offset) => offset - earliest)
}
