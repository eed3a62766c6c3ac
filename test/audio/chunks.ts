import fc from 'fast-check'

/** Sizes for cutting a stream into pieces, from single values to more than a frame. */
export const chunkSizes = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2000 })),
  {
    minLength: 1,
    maxLength: 20,
  },
)

/** Cuts `stream` into pieces of `sizes`, taken round and round. */
export function cut<T extends Int16Array | Uint8Array>(stream: T, sizes: readonly number[]): T[] {
  const pieces: T[] = []
  for (let from = 0, i = 0; from < stream.length; i += 1) {
    const size = sizes[i % sizes.length]!
    pieces.push(stream.subarray(from, from + size) as T)
    from += size
  }
  return pieces
}

/** Puts pieces together again; copies each at once, for they may be borrowed. */
export function join(pieces: Iterable<Int16Array>): Int16Array {
  const samples: number[] = []
  for (const piece of pieces) for (const sample of piece) samples.push(sample)
  return Int16Array.from(samples)
}
