/** Longest stretch that is analysed at once; longer audio is averaged over such stretches. */
const MAX_WINDOW = 8192

/** Peaks this far below the highest are its side lobes, noise or distortion. */
const RELATIVE_FLOOR_DB = -20

/** Peaks below this level, in dBFS, are no tones at all. */
const ABSOLUTE_FLOOR_DB = -60

/**
 * Frequencies in Hz of the tones in `samples`, ascending, to the nearest whole number: all within
 * 20 dB of the loudest and above -60 dBFS. Needs 20 ms or more to tell tones 200 Hz apart; the
 * error is a few Hz for 20 ms and below 1 Hz for a second.
 */
export function findTones(samples: Int16Array, sampleRate: number): number[] {
  const window = Math.min(samples.length, MAX_WINDOW)
  if (window < 8) return []
  // Zeros behind a short stretch draw its peaks finer.
  const size = 2 ** Math.ceil(Math.log2(window) + 1)
  const power = averagePower(samples, window, size)
  const highest = power.reduce((a, b) => Math.max(a, b), 0)
  const floor = Math.max(fromDb(RELATIVE_FLOOR_DB) * highest, fromDb(ABSOLUTE_FLOOR_DB))
  const tones: number[] = []
  for (let bin = 1; bin < size / 2; bin += 1) {
    const before = power[bin - 1]!
    const here = power[bin]!
    const after = power[bin + 1]!
    if (here < floor || here < before || here <= after) continue
    tones.push(Math.round(((bin + peakOffset(before, here, after)) * sampleRate) / size))
  }
  return tones
}

/**
 * Level of `samples` in dBFS. A sine that just fills 16 bits has 0 (AES17), so that a sine
 * generated at a level measures that level; silence has -Infinity.
 */
export function rmsDb(samples: Int16Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return 10 * Math.log10((2 * sum) / Math.max(1, samples.length) / 32_767 ** 2)
}

function fromDb(levelDb: number): number {
  return 10 ** (levelDb / 10)
}

/** Power by frequency, shape (size / 2 + 1); a sine that just fills 16 bits peaks at 1. */
function averagePower(samples: Int16Array, window: number, size: number): Float64Array {
  const power = new Float64Array(size / 2 + 1)
  const count = Math.max(1, Math.floor((2 * samples.length) / window) - 1)
  const scale = (4 / (window * 32_767)) ** 2 / count
  for (let i = 0; i < count; i += 1) {
    const from = Math.floor((i * window) / 2)
    const real = new Float64Array(size)
    const imaginary = new Float64Array(size)
    for (let k = 0; k < window; k += 1) {
      real[k] = samples[from + k]! * hann(k, window)
    }
    transform(real, imaginary)
    for (let bin = 0; bin <= size / 2; bin += 1) {
      power[bin] = power[bin]! + (real[bin]! ** 2 + imaginary[bin]! ** 2) * scale
    }
  }
  return power
}

function hann(k: number, length: number): number {
  return 0.5 - 0.5 * Math.cos((2 * Math.PI * (k + 0.5)) / length)
}

/** Where between its neighbours the peak is, in bins, by a parabola through the logarithms. */
function peakOffset(before: number, here: number, after: number): number {
  const left = Math.log(before / here + 1e-30)
  const right = Math.log(after / here + 1e-30)
  return (left - right) / (2 * (left + right))
}

/** Fast Fourier transform in place, radix 2. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  reorder(real, imaginary)
  for (let half = 1; half < real.length; half *= 2) {
    for (let k = 0; k < half; k += 1) {
      const cosine = Math.cos((-Math.PI * k) / half)
      const sine = Math.sin((-Math.PI * k) / half)
      for (let a = k; a < real.length; a += 2 * half) {
        const b = a + half
        const turnedReal = real[b]! * cosine - imaginary[b]! * sine
        const turnedImaginary = real[b]! * sine + imaginary[b]! * cosine
        real[b] = real[a]! - turnedReal
        imaginary[b] = imaginary[a]! - turnedImaginary
        real[a] = real[a]! + turnedReal
        imaginary[a] = imaginary[a]! + turnedImaginary
      }
    }
  }
}

/** Puts every value at the index whose bits are its own in reverse. */
function reorder(real: Float64Array, imaginary: Float64Array): void {
  for (let i = 1, j = 0; i < real.length; i += 1) {
    let bit = real.length >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i >= j) continue
    ;[real[i], real[j]] = [real[j]!, real[i]!]
    ;[imaginary[i], imaginary[j]] = [imaginary[j]!, imaginary[i]!]
  }
}
