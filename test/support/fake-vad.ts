import type { AudioFrame } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Processor } from '#media/processor.ts'
import type { VadEngine, VadEvent, VadOptions } from '#speech/vad.ts'

/** Reports what a test tells it to, to the detector made last. */
export class FakeVad implements VadEngine {
  readonly type = 'fake'
  readonly created: VadOptions[] = []
  openCount = 0
  emit: Sink<VadEvent> = () => undefined
  /** A frame louder than this makes the detector throw, as a broken one would. */
  breaksAbove = Infinity

  createDetector(options: VadOptions, onEvent: Sink<VadEvent>): Processor {
    this.created.push(options)
    this.openCount += 1
    this.emit = onEvent
    return {
      process: (frame: AudioFrame, next: Sink<AudioFrame>) => {
        if (frame.samples.some((sample) => sample > this.breaksAbove)) throw new Error('vad broke')
        next(frame)
      },
      close: () => {
        this.openCount -= 1
      },
      toString: () => 'VadDetector(fake)',
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
