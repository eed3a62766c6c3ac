import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '../processor.ts'
import type { DenoiseLine } from './denoise-line.ts'

/** More audio than this does not wait, however fast it came. */
const MAX_WAITING_MS = 1000
/** How long frames pass raw after the Worker fell behind; twice as long each time it does again, */
const MIN_REST_MS = 1000
const MAX_REST_MS = 32_000
/** but not after it has kept up for this long. */
const GOOD_RUN_MS = 10_000
/** A frame can come out when so much audio has followed it; see `DenoiseStream`. */
const LOOKAHEAD_MS = 15
/** Frames kept to be filled again. */
const MAX_SPARE_FRAMES = 8
/** The rates of legs; anything else passes raw. */
const RATES: ReadonlySet<number> = new Set([8000, 16_000, 24_000, 48_000])

/** What a denoiser tells its engine. */
export interface DenoiserWatch {
  onClean(waitedMs: number): void
  onRaw(): void
  /** `next` threw. */
  onFault(cause: unknown): void
  onClose(): void
}

/** A copy of a frame; later it holds the cleaned samples. */
interface WaitingFrame {
  readonly samples: Int16Array
  sampleRate: number
  position: number
  receivedAtMs: number
}

/**
 * Takes the noise out of one leg's audio, in the Worker of its engine. A frame comes out cleaned
 * with its own length, rate and position, one frame of 20 ms and a few milliseconds later; where the
 * Worker cannot, it comes out as it was. The order is always kept.
 *
 *             fell behind, or none to send to
 *   cleaning ─────────────────────────────────► raw: what waits first, then each frame at once
 *       ▲                                        │
 *       └────────────────────────────────────────┘ after a rest; there is a Worker again
 */
export class Denoiser implements Processor {
  readonly #line: DenoiseLine
  readonly #watch: DenoiserWatch
  readonly #patienceMs: number
  /** Undefined while frames pass raw. */
  #streamId: number | undefined
  #sampleRate = 0
  /** Frames whose cleaned selves are awaited, oldest first. */
  readonly #waiting: WaitingFrame[] = []
  #waitingMs = 0
  /** How many frames passed raw that the stream has yet to give cleaned. */
  #overtaken = 0
  readonly #spare: WaitingFrame[] = []
  #next: Sink<AudioFrame> = () => undefined
  #restMs = MIN_REST_MS / 2
  #startedAtMs = 0
  #rawUntilMs = 0
  #isBroken = false
  #isClosed = false

