// Silero VAD (16 kHz) as an AssemblyScript SIMD kernel. Built by `bun run kernels` to kernel.wasm,
// which is committed. One window of one stream at a time:
//
//   512 s16 + 64 context ─► 4 frames of 256, hop 128 ─► |FFT|, 129 bins ─► conv 128 (stride 1)
//     ─► conv 64 (stride 2) ─► conv 64 (stride 2) ─► conv 128 ─► LSTM 128 ─► 1 x 128 ─► sigmoid
//
// The convolutions have width 3 and padding 1. A tap that would meet only padding is never
// multiplied: every product below starts and ends at the first and last real step.
//
// The lanes of a vector are the four frames of the window in the Fourier part, and four rows
// (outputs) in the products. Taking four windows through a product together, so that each weight is
// read once for all of them, was tried and is not faster: see docs/decisions/0003-vad-in-a-worker.md.

const WINDOW_SAMPLES: i32 = 512
const CONTEXT_SAMPLES: i32 = 64
const BINS: i32 = 129
const UNITS: i32 = 128

// ── The weights, in the order of scripts/silero-weights.ts; offsets in bytes ────────────────────
const ANALYSIS_WINDOW: usize = 0
const COSINE: usize = ANALYSIS_WINDOW + 256 * 4
const SINE: usize = COSINE + 128 * 4
const CONV1: usize = SINE + 128 * 4
const CONV1_BIAS: usize = CONV1 + 128 * 3 * 129 * 4
const CONV2: usize = CONV1_BIAS + 128 * 4
const CONV2_BIAS: usize = CONV2 + 64 * 3 * 128 * 4
const CONV3: usize = CONV2_BIAS + 64 * 4
const CONV3_BIAS: usize = CONV3 + 64 * 2 * 64 * 4
const CONV4: usize = CONV3_BIAS + 64 * 4
const CONV4_BIAS: usize = CONV4 + 128 * 64 * 4
const LSTM: usize = CONV4_BIAS + 128 * 4
const LSTM_BIAS: usize = LSTM + 512 * 256 * 4
const OUTPUT: usize = LSTM_BIAS + 512 * 4
const OUTPUT_BIAS: usize = OUTPUT + 128 * 4
const WEIGHT_BYTES: i32 = <i32>OUTPUT_BIAS + 4

// ── A stream's state; offsets in bytes ──────────────────────────────────────────────────────────
const HIDDEN: usize = 0
const CELL: usize = HIDDEN + UNITS * 4
const CONTEXT: usize = CELL + UNITS * 4
const STATE_BYTES: usize = CONTEXT + CONTEXT_SAMPLES * 4

// ── Memory; addresses ───────────────────────────────────────────────────────────────────────────
const WEIGHTS: usize = memory.data(WEIGHT_BYTES, 16)
/** Signed 16-bit, shape (512). */
const SAMPLES: usize = memory.data(WINDOW_SAMPLES * 2, 16)
/** Context, window, and 64 samples reflected at the end: shape (640). */
const AUDIO: usize = memory.data((CONTEXT_SAMPLES + WINDOW_SAMPLES + 64) * 4, 16)
/** Two buffers of 128 complex numbers of four lanes: real parts at +0, imaginary at +16. */
const POINTS: usize = memory.data(128 * 32, 16)
const TRANSFORMED: usize = memory.data(128 * 32, 16)
/** Spectra of the four frames, shape (4, 129). */
const MAGNITUDES: usize = memory.data(4 * BINS * 4, 16)
/** Output of conv 1, shape (4, 128); of conv 2, shape (2, 64); of conv 3, shape (64). */
const STEPS1: usize = memory.data(4 * 128 * 4, 16)
const STEPS2: usize = memory.data(2 * 64 * 4, 16)
const STEPS3: usize = memory.data(64 * 4, 16)
/** Input of the LSTM: output of conv 4, then the hidden state, shape (2, 128). */
const FEATURES: usize = memory.data(2 * UNITS * 4, 16)
/** Gates i, f, g, o before their curves, shape (4, 128). */
const GATES: usize = memory.data(4 * UNITS * 4, 16)

/** Where the image of the weights belongs, and how long it is. */
export function weights(): usize { return WEIGHTS }
export function weightBytes(): i32 { return WEIGHT_BYTES }
/** Where the window belongs that `judge` is to read: signed 16-bit, shape (512). */
export function samples(): usize { return SAMPLES }

