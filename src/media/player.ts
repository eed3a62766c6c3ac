import type { DtmfTiming } from '#audio/dtmf-generator.ts'
import { type AudioFrame, frameSamples } from '#audio/frame.ts'
import { SoftLimiter } from '#audio/soft-limiter.ts'
import type { Sink } from '#core/sink.ts'
import type { Ambiance } from './ambiance.ts'
import { FADE_MS, GainRamp } from './gain-ramp.ts'
import { KeyTones } from './key-tones.ts'
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
 * Everything that the far end hears, one frame at every tick of the pacer:
 *
 *   keys, or else the playback ── volume ──┬─ limiter ─► frame
 *                        ambiance ── level ┘
 *
 * One playback at a time. What has been sent of it is the truth about what the far end heard.
 * Where it is cut short or paused its next 5 ms are sent too, fading: sound that stops in mid-wave
 * clicks. Frames are sent while there is something to hear; with an ambiance, always; and never more
 * of them than there are ticks, whatever is started and stopped.
 */
export class Player implements Paced {
  readonly sampleRate: number
  readonly stats = { frames: 0, underruns: 0 }
  readonly #pacer: Pacer
  readonly #send: Sink<AudioFrame>
  readonly #isBusy: () => boolean
  readonly #frame: OutgoingFrame
  readonly #mix: Int32Array
  readonly #limiter: SoftLimiter
  readonly #keys: KeyTones
  readonly #gain: GainRamp
  /** What fades away of a playback that was cut short, as it was read; goes into the next frame. */
  readonly #tail: Int16Array
  #tailSamples = 0
  /** Loudness of the tail where it begins. */
  #tailGain = 1
  #ambiance: Ambiance | undefined
  #playback: Playback | undefined
  #handlers: PlayerHandlers | undefined
  #volume = 1
  #sentSamples = 0
  /** The frame before ended in the middle of the playback. */
  #isSounding = false
  #isPaused = false
  #isMuted = false
  #isPaced = false
  /** The frame of the next tick has been sent already. */
  #isAhead = false

  /** While `isBusy` says that the leg sends something else, everything waits. */
  constructor(
    pacer: Pacer,
    sampleRate: number,
    send: Sink<AudioFrame>,
    isBusy: () => boolean = () => false,
  ) {
    this.#pacer = pacer
    this.sampleRate = sampleRate
    this.#send = send
    this.#isBusy = isBusy
    const samples = new Int16Array(frameSamples(sampleRate))
    this.#frame = { samples, sampleRate, position: 0 }
    this.#mix = new Int32Array(samples.length)
    this.#limiter = new SoftLimiter(sampleRate)
    this.#keys = new KeyTones(sampleRate)
    this.#gain = new GainRamp(sampleRate, 1)
    this.#tail = new Int16Array((sampleRate * FADE_MS) / 1000)
  }

