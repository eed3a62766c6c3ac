import { Player } from '#media/player.ts'
import type { Recorder } from '#media/recorder/recorder.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { HangupCause, Leg } from '#transport/leg.ts'
import { AmbianceLoop } from './ambiance-loop.ts'
import type { CallDeps } from './call-deps.ts'
import type { CallMetrics } from './call-metrics.ts'
import { openRecorder } from './call-recorder.ts'
import type { EventWriter } from './event-writer.ts'
import { Listener } from './listener.ts'
import { PlaybackSlot } from './playback-slot.ts'
import { Speaker } from './speaker.ts'

export interface CallMediaOptions {
  /** Session id: the id of the caller's track. */
  readonly trackId: string
  /** Of the call's record, which is told of the recording. */
  readonly recordId: string
  readonly option: CallOption
  readonly events: EventWriter
  readonly metrics: CallMetrics
  /** A playback with `autoHangup` is over. */
  readonly onAutoHangup: () => void
  /** Something failed that the call can do without; `sender` is what. */
  readonly onError: (sender: string, error: unknown) => void
}

/** Everything between one call's leg and its commands and events: what it says and what it hears. */
export class CallMedia {
  readonly leg: Leg
  readonly player: Player
  readonly slot: PlaybackSlot
  readonly speaker: Speaker
  readonly listener: Listener
  readonly #deps: CallDeps
  readonly #options: CallMediaOptions
  readonly #recorder: Recorder | undefined
  #ambiance: AmbianceLoop | undefined

  constructor(deps: CallDeps, leg: Leg, options: CallMediaOptions) {
    const { trackId, recordId, option, events, metrics } = options
    this.#deps = deps
    this.#options = options
    this.leg = leg
    const sampleRate = leg.sendRate
    const recorder = openRecorder(deps, {
      recordId,
      id: trackId,
      option: option.recorder,
      onError: (error) => options.onError('recorder', error),
    })
    this.#recorder = recorder
    this.listener = new Listener(deps, trackId, { option, sampleRate, recorder }, events)
    this.player = new Player(deps.pacer, sampleRate, (frame) => {
      leg.send(frame)
      this.listener.noteSent(frame)
      recorder?.writeSent(frame)
    })
    this.slot = new PlaybackSlot(this.player, events, metrics.playbackLatency, options.onAutoHangup)
    this.speaker = new Speaker(deps.findSynthesizer, this.slot, {
      events,
      sampleRate,
      option: option.tts,
    })
  }

  /** The call is answered: what is heard all the time begins. */
  start(): void {
    const { option, onError } = this.#options
    if (option.ambiance === undefined || option.ambiance.enabled === false) return
    this.#ambiance = new AmbianceLoop(this.#deps.openLoop, this.player, option.ambiance, (error) =>
      onError('ambiance', error),
    )
  }

  /** Ends playback, detectors, leg and recording. Harmless to call twice. */
  close(cause: HangupCause): void {
    this.slot.interrupt()
    this.#ambiance?.close()
    this.player.close()
    this.listener.close()
    this.leg.hangup(cause)
    this.#recorder?.close()
  }
}