let end: usize = (__heap_base + 15) & ~15

/** Takes memory for the state of one more stream; 0 when there is none. It is never given back. */
export function allocateState(): usize {
  const address = end
  const missing = <isize>(address + STATE_BYTES) - (<isize>memory.size() << 16)
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) return 0
  end = address + STATE_BYTES
  return address
}

/** Makes a state that of a stream that has not begun. */
export function resetState(state: usize): void {
  memory.fill(state, 0, STATE_BYTES)
}

/** The probability that the window at `samples()` is voice; moves the state on by one window. */
export function judge(state: usize): f32 {
  loadAudio(state)
  computeMagnitudes()
  memory.copy(FEATURES + UNITS * 4, state + HIDDEN, UNITS * 4)
  multiply()
  return recur(state)
}

/** Context, then the window scaled to -1..1, then its end reflected; keeps the next context. */
function loadAudio(state: usize): void {
  const window = AUDIO + CONTEXT_SAMPLES * 4
  const scale = f32x4.splat(1.0 / 32768.0)
  memory.copy(AUDIO, state + CONTEXT, CONTEXT_SAMPLES * 4)
  for (let i: usize = 0; i < <usize>WINDOW_SAMPLES; i += 8) {
    const eight = v128.load(SAMPLES + (i << 1))
    const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(eight))
    const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(eight))
    v128.store(window + (i << 2), f32x4.mul(low, scale))
    v128.store(window + (i << 2), f32x4.mul(high, scale), 16)
  }
  memory.copy(state + CONTEXT, window + (WINDOW_SAMPLES - CONTEXT_SAMPLES) * 4, CONTEXT_SAMPLES * 4)
  const last = window + (WINDOW_SAMPLES - 1) * 4
  for (let i: usize = 4; i <= <usize>CONTEXT_SAMPLES * 4; i += 4) {
    store<f32>(last + i, load<f32>(last - i))
  }
}

/**
 * The four spectra of a window at once, one per lane: 256 real points as 128 complex ones
 * (even samples real, odd imaginary), a Stockham FFT of seven steps, then the two halves parted.
 */
function computeMagnitudes(): void {
  for (let i: usize = 0; i < 256 * 4; i += 16) {
    const window = v128.load(WEIGHTS + ANALYSIS_WINDOW + i)
    const a = f32x4.mul(window, v128.load(AUDIO + i))
    const b = f32x4.mul(window, v128.load(AUDIO + i, 128 * 4))
    const c = f32x4.mul(window, v128.load(AUDIO + i, 256 * 4))
    const d = f32x4.mul(window, v128.load(AUDIO + i, 384 * 4))
    storeTransposed(POINTS + (i << 2), 16, a, b, c, d)
  }
  transform()
  for (let k: usize = 0; k < 128; k += 4) {
    storeTransposed(
      MAGNITUDES + (k << 2), BINS * 4, magnitude(k), magnitude(k + 1), magnitude(k + 2), magnitude(k + 3),
    )
  }
  const last = f32x4.abs(f32x4.sub(v128.load(TRANSFORMED), v128.load(TRANSFORMED, 16)))
  store<f32>(MAGNITUDES, f32x4.extract_lane(last, 0), 128 * 4)
  store<f32>(MAGNITUDES, f32x4.extract_lane(last, 1), (BINS + 128) * 4)
  store<f32>(MAGNITUDES, f32x4.extract_lane(last, 2), (2 * BINS + 128) * 4)
  store<f32>(MAGNITUDES, f32x4.extract_lane(last, 3), (3 * BINS + 128) * 4)
}

/** Stores the columns of the matrix with rows a, b, c, d, `step` bytes apart. */
function storeTransposed(to: usize, step: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5))
  v128.store(to + step, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7))
  v128.store(to + 2 * step, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5))
  v128.store(to + 3 * step, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7))
}

