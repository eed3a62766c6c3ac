/** Width of the filter to each side, in samples of the lower of the two rates. */
const HALF_WIDTH = 20

/** Kaiser window: 79 dB of stop band, which begins 12.5 % above the lower Nyquist frequency. */
const BETA = 7.86

/** Bounds a kernel to 512 kB. All pairs of usual rates need less, also 96,000 to 11,025 Hz. */
const MAX_WEIGHTS = 65_536

/**
 * Where every phase would need more weights, a straight line between this many phases per sample
 * of the lower rate errs 100 dB below the signal.
 */
const INTERPOLATED_PHASES = 512

/** A prompt at an unusual rate is usually played again. */
const MAX_CACHED = 16

/** A windowed sinc, sampled at every phase that a pair of rates needs. */
export interface ResamplingKernel {
  /** Output and input steps in lowest terms: output n is at input time n * down / up. */
  readonly up: number
  readonly down: number
  /** Input samples to each side of the output; a row holds twice as many taps, a multiple of 4. */
  readonly half: number
  /** How many rows there are to one input sample: `up` if exact, fewer if interpolated. */
  readonly phases: number
  /**
   * Weights, shape (phases + 1, 2 * half). Column k of row p weighs the input sample that lies
   * k - half + 1 - p / phases after the output.
   */
  readonly rows: Float64Array
}

const cache = new Map<string, ResamplingKernel>()

/** The kernel for a pair of rates, shared by all streams between them; never changed. */
export function resamplingKernel(fromRate: number, toRate: number): ResamplingKernel {
  const divisor = greatestCommonDivisor(fromRate, toRate)
  const up = toRate / divisor
  const down = fromRate / divisor
  const key = `${up}/${down}`
  const cached = cache.get(key)
  if (cached !== undefined) return cached
  const kernel = createKernel(up, down)
  const [oldest] = cache.keys()
  if (oldest !== undefined && cache.size >= MAX_CACHED) cache.delete(oldest)
  cache.set(key, kernel)
  return kernel
}

function createKernel(up: number, down: number): ResamplingKernel {
  // Downwards the filter is stretched, to cut at the output's Nyquist frequency.
  const stretch = Math.max(1, down / up)
  const half = 2 * Math.ceil((HALF_WIDTH * stretch) / 2)
  const taps = 2 * half
  const phases = up * taps <= MAX_WEIGHTS ? up : Math.ceil(INTERPOLATED_PHASES / stretch)
  const rows = new Float64Array((phases + 1) * taps)
  for (let phase = 0; phase <= phases; phase += 1) {
    fillRow(rows.subarray(phase * taps, (phase + 1) * taps), phase / phases, stretch)
  }
  return { up, down, half, phases, rows }
}

function fillRow(row: Float64Array, fraction: number, stretch: number): void {
  const half = row.length / 2
  let sum = 0
  for (let k = 0; k < row.length; k += 1) {
    const distance = k - half + 1 - fraction
    const weight = sinc(distance / stretch) * kaiser(distance / half)
    row[k] = weight
    sum += weight
  }
  // Every phase passes a constant unchanged; otherwise phases would ripple at the lower rate.
  for (let k = 0; k < row.length; k += 1) row[k] = row[k]! / sum
}

function sinc(x: number): number {
  // Exactly 0 at whole numbers: upwards, an output that falls on an input sample is that sample.
  if (Number.isInteger(x)) return x === 0 ? 1 : 0
  return Math.sin(Math.PI * x) / (Math.PI * x)
}

/** Kaiser window at `x` from -1 to 1, without its constant factor. */
function kaiser(x: number): number {
  return besselI0(BETA * Math.sqrt(Math.max(0, 1 - x * x)))
}

/** Modified Bessel function of the first kind and order 0, by its power series. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= quarter / (k * k)
    sum += term
  }
  return sum
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
