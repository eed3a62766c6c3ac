import type { AudioFrame } from '#audio/frame.ts'
import { Recorder } from '#media/recorder/recorder.ts'
import type { RecorderHandlers, RecordingPlan } from '#media/recorder/recorder-message.ts'

/** Keeps what it is given to record; tests report what becomes of it. */
export class FakeRecorder {
  readonly plans: RecordingPlan[] = []
  readonly caller: number[] = []
  readonly ours: number[] = []
  handlers: RecorderHandlers | undefined
  endedCount = 0

  open(plan: RecordingPlan, handlers: RecorderHandlers): Recorder {
    this.handlers = handlers
    const line = {
      write: ({ samples }: AudioFrame, isOurs: boolean) =>
        void (isOurs ? this.ours : this.caller).push(...samples),
      end: () => {
        this.endedCount += 1
      },
    }
    const begin = () => {
      this.plans.push(plan)
      return line
    }
    return new Recorder(begin, plan.format)
  }
}