  /** Lets a frame wait for `patienceMs`, then passes on all that waits. */
  constructor(line: DenoiseLine, watch: DenoiserWatch, patienceMs: number) {
    this.#line = line
    this.#watch = watch
    this.#patienceMs = patienceMs
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    if (this.#isClosed) return
    this.#next = next
    if (this.#isBroken) {
      next(frame)
      return
    }
    if (this.#accept(frame)) return
    this.giveUp()
    if (this.#isClosed) return
    this.#watch.onRaw()
    next(frame)
  }

  /** Takes the cleaned samples of the oldest frame that waits. */
  receive(samples: Int16Array): void {
    if (this.#overtaken > 0) {
      this.#overtaken -= 1
      return
    }
    const frame = this.#shift()
    if (frame === undefined) return
    frame.samples.set(samples)
    this.#watch.onClean(performance.now() - frame.receivedAtMs)
    this.#deliver(frame)
    if (this.#isBroken) this.giveUp()
  }

  /** Passes on raw what waits, and begins a new stream with the next frame. */
  giveUp(): void {
    if (this.#streamId !== undefined) this.#line.end(this.#streamId)
    this.#streamId = undefined
    this.#passWaiting()
    this.#overtaken = 0
  }

  /** Sees to what has waited too long by now. To be called from time to time. */
  expire(nowMs: number): void {
    if (!this.#isBehind(nowMs)) {
      this.#bridgePause(nowMs)
      return
    }
    this.#rest(nowMs)
    this.giveUp()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#streamId !== undefined) this.#line.end(this.#streamId)
    this.#streamId = undefined
    this.#waiting.length = 0
    this.#spare.length = 0
    this.#watch.onClose()
  }

  toString(): string {
    return 'Denoiser(rnnoise)'
  }

  /** Sends the frame and keeps a copy; false when it has to pass raw. */
  #accept(frame: AudioFrame): boolean {
    const nowMs = performance.now()
    const { samples, sampleRate } = frame
    if (nowMs < this.#rawUntilMs || samples.length === 0 || !RATES.has(sampleRate)) return false
    if (this.#isBehind(nowMs) || this.#waitingMs + durationMs(frame) > MAX_WAITING_MS) {
      this.#rest(nowMs)
      return false
    }
    this.#bridgePause(nowMs)
    if (this.#streamId !== undefined && sampleRate !== this.#sampleRate) this.giveUp()
    // What it passed on may have ended the call.
    if (this.#isClosed) return true
    if (this.#streamId === undefined) {
      this.#streamId = this.#line.open(this)
      this.#sampleRate = sampleRate
      this.#startedAtMs = nowMs
    }
    if (!this.#line.send(this.#streamId, frame)) return false
    this.#keep(frame, nowMs)
    this.#waitingMs += durationMs(frame)
    return true
  }

  /** Whether the Worker has had for too long all it needs to give the oldest frame. */
  #isBehind(nowMs: number): boolean {
    const last = this.#lookahead()
    return last !== undefined && nowMs - last.receivedAtMs > this.#patienceMs
  }

  /** After a pause of the leg, the Worker holds its last frame for want of the next. */
  #bridgePause(nowMs: number): void {
    const oldest = this.#waiting[0]
    if (oldest === undefined || nowMs - oldest.receivedAtMs <= this.#patienceMs) return
    if (this.#lookahead() !== undefined) return
    this.#overtaken += this.#waiting.length
    this.#passWaiting()
  }

  /** The frame with which the oldest could come out; undefined while that has not come. */
  #lookahead(): WaitingFrame | undefined {
    let followingMs = 0
    for (let i = 1; i < this.#waiting.length; i += 1) {
      followingMs += durationMs(this.#waiting[i]!)
      if (followingMs >= LOOKAHEAD_MS) return this.#waiting[i]
    }
    return undefined
  }

  #passWaiting(): void {
    for (let frame = this.#shift(); frame !== undefined; frame = this.#shift()) {
      this.#watch.onRaw()
      this.#deliver(frame)
    }
  }

  #rest(nowMs: number): void {
    const wasGood = nowMs - this.#startedAtMs > GOOD_RUN_MS
    this.#restMs = wasGood ? MIN_REST_MS : Math.min(2 * this.#restMs, MAX_REST_MS)
    this.#rawUntilMs = nowMs + this.#restMs
  }

  #keep({ samples, sampleRate, position }: AudioFrame, receivedAtMs: number): void {
    const spare = this.#spare.pop()
    const kept =
      spare?.samples.length === samples.length
        ? spare
        : { samples: new Int16Array(samples.length), sampleRate, position, receivedAtMs }
    kept.samples.set(samples)
    kept.sampleRate = sampleRate
    kept.position = position
    kept.receivedAtMs = receivedAtMs
    this.#waiting.push(kept)
  }

  #shift(): WaitingFrame | undefined {
    const frame = this.#waiting.shift()
    if (frame !== undefined) this.#waitingMs -= durationMs(frame)
    return frame
  }

  /**
   * A pipeline does not see what happens outside of its own `process`, and one reply serves many
   * calls: what `next` throws ends here, is reported once, and takes the denoiser out of the row.
   */
  #deliver(frame: WaitingFrame): void {
    if (this.#isClosed) return
    try {
      this.#next(frame)
    } catch (cause) {
      if (!this.#isBroken) this.#watch.onFault(cause)
      this.#isBroken = true
    }
    if (this.#spare.length < MAX_SPARE_FRAMES) this.#spare.push(frame)
  }
}

function durationMs({ samples, sampleRate }: AudioFrame): number {
  return (samples.length * 1000) / sampleRate
}
