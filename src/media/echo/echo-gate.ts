import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '../processor.ts'
import { AudioHistory } from './audio-history.ts'
import { EchoJudge } from './echo-judge.ts'

export interface EchoGateOptions {
  /** Milliseconds that never go back; another clock than the process's own in tests only. */
  readonly clock?: () => number
}

/** The longest delay and a room's tail, in blocks of 20 ms: 700 ms. */
const AUDIBLE_BLOCKS = 35
/** Mean square of differences: speech at -60 dB of full scale. */
const MIN_AUDIBLE_POWER = 300
/** A pause between sent frames is longer than this, a late timer is not. */
const SENT_SLACK_MS = 60
/** Received frames come in bursts; a stream further off than this has had a gap. */
const RECEIVED_SLACK_MS = 200

/**
 * Keeps our own voice, that a speakerphone gives back, from everything behind it in the pipeline:
 * frames that are mostly echo go on as silence, all others as they are, the same object.
 *
 *   pacer ──► player ──┬──► leg ──► network, phone, loudspeaker ─┐
 *                      │ noteSent                                │ room
 *                      ▼                                         ▼
 *   vad ◄── [ EchoGate: lag ► level ► echo? ] ◄── leg ◄── network, phone, microphone ◄── caller
 *
 * `AudioHistory` keeps both directions on one timeline, `DelayFinder` finds how far one lies behind
 * the other, `EchoLevel` tells how loud the echo may be, `EchoJudge` decides. While nothing has
 * been sent for 700 ms it only counts. Frames of another length than 20 ms, or of a rate that has
 * no whole number of samples at 8 kHz in that, pass.
 */
export class EchoGate implements Processor {
  /** Frames that went on as silence. */
  readonly stats = { silenced: 0 }
  readonly #clock: () => number
  readonly #sent = new AudioHistory(SENT_SLACK_MS)
  readonly #received = new AudioHistory(RECEIVED_SLACK_MS)
  readonly #judge = new EchoJudge()
  readonly #silent = { samples: new Int16Array(0), sampleRate: 0, position: 0 }
  #audibleBlocks = 0

  constructor({ clock = () => performance.now() }: EchoGateOptions = {}) {
    this.#clock = clock
  }

  /** Delay of the echo in milliseconds, as the two streams lie here; absent until one is met. */
  get delayMs(): number | undefined {
    const lag = this.#judge.lag
    return lag === undefined ? undefined : lag / 8
  }

  /** Takes a frame at the moment it is sent; it is copied. */
  noteSent(frame: AudioFrame): void {
    const isKept = this.#sent.append(frame, this.#clock())
    if (!isKept || this.#sent.power < MIN_AUDIBLE_POWER) return
    this.#audibleBlocks = AUDIBLE_BLOCKS
    this.#judge.noteAudible()
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    if (this.#audibleBlocks === 0) {
      this.#received.skip()
      next(frame)
      return
    }
    this.#audibleBlocks -= 1
    next(this.#isEcho(frame) ? this.#silenced(frame) : frame)
  }

  close(): void {}

  toString(): string {
    return 'EchoGate'
  }

  #isEcho(frame: AudioFrame): boolean {
    const nowMs = this.#clock()
    if (!this.#received.append(frame, nowMs)) return false
    this.#sent.keepTime(nowMs)
    return this.#judge.isEcho(this.#sent, this.#received)
  }

  #silenced({ samples, sampleRate, position }: AudioFrame): AudioFrame {
    const silent = this.#silent
    if (silent.samples.length !== samples.length) silent.samples = new Int16Array(samples.length)
    silent.sampleRate = sampleRate
    silent.position = position
    this.stats.silenced += 1
    return silent
  }
}
