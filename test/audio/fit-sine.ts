export interface SineFit {
  /** Level of the sine in dBFS. */
  readonly levelDb: number
  /** Phase at the first sample, in radians. */
  readonly phase: number
  /** Everything but the sine, in dB relative to it: THD+N. */
  readonly residueDb: number
}

/** The sine of `frequencyHz` that comes nearest to `samples`, by least squares. */
export function fitSine(samples: Int16Array, frequencyHz: number, sampleRate: number): SineFit {
  const step = (2 * Math.PI * frequencyHz) / sampleRate
  let [ss, cc, sc, vs, vc] = [0, 0, 0, 0, 0]
  for (const [i, sample] of samples.entries()) {
    const sine = Math.sin(step * i)
    const cosine = Math.cos(step * i)
    ss += sine * sine
    cc += cosine * cosine
    sc += sine * cosine
    vs += sample * sine
    vc += sample * cosine
  }
  const determinant = ss * cc - sc * sc
  const a = (vs * cc - vc * sc) / determinant
  const b = (vc * ss - vs * sc) / determinant
  const residue = samples.reduce((sum, sample, i) => {
    const value = a * Math.sin(step * i) + b * Math.cos(step * i)
    return sum + (sample - value) ** 2
  }, 0)
  const power = (a * a + b * b) / 2
  return {
    levelDb: 10 * Math.log10((2 * power) / 32_767 ** 2),
    phase: Math.atan2(b, a),
    residueDb: 10 * Math.log10(residue / samples.length / power),
  }
}
