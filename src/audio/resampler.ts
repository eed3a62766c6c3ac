import { AudioError } from './audio-error.ts'
import { type ResamplingKernel, resamplingKernel } from './resampling-kernel.ts'
import { saturate } from './saturate.ts'

const MIN_RATE = 1000
const MAX_RATE = 768_000

/** Longer input is worked off in slices of this many samples, which bounds the work buffer. */
const SLICE_SAMPLES = 1024

export interface ResamplerOptions {
  /**
   * `false` (the default): output begins exactly where input begins, so that the first call gives
   * `delaySamples` less than its share and `flush` brings them after the end.
   * `true`: output begins with `delaySamples` of silence, so that every call gives its whole share:
   * for live audio, where a frame in must be a frame out.
   */
  readonly isLive?: boolean
}

/**
 * Changes the sample rate of one mono stream, by a polyphase windowed-sinc filter. The result does
 * not depend on how the stream is cut into calls. Flat to 0.88 of the lower Nyquist frequency,
 * 6 dB down at it, 79 dB from 1.125 of it. Saturates. Equal rates pass through.
 *
 * Returned samples are a view into a buffer of the resampler (or, at equal rates, the argument):
 * valid until the next call.
 */
export class Resampler {
  readonly fromRate: number
  readonly toRate: number
  /**
   * How far output lags behind input, in samples at `toRate`, possibly with a fraction: 20 at the
   * lower of the two rates, 2.5 ms when that is 8000 Hz. 0 at equal rates.
   */
  readonly delaySamples: number
  readonly #kernel: ResamplingKernel
  readonly #isUpwards: boolean
  readonly #isLive: boolean
  /** Input that outputs still need, oldest first, and room for one slice behind it. */
  readonly #input: Float64Array
  #inputLength = 0
  #output = new Int16Array(0)
  #outputLength = 0
  /** The input sample at or before the next output, as an index into `#input`, */
  #position = 0
  /** and how far behind it the next output is, in 1 / `up` of an input sample. */
  #phase = 0
  #received = 0
  #produced = 0

  /** Throws `AudioError` (`unsupported_rate`) unless both rates are whole and 1000 to 768,000. */
  constructor(fromRate: number, toRate: number, options: ResamplerOptions = {}) {
    checkRate(fromRate)
    checkRate(toRate)
    this.fromRate = fromRate
    this.toRate = toRate
    this.#kernel = resamplingKernel(fromRate, toRate)
    const { up, down, half } = this.#kernel
    this.#isUpwards = up > down
    this.#isLive = options.isLive ?? false
    this.delaySamples = up === down ? 0 : (half * up) / down
    this.#input = new Float64Array(2 * half + SLICE_SAMPLES)
    this.#start()
  }

  /** Takes any number of samples at `fromRate` and gives those that are ready at `toRate`. */
  resample(samples: Int16Array): Int16Array {
    if (this.fromRate === this.toRate) return samples
    this.#received += samples.length
    this.#outputLength = 0
    this.#reserve(samples.length)
    this.#feed(samples)
    this.#produced += this.#outputLength
    return this.#output.subarray(0, this.#outputLength)
  }

  /**
   * Gives what is left after the last input and is then ready for a new stream. All output of a
   * stream of n samples is round(n * toRate / fromRate) long, and the live delay longer if live.
   */
  flush(): Int16Array {
    if (this.fromRate === this.toRate) return this.#output
    const { up, down, half } = this.#kernel
    const total = Math.round(((this.#received + (this.#isLive ? half : 0)) * up) / down)
    this.#outputLength = 0
    this.#reserve(half)
    this.#feed(new Int16Array(half))
    const rest = this.#output.subarray(0, total - this.#produced)
    this.#start()
    return rest
  }

  /** Before its beginning a stream is silent. */
  #start(): void {
    const { half } = this.#kernel
    this.#input.fill(0)
    this.#inputLength = this.#isLive ? 2 * half - 1 : half - 1
    this.#position = half - 1
    this.#phase = 0
    this.#received = 0
    this.#produced = 0
  }

  #reserve(inputSamples: number): void {
    const { up, down } = this.#kernel
    const needed = Math.ceil((inputSamples * up) / down) + 1
    if (this.#output.length < needed) this.#output = new Int16Array(needed)
  }

  #feed(samples: Int16Array): void {
    const input = this.#input
    for (let from = 0; from < samples.length; from += SLICE_SAMPLES) {
      const count = Math.min(SLICE_SAMPLES, samples.length - from)
      const offset = this.#inputLength
      for (let i = 0; i < count; i += 1) input[offset + i] = samples[from + i]!
      this.#inputLength = offset + count
      this.#filter()
      this.#forget()
    }
  }

  /** Drops input that no later output needs. */
  #forget(): void {
    const unused = Math.min(this.#position - this.#kernel.half + 1, this.#inputLength)
    this.#input.copyWithin(0, unused, this.#inputLength)
    this.#inputLength -= unused
    this.#position -= unused
  }

  /** Makes every output for which all input is there. */
  #filter(): void {
    const { up, phases } = this.#kernel
    if (up === 1) this.#filterDown()
    else if (phases === up) this.#filterExact()
    else this.#filterBetween()
  }