/** Stockham FFT of 128 points from POINTS; seven steps, so the result stands in TRANSFORMED. */
function transform(): void {
  let from = POINTS
  let to = TRANSFORMED
  let stride: usize = 32
  for (let half: usize = 64; half > 0; half >>= 1) {
    // The twiddle of step p is e^(-2 pi i p / 2 half), of which the table has 256ths of a turn.
    const pace = <usize>512 / half
    for (let p: usize = 0; p < half; p++) {
      const cosine = v128.load32_splat(WEIGHTS + COSINE + p * pace)
      const sine = v128.load32_splat(WEIGHTS + SINE + p * pace)
      let a = from + p * stride
      let b = a + half * stride
      let y = to + 2 * p * stride
      for (const stop = a + stride; a < stop; a += 32, b += 32, y += 32) {
        const aReal = v128.load(a), aImaginary = v128.load(a, 16)
        const bReal = v128.load(b), bImaginary = v128.load(b, 16)
        const real = f32x4.sub(aReal, bReal)
        const imaginary = f32x4.sub(aImaginary, bImaginary)
        v128.store(y, f32x4.add(aReal, bReal))
        v128.store(y, f32x4.add(aImaginary, bImaginary), 16)
        v128.store(y + stride, f32x4.sub(f32x4.mul(real, cosine), f32x4.mul(imaginary, sine)))
        v128.store(y + stride, f32x4.add(f32x4.mul(real, sine), f32x4.mul(imaginary, cosine)), 16)
      }
    }
    const spare = from
    from = to
    to = spare
    stride <<= 1
  }
}

/** |X[k]| of the real spectrum, k below 128, from the complex one: X = E + W^k O. */
function magnitude(k: usize): v128 {
  const half = f32x4.splat(0.5)
  const at = TRANSFORMED + (k << 5)
  const mirrored = TRANSFORMED + (((128 - k) & 127) << 5)
  const real = v128.load(at), imaginary = v128.load(at, 16)
  const mirroredReal = v128.load(mirrored), mirroredImaginary = v128.load(mirrored, 16)
  const evenReal = f32x4.mul(f32x4.add(real, mirroredReal), half)
  const evenImaginary = f32x4.mul(f32x4.sub(imaginary, mirroredImaginary), half)
  const oddReal = f32x4.mul(f32x4.add(imaginary, mirroredImaginary), half)
  const oddImaginary = f32x4.mul(f32x4.sub(mirroredReal, real), half)
  const cosine = v128.load32_splat(WEIGHTS + COSINE + (k << 2))
  const sine = v128.load32_splat(WEIGHTS + SINE + (k << 2))
  const x = f32x4.add(evenReal, f32x4.sub(f32x4.mul(oddReal, cosine), f32x4.mul(oddImaginary, sine)))
  const y = f32x4.add(evenImaginary, f32x4.add(f32x4.mul(oddReal, sine), f32x4.mul(oddImaginary, cosine)))
  return f32x4.sqrt(f32x4.add(f32x4.mul(x, x), f32x4.mul(y, y)))
}

/** The learned layers: from the spectra to the gates. */
function multiply(): void {
  const firstTap: usize = 0, middleTap: usize = 1
  product(CONV1, 3, BINS, middleTap, 2, CONV1_BIAS, 128, MAGNITUDES, STEPS1, true)
  product(CONV1, 3, BINS, firstTap, 3, CONV1_BIAS, 128, MAGNITUDES, STEPS1 + 128 * 4, true)
  product(CONV1, 3, BINS, firstTap, 3, CONV1_BIAS, 128, MAGNITUDES + BINS * 4, STEPS1 + 256 * 4, true)
  product(CONV1, 3, BINS, firstTap, 2, CONV1_BIAS, 128, MAGNITUDES + 2 * BINS * 4, STEPS1 + 384 * 4, true)
  product(CONV2, 3, 128, middleTap, 2, CONV2_BIAS, 64, STEPS1, STEPS2, true)
  product(CONV2, 3, 128, firstTap, 3, CONV2_BIAS, 64, STEPS1 + 128 * 4, STEPS2 + 64 * 4, true)
  product(CONV3, 2, 64, 0, 2, CONV3_BIAS, 64, STEPS2, STEPS3, true)
  product(CONV4, 1, 64, 0, 1, CONV4_BIAS, 128, STEPS3, FEATURES, true)
  product(LSTM, 2, 128, 0, 2, LSTM_BIAS, 512, FEATURES, GATES, false)
}

/**
 * y = bias + W x, optionally no less than 0. The stored matrix has `taps` times `inputs` columns;
 * x meets `count` taps of them from tap `first` on. 32 rows at a time.
 */
