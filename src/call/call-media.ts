import type { AudioFrame } from '#audio/frame.ts'
import { Player } from '#media/player.ts'
import type { Recorder } from '#media/recorder/recorder.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { DtmfCommand, MuteCommand, PlayCommand, UnmuteCommand } from '#protocol/command.ts'
import type { HangupCause, Leg } from '#transport/leg.ts'
import { AmbianceLoop } from './ambiance-loop.ts'
import type { CallDeps } from './call-deps.ts'
import { CallError, errorStatus } from './call-error.ts'
import type { CallMetrics } from './call-metrics.ts'
import { openRecorder } from './call-recorder.ts'
import type { EventWriter } from './event-writer.ts'
import { Listener } from './listener.ts'
import { PLAYBACK_TRACK_ID, PlaybackSlot } from './playback-slot.ts'
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
    this.listener = new Listener(
      deps,
      trackId,
      { option, sampleRate, recorder, hasDigits: () => leg.hasDigits === true },
      events,
    )
    const send = (frame: AudioFrame) => {
      leg.send(frame)
      this.listener.noteSent(frame)
      recorder?.writeSent(frame)
    }
    this.player = new Player(deps.pacer, sampleRate, send, () => leg.isPressing === true)
    this.slot = new PlaybackSlot(this.player, events, metrics.playbackLatency, options.onAutoHangup)
    this.speaker = new Speaker(deps.findSynthesizer, this.slot, {
      events,
      sampleRate,
      option: option.tts,
    })
  }

  /**
   * The call is answered: its recording begins, and what is heard all the time. Nobody has agreed to
   * be recorded before, and minutes of ringing are no part of a conversation.
   */
  start(): void {
    this.#recorder?.begin()
    const { option, onError } = this.#options
    if (option.ambiance === undefined || option.ambiance.enabled === false) return
    this.#ambiance = new AmbianceLoop(this.#deps.openLoop, this.player, option.ambiance, (error) =>
      onError('ambiance', error),
    )
  }

  /** Plays a file in place of what is playing. */
  play({ url, playId, autoHangup, volume }: PlayCommand): void {
    const id = playId ?? url
    const playback = this.#deps.openFile(url, this.player.sampleRate, {
      onError: (error) => {
        this.#options.events.emit({
          event: 'error',
          trackId: PLAYBACK_TRACK_ID,
          sender: 'play',
          error: error.message,
          code: errorStatus(error),
          playId: id,
        })
      },
    })
    this.slot.start({ playback, playId: id, autoHangup, volume })
  }

  /**
   * Presses keys, in the sound where the leg has no other way.
   *
   * @throws {CallError} `too_many_keys`
   */
  pressKeys({ digits, durationMs, gapMs }: DtmfCommand): void {
    const { leg, player } = this
    const keys = digits.toUpperCase()
    const timing = { durationMs, gapMs }
    const isPressed = leg.hasDigits ? leg.pressKeys?.(keys, timing) : player.pressKeys(keys, timing)
    if (isPressed) return
    throw new CallError('too_many_keys', 'dtmf.digits: too many keys wait to be pressed already')
  }

  /**
   * Silences a track, or both, or undoes it.
   *
   * @throws {CallError} `bad_option` when there is no such track.
   */
  mute({ command, trackId }: MuteCommand | UnmuteCommand): void {
    const callerTrackId = this.#options.trackId
    if (trackId !== undefined && trackId !== callerTrackId && trackId !== PLAYBACK_TRACK_ID) {
      const known = `"${callerTrackId}" and "${PLAYBACK_TRACK_ID}"`
      throw new CallError('bad_option', `${command}.trackId: is unknown; known are ${known}`)
    }
    const isMuted = command === 'mute'
    if (trackId !== PLAYBACK_TRACK_ID) this.listener.isMuted = isMuted
    if (trackId !== callerTrackId) this.player.isMuted = isMuted
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
