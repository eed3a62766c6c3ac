import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '../processor.ts'
import { ArrivalTimes } from './arrival-times.ts'

/** Where the audio of a recorder goes. On the live path: copies what it is given. */
export interface RecorderLine {
  /** `atMs`: when the frame was heard to its end, or, of one of ours, sent (`performance.now()`). */
  write(frame: AudioFrame, isOurs: boolean, atMs: number): void
  end(): void
}

/**
 * Records one call from `begin` on: hears the caller by its tap, and us by `writeSent`. What comes
 * before is left out. Cheap; never throws.
 */
export class Recorder {
  readonly #open: () => RecorderLine
  readonly #name: string
  readonly #arrivals = new ArrivalTimes()
  #line: RecorderLine | undefined
  #beganMs = Infinity
  #isClosed = false

  constructor(open: () => RecorderLine, name: string) {
    this.#open = open
    this.#name = name
  }

  /** What is heard and sent from now on is recorded. Does nothing once it is closed. */
  begin(): void {
    if (this.#isClosed || this.#line !== undefined) return
    this.#beganMs = performance.now()
    this.#line = this.#open()
  }

  /**
   * Notes when frames come, for a tap behind processors that hold them back. Without it they count
   * as heard when they reach the tap.
   */
  createArrivalTap(): Processor {
    return new Tap('ArrivalTap', ({ position }) => this.#arrivals.note(position, performance.now()))
  }

  /** The station of the receive pipeline that hears the caller. It passes every frame on. */
  createTap(): Processor {
    return new Tap(`RecorderTap(${this.#name})`, (frame) => {
      const heardMs = this.#arrivals.take(frame.position) ?? performance.now()
      // What a processor still held back when it began was heard before.
      if (heardMs >= this.#beganMs) this.#line?.write(frame, false, heardMs)
    })
  }

  /** Takes a frame that is being sent to the far end. On the live path. */
  writeSent(frame: AudioFrame): void {
    this.#line?.write(frame, true, performance.now())
  }

  /** Ends the recording; the file is completed soon after. Harmless to call twice. */
  close(): void {
    this.#isClosed = true
    this.#line?.end()
  }
}

/** Looks at frames in passing. */
class Tap implements Processor {
  readonly #name: string
  readonly #onFrame: Sink<AudioFrame>

  constructor(name: string, onFrame: Sink<AudioFrame>) {
    this.#name = name
    this.#onFrame = onFrame
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    this.#onFrame(frame)
    next(frame)
  }

  /** The recording outlives the pipeline by what is still to be written; its recorder closes it. */
  close(): void {}

  toString(): string {
    return this.#name
  }
}
