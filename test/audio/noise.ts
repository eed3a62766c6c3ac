/** Numbers from -1 to 1 with a flat spectrum: xorshift, the same for the same seed. */
export function whiteNoise(length: number, seed = 1): Float64Array {
  let state = seed
  return Float64Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  })
}

/** Noise that falls by 3 dB per octave, as rooms and streets do: P. Kellet's sum of low passes. */
export function pinkNoise(length: number, seed = 1): Float64Array {
  const poles = [0.99765, 0.963, 0.57]
  const weights = [0.099046, 0.2965164, 1.0526913]
  const sums = [0, 0, 0]
  return whiteNoise(length, seed).map((white) => {
    let pink = white * 0.1848
    for (let i = 0; i < sums.length; i += 1) {
      sums[i] = poles[i]! * sums[i]! + weights[i]! * white
      pink += sums[i]!
    }
    return pink
  })
}

/** The same at a mean power of `db` relative to a full-scale square wave. */
export function atLevel(values: Float64Array | Int16Array, db: number): Int16Array {
  const gain = (32_768 * 10 ** (db / 20)) / Math.sqrt(meanSquare(values))
  return Int16Array.from(values, (value) => Math.round(value * gain))
}

/** Mean power in dB relative to a full-scale square wave. */
export function levelDb(samples: Int16Array): number {
  return 10 * Math.log10(meanSquare(samples) / 32_768 ** 2)
}

export function mix(a: Int16Array, b: Int16Array): Int16Array {
  return a.map((sample, i) => Math.max(-32_768, Math.min(32_767, sample + b[i]!)))
}

function meanSquare(values: Float64Array | Int16Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum / values.length
}
