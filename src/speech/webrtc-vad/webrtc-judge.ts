import { RiseMeter } from '../energy/rise-meter.ts'
import type { VoiceJudge } from '../inline-detector.ts'
import { FVAD_RATES, type Fvad } from './fvad.ts'
import { FvadStream } from './fvad-stream.ts'

const WINDOW_MS = 20
/** It analyses 80 to 4000 Hz: rates that it does not take lose nothing on the way to this one. */
const BASE_RATE = 8000
const MAX_WINDOW_SAMPLES = (Math.max(...FVAD_RATES) * WINDOW_MS) / 1000

/** The threshold from which each mode is used; the first one is mode 0. */
const MODE_THRESHOLDS = [0, 0.25, 0.5, 0.75]

/** What rises less out of the noise is noise, whatever the library says of its sound. */
const MIN_RISE_DB = 3

/**
 * The WebRTC VAD behind a gate. With steady or passing noise 5 dB below the talker the library by
 * itself takes 95, 62, 18 and 18 % of what is no speech for voice in its modes 0 to 3; behind the
 * gate 13 % in mode 0 and 10 % in modes 2 and 3 (the material of `bench/vad-quality.ts`).
 */
export class WebrtcJudge implements VoiceJudge {
  readonly windowMs = WINDOW_MS
  readonly #fvad: () => Fvad | undefined
  readonly #mode: number
  readonly #meter = new RiseMeter(WINDOW_MS)
  #stream: FvadStream | undefined
  #sampleRate = BASE_RATE

  /** Nothing is voice while `fvad` gives no module. */
  constructor(fvad: () => Fvad | undefined, voiceThreshold: number) {
    this.#fvad = fvad
    this.#mode = MODE_THRESHOLDS.findLastIndex((threshold) => voiceThreshold >= threshold)
  }

  rateFor(sampleRate: number): number {
    return FVAD_RATES.includes(sampleRate) ? sampleRate : BASE_RATE
  }

  start(sampleRate: number): void {
    this.#sampleRate = sampleRate
    this.#meter.start(sampleRate)
    this.#stream?.start(sampleRate)
  }

  add(samples: Int16Array, from: number, to: number): void {
    this.#stream ??= this.#open()
    this.#stream?.add(samples, from, to)
    this.#meter.add(samples, from, to)
  }

  /** The library knows only yes and no. */
  judge(): number {
    const riseDb = this.#meter.takeDb()
    const isVoice = this.#stream?.isVoice() ?? false
    return isVoice && riseDb >= MIN_RISE_DB ? 1 : 0
  }

  close(): void {
    this.#stream?.close()
  }

  #open(): FvadStream | undefined {
    const fvad = this.#fvad()
    const stream = fvad && FvadStream.open(fvad, this.#mode, MAX_WINDOW_SAMPLES)
    stream?.start(this.#sampleRate)
    return stream
  }
}
