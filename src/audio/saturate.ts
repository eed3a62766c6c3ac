/** The nearest value that fits 16 bits: loud sums clip instead of wrapping around. */
export function saturate(value: number): number {
  return Math.max(-32_768, Math.min(32_767, value))
}
