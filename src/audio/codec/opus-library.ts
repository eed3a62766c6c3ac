import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AudioError } from '../audio-error.ts'

/** Samples per channel of the longest packet, 120 ms at 48 kHz (RFC 6716 §2.1.4), twice for stereo. */
const MAX_SAMPLES = 5760 * 2
/**
 * 48 frames of 2.5 ms, each of at most 1275 bytes, and what is said of them (RFC 6716 §3.2.5) are
 * less. Padding has no limit; no datagram holds more.
 */
const MAX_PACKET_BYTES = 65_535

/** What libopus exports; states and buffers are addresses in its memory. */
interface OpusExports {
  readonly memory: WebAssembly.Memory
  _initialize(): void
  malloc(bytes: number): number
  free(address: number): void
  opus_encoder_get_size(channels: number): number
  opus_encoder_init(state: number, rate: number, channels: number, application: number): number
  opus_encoder_ctl_set(state: number, request: number, value: number): number
  opus_encoder_ctl_get(state: number, request: number): number
  opus_encode(state: number, pcm: number, samples: number, packet: number, maxBytes: number): number
  opus_decoder_get_size(channels: number): number
  opus_decoder_init(state: number, rate: number, channels: number): number
  opus_decode(
    state: number,
    packet: number,
    bytes: number,
    pcm: number,
    samples: number,
    isFec: number,
  ): number
}

/**
 * libopus in WebAssembly: one instance per thread for all encoders and decoders, each a state in its
 * memory. Calls are synchronous, so all share one buffer for samples and one for packets.
 */
export class OpusLibrary {
  static #shared: OpusLibrary | undefined
  /** Encoders and decoders that are open. */
  openStates = 0
  readonly #wasm: OpusExports
  readonly #pcm: number
  readonly #packet: number
  #samples: Int16Array
  #bytes: Uint8Array

  private constructor() {
    this.#wasm = instantiate()
    this.#pcm = this.#wasm.malloc(MAX_SAMPLES * 2)
    this.#packet = this.#wasm.malloc(MAX_PACKET_BYTES)
    this.#samples = new Int16Array(this.#wasm.memory.buffer, this.#pcm, MAX_SAMPLES)
    this.#bytes = new Uint8Array(this.#wasm.memory.buffer, this.#packet, MAX_PACKET_BYTES)
  }

  /** The one of this thread, loaded when it is first asked for. */
  static get shared(): OpusLibrary {
    OpusLibrary.#shared ??= new OpusLibrary()
    return OpusLibrary.#shared
  }

  /** Bytes of memory, which grows with the states that are open at one time and never shrinks. */
  get memoryBytes(): number {
    return this.#wasm.memory.buffer.byteLength
  }

  /** @throws {AudioError} `unsupported_rate` where libopus does not know the rate. */
  openEncoder(sampleRate: number, channels: 1 | 2, application: number): number {
    return this.#open(this.#wasm.opus_encoder_get_size(channels), sampleRate, (state) =>
      this.#wasm.opus_encoder_init(state, sampleRate, channels, application),
    )
  }

  /** @throws {AudioError} `unsupported_rate` where libopus does not know the rate. */
  openDecoder(sampleRate: number, channels: 1 | 2): number {
    return this.#open(this.#wasm.opus_decoder_get_size(channels), sampleRate, (state) =>
      this.#wasm.opus_decoder_init(state, sampleRate, channels),
    )
  }

  close(state: number): void {
    this.#wasm.free(state)
    this.openStates -= 1
  }

  set(encoder: number, request: number, value: number): void {
    this.#wasm.opus_encoder_ctl_set(encoder, request, value)
  }

  get(encoder: number, request: number): number {
    return this.#wasm.opus_encoder_ctl_get(encoder, request)
  }

  /** Bytes written to `packet`; 0 when `samples` have no length that Opus knows. */
  encode(encoder: number, samples: Int16Array, channels: number, packet: Uint8Array): number {
    if (samples.length > MAX_SAMPLES) return 0
    this.#refresh()
    this.#samples.set(samples)
    const maxBytes = Math.min(packet.length, MAX_PACKET_BYTES)
    const count = samples.length / channels
    const bytes = this.#wasm.opus_encode(encoder, this.#pcm, count, this.#packet, maxBytes)
    if (bytes <= 0) return 0
    for (let i = 0; i < bytes; i += 1) packet[i] = this.#bytes[i]!
    return bytes
  }

  /**
   * Decodes `packet`, or guesses what a lost one held when it is undefined, into at most
   * `maxSamples` per channel; with `isFec`, what `packet` says of the one before it. The samples
   * are then in `samples`; returns how many per channel, 0 for a packet that is none.
   */
  decode(
    decoder: number,
    packet: Uint8Array | undefined,
    maxSamples: number,
    isFec: boolean,
  ): number {
    this.#refresh()
    const bytes = packet?.length ?? 0
    if (bytes > MAX_PACKET_BYTES) return 0
    if (packet !== undefined) this.#bytes.set(packet)
    const address = packet === undefined ? 0 : this.#packet
    const fec = isFec ? 1 : 0
    const count = this.#wasm.opus_decode(decoder, address, bytes, this.#pcm, maxSamples, fec)
    this.#refresh()
    return Math.max(0, count)
  }

  /** What `decode` made, interleaved; valid until the next call. */
  get samples(): Int16Array {
    return this.#samples
  }

  #open(bytes: number, sampleRate: number, initialize: (state: number) => number): number {
    const state = this.#wasm.malloc(bytes)
    if (state === 0) throw new Error('no memory for one more Opus encoder or decoder')
    if (initialize(state) !== 0) {
      this.#wasm.free(state)
      throw new AudioError('unsupported_rate', `Opus does not run at ${sampleRate} Hz`)
    }
    this.openStates += 1
    return state
  }

  /** Memory that has grown is another buffer; views of the old one are empty. */
  #refresh(): void {
    const { buffer } = this.#wasm.memory
    if (this.#samples.buffer === buffer) return
    this.#samples = new Int16Array(buffer, this.#pcm, MAX_SAMPLES)
    this.#bytes = new Uint8Array(buffer, this.#packet, MAX_PACKET_BYTES)
  }
}

function instantiate(): OpusExports {
  const path = fileURLToPath(import.meta.resolve('@evan/opus/wasm/simd.wasm'))
  const ignore = () => undefined
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {
    // libopus writes and exits only when one of its assertions fails.
    wasi_snapshot_preview1: {
      fd_seek: ignore,
      fd_write: ignore,
      fd_close: ignore,
      proc_exit: ignore,
    },
    env: { emscripten_notify_memory_growth: ignore },
  })
  const wasm = exports as unknown as OpusExports
  wasm._initialize()
  return wasm
}