function product(
  matrix: usize, taps: usize, inputs: usize, first: usize, count: usize,
  bias: usize, rows: usize, x: usize, y: usize, isRelu: bool,
): void {
  const floor = f32x4.splat(isRelu ? 0 : -Infinity)
  const stop = x + ((count * inputs) << 2)
  let b = WEIGHTS + bias
  let block = WEIGHTS + matrix + ((first * inputs) << 7)
  for (const end = y + (rows << 2); y < end; y += 128) {
    let s0 = v128.load(b), s1 = v128.load(b, 16), s2 = v128.load(b, 32), s3 = v128.load(b, 48)
    let s4 = v128.load(b, 64), s5 = v128.load(b, 80), s6 = v128.load(b, 96), s7 = v128.load(b, 112)
    for (let at = x, w = block; at < stop; at += 4, w += 128) {
      const v = v128.load32_splat(at)
      s0 = f32x4.add(s0, f32x4.mul(v, v128.load(w)))
      s1 = f32x4.add(s1, f32x4.mul(v, v128.load(w, 16)))
      s2 = f32x4.add(s2, f32x4.mul(v, v128.load(w, 32)))
      s3 = f32x4.add(s3, f32x4.mul(v, v128.load(w, 48)))
      s4 = f32x4.add(s4, f32x4.mul(v, v128.load(w, 64)))
      s5 = f32x4.add(s5, f32x4.mul(v, v128.load(w, 80)))
      s6 = f32x4.add(s6, f32x4.mul(v, v128.load(w, 96)))
      s7 = f32x4.add(s7, f32x4.mul(v, v128.load(w, 112)))
    }
    v128.store(y, f32x4.max(s0, floor))
    v128.store(y, f32x4.max(s1, floor), 16)
    v128.store(y, f32x4.max(s2, floor), 32)
    v128.store(y, f32x4.max(s3, floor), 48)
    v128.store(y, f32x4.max(s4, floor), 64)
    v128.store(y, f32x4.max(s5, floor), 80)
    v128.store(y, f32x4.max(s6, floor), 96)
    v128.store(y, f32x4.max(s7, floor), 112)
    b += 128
    block += (taps * inputs) << 7
  }
}

/** The curves of the LSTM gates, the new state, and the probability. */
function recur(state: usize): f32 {
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < <usize>UNITS * 4; i += 16) {
    const input = sigmoid4(v128.load(GATES + i))
    const forget = sigmoid4(v128.load(GATES + i, UNITS * 4))
    const candidate = tanh4(v128.load(GATES + i, 2 * UNITS * 4))
    const output = sigmoid4(v128.load(GATES + i, 3 * UNITS * 4))
    const cell = f32x4.add(
      f32x4.mul(forget, v128.load(state + CELL + i)), f32x4.mul(input, candidate),
    )
    const hidden = f32x4.mul(output, tanh4(cell))
    v128.store(state + CELL + i, cell)
    v128.store(state + HIDDEN + i, hidden)
    const positive = f32x4.max(hidden, f32x4.splat(0))
    sum = f32x4.add(sum, f32x4.mul(positive, v128.load(WEIGHTS + OUTPUT + i)))
  }
  const total = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) +
    f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3) + load<f32>(WEIGHTS + OUTPUT_BIAS)
  return f32x4.extract_lane(sigmoid4(f32x4.splat(total)), 0)
}

function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1)
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))))
}

/** tanh x = 2 sigmoid(2x) - 1: absolute error about 1e-7, which is what a sum of 128 asks for. */
function tanh4(x: v128): v128 {
  return f32x4.sub(f32x4.mul(f32x4.splat(2), sigmoid4(f32x4.add(x, x))), f32x4.splat(1))
}

/**
 * e^x within 2e-7 relative: 2^n times the series on |r| <= ln 2 / 2. ln 2 is subtracted in two
 * parts, the first of which is exact for every n; the coefficients are Cephes' minimax ones.
 */
function exp4(x: v128): v128 {
  const bounded = f32x4.max(f32x4.min(x, f32x4.splat(87)), f32x4.splat(-87))
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(1.44269504)))
  const r = f32x4.sub(
    f32x4.sub(bounded, f32x4.mul(n, f32x4.splat(0.693359375))),
    f32x4.mul(n, f32x4.splat(-2.12194440e-4)),
  )
  let p = f32x4.splat(1.9875691500e-4)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1))
  const e = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return f32x4.mul(e, power)
}
