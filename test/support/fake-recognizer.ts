import type { AudioFrame } from '#audio/frame.ts'
import type {
  Recognition,
  RecognitionHandlers,
  RecognitionOptions,
  Recognizer,
  Transcript,
} from '#speech/asr.ts'

/** What the fake hears, and after how many milliseconds of audio. */
export interface ScriptLine extends Omit<Transcript, 'startMs' | 'endMs'> {
  readonly atMs: number
}

/** Hears what its script says, on the clock of the audio it is given. */
export class FakeRecognizer implements Recognizer {
  readonly provider = 'fake'
  readonly opened: RecognitionOptions[] = []
  openCount = 0
  heardSamples = 0
  /** The loudest sample heard. */
  peak = 0
  script: readonly ScriptLine[] = []

  open(options: RecognitionOptions, handlers: RecognitionHandlers): Recognition {
    this.opened.push(options)
    this.openCount += 1
    const waiting = [...this.script]
    let heardMs = 0
    return {
      write: ({ samples, sampleRate }: AudioFrame) => {
        this.heardSamples += samples.length
        for (const sample of samples) this.peak = Math.max(this.peak, Math.abs(sample))
        heardMs += (samples.length * 1000) / sampleRate
        while (waiting[0] !== undefined && waiting[0].atMs <= heardMs) {
          const { atMs, ...line } = waiting.shift() as ScriptLine
          handlers.onTranscript({ ...line, startMs: 0, endMs: atMs })
        }
      },
      close: () => {
        this.openCount -= 1
      },
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
