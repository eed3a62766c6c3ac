import type { Histogram } from '#core/histogram.ts'
import type { Playback } from '#media/playback.ts'
import type { Player } from '#media/player.ts'
import type { EventWriter } from './event-writer.ts'
import { SpeechPlayback } from './speech-playback.ts'

/** The track id of everything that is played to the caller. */
export const PLAYBACK_TRACK_ID = 'server-side-track'

/** One playback in the slot, with what the wire knows about it. */
export interface Playing {
  readonly playback: Playback
  readonly playId: string | undefined
  /** Hang up when it has ended by itself or failed. */
  autoHangup: boolean
  /** 1, as it is, when absent. */
  readonly volume?: number | undefined
}

/**
 * The one place for playback of a call: holds at most one, tells the client when it starts, ends
 * and is cut short, and replaces it by the next.
 */
export class PlaybackSlot {
  readonly #player: Player
  readonly #events: EventWriter
  readonly #latency: Histogram
  readonly #onAutoHangup: () => void
  #playing: Playing | undefined
  /** The player has been given the playback; false while its `trackStart` is being stored. */
  #hasBegun = false
  #isPaused = false

  /** `latency` observes the seconds from the command to the first frame sent. */
  constructor(player: Player, events: EventWriter, latency: Histogram, onAutoHangup: () => void) {
    this.#player = player
    this.#events = events
    this.#latency = latency
    this.#onAutoHangup = onAutoHangup
  }

  get playing(): Playing | undefined {
    return this.#playing
  }

  /** Plays `playing` in place of what is in the slot. */
  start(playing: Playing): void {
    const startedAtMs = performance.now()
    this.interrupt()
    this.#playing = playing
    this.#hasBegun = false
    this.#isPaused = false
    // Audio must not overtake its own `trackStart`, so it begins when that has been sent.
    this.#events.emit({ event: 'trackStart', ...trackFields(playing) }, () =>
      this.#begin(playing, startedAtMs),
    )
  }

  /** Cuts the playback short. Does nothing when there is none. */
  interrupt(): void {
    const playing = this.#playing
    if (playing === undefined) return
    if (this.#hasBegun) this.#player.stop()
    const position = this.#hasBegun ? this.#player.positionMs : 0
    this.#playing = undefined
    const { playback } = playing
    const speech = playback instanceof SpeechPlayback ? playback : undefined
    this.#events.emit({
      event: 'interruption',
      ...trackFields(playing),
      position,
      ...(speech !== undefined && {
        text: speech.heardText,
        remaining: speech.remainingText,
        totalDuration: speech.madeMs,
      }),
    })
    playback.close()
    this.#events.emit({ event: 'trackEnd', ...trackFields(playing), duration: position })
  }

  /** Freezes the playback at its sample; false when there is none. */
  pause(): boolean {
    if (this.#playing === undefined) return false
    this.#isPaused = true
    if (this.#hasBegun) this.#player.pause()
    return true
  }

  /** Continues at the same sample; false when there is none. */
  resume(): boolean {
    if (this.#playing === undefined) return false
    this.#isPaused = false
    if (this.#hasBegun) this.#player.resume()
    return true
  }

  #begin(playing: Playing, startedAtMs: number): void {
    if (this.#playing !== playing) return
    this.#hasBegun = true
    const handlers = {
      onFirstAudio: () => this.#latency.observe((performance.now() - startedAtMs) / 1000),
      onEnd: () => this.#end(playing),
    }
    this.#player.start(playing.playback, handlers, playing.volume)
    if (this.#isPaused) this.#player.pause()
  }

  #end(playing: Playing): void {
    this.#playing = undefined
    const duration = this.#player.positionMs
    this.#events.emit({ event: 'trackEnd', ...trackFields(playing), duration })
    if (playing.autoHangup) this.#onAutoHangup()
  }
}

/** What every event about a playback carries. */
function trackFields({ playId }: Playing): { trackId: string; playId?: string } {
  return { trackId: PLAYBACK_TRACK_ID, ...(playId !== undefined && { playId }) }
}