  /** Whole ratios downwards: one symmetric row, so that inputs are added in pairs first. */
  #filterDown(): void {
    const { down, half, rows } = this.#kernel
    const input = this.#input
    const output = this.#output
    const end = this.#inputLength - half
    const centre = rows[half - 1]!
    // At two to one, every second weight next to the centre is 0.
    const step = down === 2 ? 2 : 1
    let n = this.#outputLength
    let at = this.#position
    for (; at < end; at += down) {
      let sum = input[at]! * centre
      for (let k = 1; k < half; k += step) {
        sum += rows[half - 1 + k]! * (input[at - k]! + input[at + k]!)
      }
      output[n] = saturate(Math.round(sum))
      n += 1
    }
    this.#position = at
    this.#outputLength = n
  }

  /** Every phase has its row. */
  #filterExact(): void {
    const { up, down, half, rows } = this.#kernel
    const isUpwards = this.#isUpwards
    const input = this.#input
    const output = this.#output
    const end = this.#inputLength - half
    const wholeStep = Math.floor(down / up)
    const phaseStep = down % up
    let n = this.#outputLength
    let at = this.#position
    let phase = this.#phase
    while (at < end) {
      output[n] =
        phase === 0 && isUpwards
          ? input[at]!
          : saturate(Math.round(weigh(rows, phase * 2 * half, input, at - half + 1, 2 * half)))
      n += 1
      at += wholeStep
      phase += phaseStep
      if (phase >= up) {
        phase -= up
        at += 1
      }
    }
    this.#position = at
    this.#phase = phase
    this.#outputLength = n
  }

  /** Awkward ratios: between the two nearest rows. */
  #filterBetween(): void {
    const { up, down, half, phases, rows } = this.#kernel
    const taps = 2 * half
    const end = this.#inputLength - half
    let at = this.#position
    let phase = this.#phase
    for (; at < end; this.#outputLength += 1) {
      const place = (phase * phases) / up
      const row = Math.floor(place)
      const before = weigh(rows, row * taps, this.#input, at - half + 1, taps)
      const after = weigh(rows, (row + 1) * taps, this.#input, at - half + 1, taps)
      const value = before + (after - before) * (place - row)
      this.#output[this.#outputLength] = saturate(Math.round(value))
      at += Math.floor((phase + down) / up)
      phase = (phase + down) % up
    }
    this.#position = at
    this.#phase = phase
  }
}

/** Sum of products of `count` weights and values, `count` being a multiple of 4. */
function weigh(
  weights: Float64Array,
  firstWeight: number,
  values: Float64Array,
  firstValue: number,
  count: number,
): number {
  // Four sums do not wait for one another.
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let k = 0; k < count; k += 4) {
    const w = firstWeight + k
    const v = firstValue + k
    a += weights[w]! * values[v]!
    b += weights[w + 1]! * values[v + 1]!
    c += weights[w + 2]! * values[v + 2]!
    d += weights[w + 3]! * values[v + 3]!
  }
  return a + b + (c + d)
}

function checkRate(rate: number): void {
  if (Number.isInteger(rate) && rate >= MIN_RATE && rate <= MAX_RATE) return
  throw new AudioError('unsupported_rate', `cannot resample ${rate} Hz`)
}
