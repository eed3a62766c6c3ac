import type { Encoder } from './codec.ts'
import { OpusLibrary } from './opus-library.ts'

// Numbers of the requests and applications in libopus' opus_defines.h.
const SET_BITRATE = 4002
const SET_COMPLEXITY = 4010
const SET_INBAND_FEC = 4012
const SET_PACKET_LOSS_PERC = 4014
const SET_DTX = 4016
const GET_LOOKAHEAD = 4027
const APPLICATIONS = { voip: 2048, audio: 2049 } as const

export interface OpusEncoderOptions {
  /** 8000, 12,000, 16,000, 24,000 or 48,000. */
  readonly sampleRate: number
  /** Samples of two channels are interleaved. */
  readonly channels: 1 | 2
  /** `voip` is made for speech, `audio` for music. */
  readonly application: keyof typeof APPLICATIONS
  /** Bits per second. */
  readonly bitrate: number
  /** 0 is cheapest, 10 sounds best. */
  readonly complexity: number
  /** Each packet also holds a coarse copy of the one before it (RFC 6716 §2.1.7). */
  readonly isFecOn: boolean
  /** How many packets get lost on the way; with 0 the copies are left out. */
  readonly expectedLossPercent: number
  /** Silence becomes packets of at most 2 bytes, which need not be sent (RFC 6716 §2.1.9). */
  readonly isDtxOn: boolean
}

const DEFAULTS: OpusEncoderOptions = {
  sampleRate: 48_000,
  channels: 1,
  application: 'voip',
  bitrate: 32_000,
  complexity: 5,
  isFecOn: true,
  expectedLossPercent: 0,
  isDtxOn: false,
}

/**
 * Opus packets of 2.5, 5, 10, 20, 40, 60, 80, 100 or 120 ms (RFC 6716), as long as what `encode` is
 * given. Values that Opus does not know change nothing.
 */
export class OpusEncoder implements Encoder {
  readonly sampleRate: number
  readonly channels: 1 | 2
  readonly #library = OpusLibrary.shared
  readonly #state: number
  #isClosed = false

  /** @throws {AudioError} `unsupported_rate`. */
  constructor(options: Partial<OpusEncoderOptions> = {}) {
    const all = { ...DEFAULTS, ...options }
    this.sampleRate = all.sampleRate
    this.channels = all.channels
    this.#state = this.#library.openEncoder(
      all.sampleRate,
      all.channels,
      APPLICATIONS[all.application],
    )
    this.bitrate = all.bitrate
    this.complexity = all.complexity
    this.#set(SET_INBAND_FEC, all.isFecOn ? 1 : 0)
    this.expectedLossPercent = all.expectedLossPercent
    this.#set(SET_DTX, all.isDtxOn ? 1 : 0)
  }

  /** Samples per channel that the encoder holds back: the pre-skip of a file (RFC 7845 §4.2). */
  get lookaheadSamples(): number {
    return this.#isClosed ? 0 : this.#library.get(this.#state, GET_LOOKAHEAD)
  }

  set bitrate(bitsPerSecond: number) {
    this.#set(SET_BITRATE, bitsPerSecond)
  }

  set complexity(complexity: number) {
    this.#set(SET_COMPLEXITY, complexity)
  }

  /** Follow what the far end reports (RTCP): copies cost bitrate. */
  set expectedLossPercent(percent: number) {
    this.#set(SET_PACKET_LOSS_PERC, Math.max(0, Math.min(100, Math.round(percent))))
  }

  encode(samples: Int16Array, payload: Uint8Array): number {
    if (this.#isClosed) return 0
    return this.#library.encode(this.#state, samples, this.channels, payload)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#library.close(this.#state)
  }

  #set(request: number, value: number): void {
    if (!this.#isClosed) this.#library.set(this.#state, request, value)
  }
}
