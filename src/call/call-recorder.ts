import type { Recorder } from '#media/recorder/recorder.ts'
import type { RecorderHandlers, RecordingPlan } from '#media/recorder/recorder-message.ts'
import { recordingName } from '#media/recorder/recording-name.ts'
import type { CallOption, RecorderOption } from '#protocol/call-option.ts'
import type { CallDeps } from './call-deps.ts'
import { CallError } from './call-error.ts'

export interface RecorderSetup {
  readonly recordId: string
  /** Session id, for the name of the file. */
  readonly id: string
  readonly option: CallOption['recorder']
  /** Told once when the call is not recorded, or no longer. */
  readonly onError: (error: unknown) => void
}

const DEFAULT_RATE = 16_000
const RATES = [8000, 16_000, 24_000, 48_000] as const

/**
 * The recorder that `option.recorder` asks for, still to begin; the call's record is kept informed of
 * it. Undefined without it, and when it cannot be, which is reported.
 */
export function openRecorder(
  { openRecording, journal }: Pick<CallDeps, 'openRecording' | 'journal'>,
  { recordId, id, option, onError }: RecorderSetup,
): Recorder | undefined {
  if (option === undefined || option === false) return undefined
  let plan: RecordingPlan
  try {
    plan = planRecording(option === true ? {} : option, id)
  } catch (error) {
    onError(error)
    return undefined
  }
  const { format: chosen, sampleRate } = plan
  let file = plan.name
  const handlers: RecorderHandlers = {
    onOpened: (opened) => {
      file = opened
      journal.setRecording(recordId, { file, format: chosen, sampleRate })
    },
    onError,
    onEnd: (totals) => {
      journal.setRecording(recordId, { file, format: chosen, sampleRate, ...totals })
    },
  }
  return openRecording(plan, handlers)
}

/** @throws {RecorderError | CallError} `bad_option` */
function planRecording(option: RecorderOption, id: string): RecordingPlan {
  const { recorderFile, format, samplerate = DEFAULT_RATE } = option
  const sampleRate = RATES.find((rate) => rate === samplerate)
  if (sampleRate === undefined) {
    const known = `known are ${RATES.join(', ')}`
    throw new CallError(
      'bad_option',
      `option.recorder.samplerate: ${samplerate} is unknown; ${known}`,
    )
  }
  return { ...recordingName({ recorderFile, format, id }), sampleRate }
}
