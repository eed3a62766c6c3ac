import type { EventPacket } from './rtp-writer.ts'
import {
  END_BIT,
  EVENT_KEYS,
  MAX_EVENT_DURATION,
  TELEPHONE_EVENT_BYTES,
} from './telephone-event.ts'

/** Keys that may wait to be pressed. */
const MAX_WAITING = 256
/** RFC 4733 §2.5.1.4: the last packet is sent three times. */
const END_PACKETS = 3

export interface PressTiming {
  /** How long each key is held down. */
  readonly durationMs?: number
  /** How long the pause after it is; at least as long as the end is repeated. */
  readonly gapMs?: number
}

export interface TelephoneEventSenderOptions {
  /** Of the payload type of the events, in Hz: that of the audio (RFC 4733 §2.1). */
  readonly clockRate: number
  /** How often `next` is called. */
  readonly tickMs?: number
  /** Of the tone that the far end should make of it, in dBm0 below zero, 0 to 63. */
  readonly attenuationDb?: number
}

interface WaitingKey {
  readonly event: number
  readonly durationTicks: number
  readonly gapTicks: number
}

/**
 * Presses keys by telephone-events (RFC 4733), one packet per tick:
 *
 *   tick      1    2    3    4    5    6    7    8    9   ···
 *   packet    M    ·    ·    ·    E    E    E    -    M   ···     100 ms held, 60 ms of pause
 *   duration  1    2    3    4    5    5    5         1   ···     in ticks; timestamp of tick 1
 */
export class TelephoneEventSender {
  readonly #unitsPerTick: number
  readonly #tickMs: number
  readonly #attenuation: number
  readonly #waiting: WaitingKey[] = []
  /** Reused for each tick. */
  readonly #packet = {
    payload: new Uint8Array(TELEPHONE_EVENT_BYTES),
    timestamp: 0,
    marker: false,
  }
  /** Of the key at hand: ticks that it is still held, and that are left with the pause after it. */
  #heldTicks = 0
  #ticksLeft = 0
  #endsLeft = 0
  #segmentStart = 0
  #duration = 0
  #isFirst = false

  constructor({ clockRate, tickMs = 20, attenuationDb = 10 }: TelephoneEventSenderOptions) {
    this.#unitsPerTick = Math.round((clockRate * tickMs) / 1000)
    this.#tickMs = tickMs
    this.#attenuation = attenuationDb & 0x3f
  }

  /** Whether all keys have been pressed, and the pause after the last is over. */
  get isIdle(): boolean {
    return this.#ticksLeft === 0 && this.#waiting.length === 0
  }

  /**
   * Presses `keys` (each of `0-9 * # A-D`) after what waits already; false when there is no room.
   *
   * @throws {RangeError} if one of them is no key.
   */
  press(keys: string, { durationMs = 100, gapMs = 80 }: PressTiming = {}): boolean {
    const waiting = [...keys].map((key) => ({
      event: eventOf(key),
      durationTicks: Math.max(1, Math.round(durationMs / this.#tickMs)),
      gapTicks: Math.max(END_PACKETS, Math.ceil(gapMs / this.#tickMs)),
    }))
    if (this.#waiting.length + waiting.length > MAX_WAITING) return false
    this.#waiting.push(...waiting)
    return true
  }

  /**
   * To be called once per tick, with the timestamp of the audio of that tick. Returns the packet
   * that goes out in its place, valid until the next call; `undefined` when audio may.
   */
  next(timestamp: number): EventPacket | undefined {
    if (this.#ticksLeft === 0 && !this.#begin(timestamp)) return undefined
    this.#ticksLeft -= 1
    if (this.#endsLeft === 0) return undefined
    if (this.#heldTicks > 0) {
      this.#heldTicks -= 1
      this.#duration += this.#unitsPerTick
    }
    const packet = this.#packet
    packet.marker = this.#isFirst
    packet.timestamp = this.#segmentStart
    this.#isFirst = false
    if (this.#duration > MAX_EVENT_DURATION) this.#endSegment()
    else this.#report(this.#duration, this.#heldTicks === 0)
    return packet
  }

  /** Forgets the keys that wait; the one that is held is let go in the next tick. */
  clear(): void {
    this.#waiting.length = 0
    if (this.#heldTicks === 0) return
    this.#ticksLeft -= this.#heldTicks - 1
    this.#heldTicks = 1
  }

  /** Takes the next key down; false when there is none. */
  #begin(timestamp: number): boolean {
    const key = this.#waiting.shift()
    if (key === undefined) return false
    this.#heldTicks = key.durationTicks
    this.#ticksLeft = key.durationTicks + key.gapTicks
    this.#endsLeft = END_PACKETS
    this.#segmentStart = timestamp
    this.#duration = 0
    this.#isFirst = true
    this.#packet.payload[0] = key.event
    return true
  }

  #report(duration: number, isEnd: boolean): void {
    const { payload } = this.#packet
    if (isEnd) this.#endsLeft -= 1
    payload[1] = isEnd ? END_BIT | this.#attenuation : this.#attenuation
    payload[2] = duration >> 8
    payload[3] = duration
  }

  /** RFC 4733 §2.5.1.3: the longest duration, not the end, and from there a new segment. */
  #endSegment(): void {
    this.#report(MAX_EVENT_DURATION, false)
    this.#duration -= MAX_EVENT_DURATION
    this.#segmentStart = (this.#segmentStart + MAX_EVENT_DURATION) >>> 0
  }
}

function eventOf(key: string): number {
  const event = EVENT_KEYS.indexOf(key)
  if (event === -1) throw new RangeError(`${JSON.stringify(key)} is no DTMF key`)
  return event
}
