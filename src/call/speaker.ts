import type { TtsOption } from '#protocol/call-option.ts'
import type { TtsCommand } from '#protocol/command.ts'
import type { SynthesisOptions, Synthesizer } from '#speech/tts.ts'
import type { CallDeps } from './call-deps.ts'
import { CallError, errorStatus } from './call-error.ts'
import type { EventWriter } from './event-writer.ts'
import { PLAYBACK_TRACK_ID, type PlaybackSlot } from './playback-slot.ts'
import { SpeechPlayback } from './speech-playback.ts'
import { Utterance, type UtteranceHandlers } from './utterance.ts'

/**
 * Turns `tts` commands into speech in the playback slot: appends what carries the play id of the
 * speech that is playing, and replaces it by anything else.
 */
export class Speaker {
  readonly #findSynthesizer: CallDeps['findSynthesizer']
  readonly #slot: PlaybackSlot
  readonly #events: EventWriter
  readonly #sampleRate: number
  readonly #callOption: TtsOption

  constructor(
    findSynthesizer: CallDeps['findSynthesizer'],
    slot: PlaybackSlot,
    { events, sampleRate, option }: SpeakerOptions,
  ) {
    this.#findSynthesizer = findSynthesizer
    this.#slot = slot
    this.#events = events
    this.#sampleRate = sampleRate
    this.#callOption = option ?? {}
  }

  /**
   * Says `command.text` after, or in place of, what is playing. False when there was nothing to
   * say and nothing to append to.
   *
   * @throws {CallError} if the provider is unknown or too much waits to be spoken already.
   */
  say(command: TtsCommand): boolean {
    const playing = this.#slot.playing
    const current = playing?.playback
    if (playing && current instanceof SpeechPlayback && playing.playId === command.playId) {
      if (command.autoHangup) playing.autoHangup = true
      this.#append(current, command)
      return true
    }
    if (command.text === '' && (!command.streaming || command.endOfStream)) return false
    const playback = new SpeechPlayback(this.#sampleRate)
    this.#append(playback, command)
    this.#slot.start({ playback, playId: command.playId, autoHangup: command.autoHangup })
    return true
  }

  #append(playback: SpeechPlayback, command: TtsCommand): void {
    if (!playback.hasRoom(command.text.length)) {
      throw new CallError('too_much_text', 'tts: too much text waits to be spoken already')
    }
    const open = playback.streaming
    if (open !== undefined && (command.streaming || command.endOfStream)) {
      playback.push(open, command.text)
      if (command.endOfStream) open.finish()
      return
    }
    if (command.text === '' && (!command.streaming || command.endOfStream)) return
    const utterance = this.#createUtterance(command)
    open?.finish()
    utterance.push(command.text)
    if (!command.streaming || command.endOfStream) utterance.finish()
    playback.add(utterance)
  }

  #createUtterance(command: TtsCommand): Utterance {
    const option = { ...this.#callOption, ...withoutUndefined(command.option ?? {}) }
    const speaker = command.speaker ?? option.speaker
    const synthesizer = this.#findSynthesizer(option.provider)
    const { speed, volume, cacheKey, extra } = option
    const options: SynthesisOptions = {
      sampleRate: this.#sampleRate,
      ...withoutUndefined({ speaker, speed, volume, cacheKey, extra }),
    }
    return new Utterance(synthesizer, options, this.#createHandlers(synthesizer, command, speaker))
  }

  #createHandlers(
    { provider }: Synthesizer,
    { playId, text }: TtsCommand,
    speaker: string | undefined,
  ): UtteranceHandlers {
    const startedAtMs = performance.now()
    const elapsedMs = () => Math.round(performance.now() - startedAtMs)
    const data = withoutUndefined({ speaker, playId, length: text.length })
    let ttfb = 0
    return {
      onFirstAudio: () => {
        ttfb = elapsedMs()
        this.#events.emit({ event: 'metrics', key: `ttfb.tts.${provider}`, duration: ttfb, data })
      },
      onEnd: ({ isCached, audioMs }) => {
        this.#events.emit({
          event: 'metrics',
          key: `completed.tts.${provider}`,
          duration: elapsedMs(),
          data: { ...data, cached: isCached, ttfb, duration: audioMs },
        })
      },
      onError: (error) => {
        this.#events.emit({
          event: 'error',
          trackId: PLAYBACK_TRACK_ID,
          sender: 'tts',
          error: error.message,
          code: errorStatus(error),
          ...(playId !== undefined && { playId }),
        })
      },
    }
  }
}

export interface SpeakerOptions {
  readonly events: EventWriter
  /** Samples per second that the leg wants. */
  readonly sampleRate: number
  /** What the call's own `tts` option says; commands inherit it. */
  readonly option: TtsOption | undefined
}

/** What remains of `object` without the keys whose value is absent. */
function withoutUndefined<T extends object>(
  object: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
