import { type AudioFrame, frameSamples } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Paced, Pacer } from './pacer.ts'
import type { Playback } from './playback.ts'

/** The frame that a player sends over and over; receivers see it as an immutable `AudioFrame`. */
interface OutgoingFrame extends AudioFrame {
  position: number
}

/** What a player reports about the playback it was given. */
export interface PlayerHandlers {
  /** The first sample has been sent. */
  onFirstAudio?(): void
  /** The playback came to its own end, one frame time after its last frame was sent. */
  onEnd(): void
}

/**
 * Plays one playback at a time: pulls a frame from it at every tick of the pacer and sends it.
 * What it has sent is the truth about what the far end heard.
 */
export class Player implements Paced {
  readonly sampleRate: number
  readonly stats = { frames: 0, underruns: 0 }
  readonly #pacer: Pacer
  readonly #send: Sink<AudioFrame>
  readonly #frame: OutgoingFrame
  #playback: Playback | undefined
  #handlers: PlayerHandlers | undefined
  #sentSamples = 0
  #isPaused = false
  isMuted = false

  constructor(pacer: Pacer, sampleRate: number, send: Sink<AudioFrame>) {
    this.#pacer = pacer
    this.sampleRate = sampleRate
    this.#send = send
    const samples = new Int16Array(frameSamples(sampleRate))
    this.#frame = { samples, sampleRate, position: 0 }
  }

  /** Milliseconds of the current playback that have been sent; pauses do not count. */
  get positionMs(): number {
    return Math.round((this.#sentSamples * 1000) / this.sampleRate)
  }

  /** Begins `playback` at its first sample; the one before it must have been stopped. */
  start(playback: Playback, handlers: PlayerHandlers): void {
    this.stop()
    this.#playback = playback
    this.#handlers = handlers
    this.#sentSamples = 0
    this.#isPaused = false
    this.#pacer.add(this)
  }

  /** Freezes at the current sample. The place in the pacer is kept, so that toggling gains no time. */
  pause(): void {
    this.#isPaused = this.#playback !== undefined
  }

  /** Goes on at the same sample. */
  resume(): void {
    this.#isPaused = false
  }

  /** No further frame is sent. Closes the playback; `onEnd` is not called. */
  stop(): void {
    const playback = this.#playback
    if (playback === undefined) return
    this.#pacer.remove(this)
    this.#playback = undefined
    this.#handlers = undefined
    this.#isPaused = false
    playback.close()
  }

  tick(): void {
    const playback = this.#playback
    if (playback === undefined || this.#isPaused) return
    const { samples } = this.#frame
    const count = playback.read(samples)
    if (count > 0) {
      this.#sendFrame(count)
    } else if (playback.isFinished) {
      const handlers = this.#handlers
      this.stop()
      handlers?.onEnd()
    } else {
      this.stats.underruns += 1
    }
  }

  #sendFrame(count: number): void {
    const { samples } = this.#frame
    if (this.isMuted) samples.fill(0)
    else if (count < samples.length) samples.fill(0, count)
    const isFirst = this.#sentSamples === 0
    this.#sentSamples += count
    this.stats.frames += 1
    this.#send(this.#frame)
    this.#frame.position += samples.length
    if (isFirst) this.#handlers?.onFirstAudio?.()
  }
}
