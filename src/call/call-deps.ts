import type { Logger } from '#core/log.ts'
import type { Sink } from '#core/sink.ts'
import type { Pacer } from '#media/pacer.ts'
import type { Playback } from '#media/playback.ts'
import type { Processor } from '#media/processor.ts'
import type { Recorder } from '#media/recorder/recorder.ts'
import type { RecorderHandlers, RecordingPlan } from '#media/recorder/recorder-message.ts'
import type { Loop } from '#media/source/loop-library.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { Recognizer } from '#speech/asr.ts'
import type { Synthesizer } from '#speech/tts.ts'
import type { VadEngine } from '#speech/vad.ts'
import type { Leg, LegType } from '#transport/leg.ts'
import type { Journal } from './journal.ts'

/** What opening a file reports. */
export interface FileHandlers {
  /** The playback will bring no more audio; the error has a `code` and a message for people. */
  onError(error: Error): void
}

/** Everything a call is built from; `app.ts` makes it once for all calls. */
export interface CallDeps {
  readonly journal: Journal
  readonly pacer: Pacer
  readonly log: Logger
  /** Makes the leg; `sendPayload` is the way of its audio onto the client's own socket. */
  readonly createLeg: (type: LegType, option: CallOption, sendPayload: Sink<Uint8Array>) => Leg
  /** The synthesizer of that name, or the default one; throws a `CallError` that lists the names. */
  readonly findSynthesizer: (provider: string | undefined) => Synthesizer
  /** The recognizer of that name, or the default one; throws a `CallError` that lists the names. */
  readonly findRecognizer: (provider: string | undefined) => Recognizer
  /** The voice activity engine of that type; throws a `CallError` that lists the types. */
  readonly findVad: (type: string | undefined) => VadEngine
  /** Takes the noise out of one call's audio. */
  readonly createDenoiser: () => Processor
  /** Opens what `play` names, as audio at `sampleRate`. Returns at once. */
  readonly openFile: (url: string, sampleRate: number, handlers: FileHandlers) => Playback
  /** Loads a file that is looped. */
  readonly openLoop: (url: string, sampleRate: number) => Loop
  /** Begins a recording. Returns at once. */
  readonly openRecording: (plan: RecordingPlan, handlers: RecorderHandlers) => Recorder
}