  /** Milliseconds of the current playback that have been sent; pauses do not count. */
  get positionMs(): number {
    return Math.round((this.#sentSamples * 1000) / this.sampleRate)
  }

  /** A muted playback is sent as silence and goes on. */
  set isMuted(isMuted: boolean) {
    this.#isMuted = isMuted
    this.#gain.moveTo(this.#playbackGain)
  }

  /** Loops `ambiance` under everything from now on. */
  set ambiance(ambiance: Ambiance | undefined) {
    this.#ambiance = ambiance
    if (ambiance !== undefined) this.#join()
  }

  /** Begins `playback` at its first sample, at `volume` (1 is as it is); stops the one before. */
  start(playback: Playback, handlers: PlayerHandlers, volume = 1): void {
    this.stop()
    this.#playback = playback
    this.#handlers = handlers
    this.#volume = volume
    this.#gain.jumpTo(this.#playbackGain)
    this.#sentSamples = 0
    // With nothing else to be heard, no loudness jumps when that of the playback before is forgotten.
    if (this.#ambiance === undefined && this.#keys.isFinished) this.#limiter.reset()
    this.#join()
  }

  /** Freezes at the current sample. The place in the pacer is kept, so that toggling gains no time. */
  pause(): void {
    if (this.#playback === undefined) return
    this.#fadeOut()
    this.#isPaused = true
  }

  /** Goes on at the same sample. */
  resume(): void {
    this.#isPaused = false
  }

  /**
   * Presses keys (each of `0-9 * # A-D`) as sound; the playback waits meanwhile, so that nothing of
   * it is lost and nothing hides the tones. False when too many wait already.
   */
  pressKeys(keys: string, timing: Partial<DtmfTiming>): boolean {
    if (!this.#keys.press(keys, timing)) return false
    this.#fadeOut()
    this.#join()
    return true
  }

  /**
   * Ends the playback: closes it; `onEnd` is not called. Its last frame is sent at once, so that all
   * of it has been sent before anybody is told that it is over. The place in the pacer is kept.
   */
  stop(): void {
    const playback = this.#playback
    if (playback === undefined) return
    this.#fadeOut()
    this.#forget(playback)
    if (this.#tailSamples === 0) return
    this.#sendFrame(0)
    this.#isAhead = true
  }

  /** No further frame is sent. */
  close(): void {
    this.stop()
    this.#keys.close()
    this.#ambiance = undefined
    this.#leave()
  }

  tick(): void {
    if (this.#isAhead) {
      this.#isAhead = false
      return
    }
    if (this.#isIdle) {
      this.#leave()
      return
    }
    if (this.#isBusy()) return
    const { samples } = this.#frame
    const isPressing = !this.#keys.isFinished
    const count = isPressing ? this.#keys.read(samples) : this.#readPlayback(samples)
    const hasMore = this.#tailSamples > 0 || this.#ambiance !== undefined
    if (count > 0 || hasMore) this.#sendFrame(count, isPressing)
    if (!isPressing) this.#afterPlayback(count)
  }

  get #playbackGain(): number {
    return this.#isMuted ? 0 : this.#volume
  }

  #readPlayback(samples: Int16Array): number {
    if (this.#playback === undefined || this.#isPaused) return 0
    const count = this.#playback.read(samples)
    if (count > 0 && !this.#isSounding && this.#sentSamples > 0) {
      this.#gain.jumpTo(0)
      this.#gain.moveTo(this.#playbackGain)
    }
    this.#isSounding = count === samples.length
    if (!this.#isSounding && !this.#playback.isFinished) this.#fadeEnd(samples, count)
    return count
  }

  /** More was to come and is late: what there is of the frame must not stop in mid-wave. */
  #fadeEnd(samples: Int16Array, count: number): void {
    const fade = Math.min(count, this.#tail.length)
    for (let i = 1; i <= fade; i += 1) {
      const at = count - i
      samples[at] = (samples[at]! * (i - 1)) / fade
    }
  }

  /** Counts what was sent of the playback, and ends it when there is no more. */
  #afterPlayback(count: number): void {
    const playback = this.#playback
    if (playback === undefined || this.#isPaused) return
    const handlers = this.#handlers
    if (count > 0) {
      const isFirst = this.#sentSamples === 0
      this.#sentSamples += count
      if (isFirst) handlers?.onFirstAudio?.()
    } else if (playback.isFinished) {
      this.#forget(playback)
      handlers?.onEnd()
    } else {
      this.stats.underruns += 1
    }
  }

  /** Sends the frame, of which the first `count` samples are there. */
  #sendFrame(count: number, isPressing = false): void {
    const { samples } = this.#frame
    samples.fill(0, count)
    const isMixed =
      this.#tailSamples > 0 || this.#ambiance !== undefined || this.#limiter.isLimiting
    if (isMixed || !(isPressing || this.#gain.isUnity))
      this.#mixInto(samples, isPressing, count > 0)
    this.stats.frames += 1
    this.#send(this.#frame)
    this.#frame.position += samples.length
  }

  #mixInto(samples: Int16Array, isPressing: boolean, isDucked: boolean): void {
    const mix = this.#mix
    mix.fill(0)
    if (isPressing) mix.set(samples)
    else this.#gain.addTo(mix, samples)
    this.#addTailTo(mix)
    this.#ambiance?.addTo(mix, isDucked)
    this.#limiter.limit(mix, samples)
  }

  /** Takes the next 5 ms of what is heard and lets them fade; the playback counts them as sent. */
  #fadeOut(): void {
    if (!this.#isSounding) return
    this.#isSounding = false
    const count = this.#playback?.read(this.#tail) ?? 0
    this.#tailSamples = count
    this.#tailGain = this.#gain.gain
    this.#sentSamples += count
  }

  #addTailTo(mix: Int32Array): void {
    const count = this.#tailSamples
    const gain = this.#tailGain
    for (let i = 0; i < count; i += 1) {
      mix[i] = mix[i]! + this.#tail[i]! * gain * (1 - (i + 1) / count)
    }
    this.#tailSamples = 0
  }

  #forget(playback: Playback): void {
    this.#playback = undefined
    this.#handlers = undefined
    this.#isPaused = false
    this.#isSounding = false
    playback.close()
  }

  get #isIdle(): boolean {
    return this.#playback === undefined && this.#ambiance === undefined && this.#keys.isFinished
  }

  #join(): void {
    if (this.#isPaced) return
    this.#isPaced = true
    this.#pacer.add(this)
  }

  /** A player that has nothing to send takes no turn of the pacer. */
  #leave(): void {
    if (!this.#isPaced) return
    this.#isPaced = false
    this.#isAhead = false
    this.#limiter.reset()
    this.#pacer.remove(this)
  }
}
