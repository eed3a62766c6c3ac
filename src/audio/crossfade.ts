/**
 * Leads over from `from` to `samples` (both of one length) within the first `length` samples, in
 * place.
 */
export function crossfade(from: Int16Array, samples: Int16Array, length: number): void {
  for (let i = 0; i < length; i += 1) {
    samples[i] = from[i]! + ((samples[i]! - from[i]!) * (i + 1)) / length
  }
}
