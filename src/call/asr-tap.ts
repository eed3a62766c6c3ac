import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '#media/processor.ts'
import type { Recognition, Recognizer } from '#speech/asr.ts'

/** Lets a recognition listen to a receive pipeline. */
export class AsrTap implements Processor {
  readonly #provider: string
  readonly #recognition: Recognition

  constructor(recognizer: Recognizer, recognition: Recognition) {
    this.#provider = recognizer.provider
    this.#recognition = recognition
  }

  process(frame: AudioFrame, next: Sink<AudioFrame>): void {
    this.#recognition.write(frame)
    next(frame)
  }

  close(): void {
    this.#recognition.close()
  }

  toString(): string {
    return `AsrTap(${this.#provider})`
  }
}
