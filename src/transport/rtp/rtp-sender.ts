import type { Codec, Encoder } from '#audio/codec/codec.ts'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { OPUS_SILENCE } from '#audio/codec/opus-packet.ts'
import { type AudioFrame, frameSamples, PTIME_MS } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import type { Sink } from '#core/sink.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { type PressTiming, TelephoneEventSender } from '#rtp/telephone-event-sender.ts'
import type { SrtpPair } from './srtp-pair.ts'

export interface SendFormat {
  readonly codec: Codec
  readonly payloadType: number
  readonly telephoneEventType?: number | undefined
  readonly telephoneEventRate?: number | undefined
  /** 10, 20, 30, 40 or 60; what the codec cannot fill is sent in packets of 20. */
  readonly ptimeMs: number
}

/** Frames that may be sent before their time: the last of one playback and the first of the next. */
const MAX_AHEAD = 3
/** An encoder that looks ahead is fed silence for so long, before silence is sent without it. */
const SETTLING_FRAMES = 10
const OPUS_PTIMES = [10, 20, 40, 60]
const PTIMES = [10, 20, 30, 40, 60]

/**
 * The speaking half of a session: exactly one frame for each tick, in packets of the agreed length.
 * A frame is sent when it is given. A tick for which none was given is filled with silence, so that
 * as many frames leave as ticks pass, whatever the order of the two:
 *
 *   ticks    │       │       │       │       │       │
 *   given         ▪       ▪       ▪
 *   sent     ·    ▪       ▪       ▪          ·       ·
 */
export class RtpSender {
  readonly writer: RtpWriter
  readonly stats = {
    /** Frames that there was no tick for, left out: silent ones, and others beyond the bound. */
    trimmedFrames: 0,
    droppedFrames: 0,
    silentFrames: 0,
    /** Frames that made place for a telephone-event. */
    replacedFrames: 0,
  }
  readonly #sampleRate: number
  readonly #transmit: Sink<Uint8Array>
  readonly #srtp: SrtpPair
  readonly #silence: Int16Array
  #format: SendFormat | undefined
  #encoder: Encoder | undefined
  #resampler: Resampler | undefined
  #events: TelephoneEventSender | undefined
  #eventRate = 0
  #ptimeMs = PTIME_MS
  /** Samples, at the rate of the codec, of a packet that is not complete yet. */
  #gathered = new Int16Array(0)
  #gatheredCount = 0
  /** Ticks that have no frame yet; negative when frames are ahead of them. */
  #owed = 0
  #silentRun = 0
  #expectedLossPercent = 0
  #isSending = false

  /** `transmit` gets a packet that is valid until it returns. */
  constructor(sampleRate: number, srtp: SrtpPair, transmit: Sink<Uint8Array>) {
    this.#sampleRate = sampleRate
    this.#srtp = srtp
    this.#transmit = transmit
    this.#silence = new Int16Array(frameSamples(sampleRate))
    this.writer = new RtpWriter({ clockRate: sampleRate })
  }

  /** Whether the far end is to get anything; time passes for it either way. */
  set isSending(isSending: boolean) {
    if (this.#isSending === isSending) return
    this.#isSending = isSending
    this.#owed = 0
    this.#leaveOut()
  }

  /** How many packets get lost on their way, as the far end says: Opus sends copies accordingly. */
  set expectedLossPercent(percent: number) {
    this.#expectedLossPercent = percent
    if (this.#encoder instanceof OpusEncoder) this.#encoder.expectedLossPercent = percent
  }

  /** Whether telephone-events are being sent: audio is left out meanwhile, and between them. */
  get isPressing(): boolean {
    return this.#events?.isIdle === false
  }

  /** What is sent from now on; an encoder that stays the same is not disturbed. */
  configure(format: SendFormat): void {
    const { codec } = format
    const before = this.#format?.codec
    this.#format = format
    if (before?.name !== codec.name || before.sampleRate !== codec.sampleRate) this.#encode(codec)
    this.#prepareEvents(format)
    const ptimes = codec.name === 'opus' ? OPUS_PTIMES : PTIMES
    const ptimeMs = ptimes.includes(format.ptimeMs) ? format.ptimeMs : PTIME_MS
    if (this.#gathered.length === (codec.sampleRate * ptimeMs) / 1000) return
    this.#leaveOut()
    this.#ptimeMs = ptimeMs
    this.#gathered = new Int16Array((codec.sampleRate * ptimeMs) / 1000)
  }

  /**
   * Presses `keys` (each of `0-9 * # A-D`) by telephone-events, which take the place of audio. False
   * when the far end takes none, or too many wait already.
   */
  pressKeys(keys: string, timing: PressTiming): boolean {
    return this.#isSending && this.#events?.press(keys, timing) === true
  }

  /** Sends one frame of `PTIME_MS` at the session's rate. */
  send({ samples }: AudioFrame): void {
    if (!this.#isSending) return
    if (this.#owed < 0 && samples.every(isZero)) {
      this.stats.trimmedFrames += 1
      return
    }
    if (this.#owed <= -MAX_AHEAD) {
      this.stats.droppedFrames += 1
      return
    }
    this.#silentRun = 0
    this.#sendFrame(samples)
  }

  /** One frame time has passed. */
  tick(): void {
    if (!this.#isSending) {
      this.writer.advance(PTIME_MS)
      return
    }
    this.#owed += 1
    if (this.#owed <= 0) return
    this.stats.silentFrames += 1
    this.#silentRun += 1
    this.#sendFrame(this.#silence)
  }

  /** Gives back native memory. Harmless to call twice. */
  close(): void {
    this.#isSending = false
    this.#encoder?.close()
    this.#encoder = undefined
  }

  #prepareEvents({ codec, telephoneEventType, telephoneEventRate }: SendFormat): void {
    const clockRate = telephoneEventRate ?? codec.clockRate
    if (telephoneEventType === undefined) this.#events = undefined
    else if (this.#events === undefined || this.#eventRate !== clockRate) {
      this.#events = new TelephoneEventSender({ clockRate })
    }
    this.#eventRate = clockRate
  }

  #encode(codec: Codec): void {
    this.#leaveOut()
    this.#gathered = new Int16Array(0)
    this.#encoder?.close()
    this.#encoder = codec.createEncoder()
    this.expectedLossPercent = this.#expectedLossPercent
    this.#resampler =
      codec.sampleRate === this.#sampleRate
        ? undefined
        : new Resampler(this.#sampleRate, codec.sampleRate, { isLive: true })
    this.writer.clockRate = codec.clockRate
  }

  /** What was gathered is not sent; its time passes. */
  #leaveOut(): void {
    if (this.#gatheredCount === 0) return
    const rate = this.#format?.codec.sampleRate ?? this.#sampleRate
    this.writer.advance((this.#gatheredCount * 1000) / rate)
    this.#gatheredCount = 0
  }

  #sendFrame(samples: Int16Array): void {
    this.#owed -= 1
    if (this.#sendEvent()) return
    const native = this.#resampler?.resample(samples) ?? samples
    if (native.length === this.#gathered.length && this.#gatheredCount === 0) {
      this.#sendPacket(native)
      return
    }
    for (let at = 0; at < native.length; ) {
      const room = this.#gathered.length - this.#gatheredCount
      const part = native.subarray(at, at + room)
      this.#gathered.set(part, this.#gatheredCount)
      this.#gatheredCount += part.length
      at += part.length
      if (part.length < room) return
      this.#gatheredCount = 0
      this.#sendPacket(this.#gathered)
    }
  }

  /** Sends the telephone-event of this tick; false when it is free for audio. */
  #sendEvent(): boolean {
    if (this.#events === undefined || this.#events.isIdle) return false
    this.#leaveOut()
    const { writer } = this
    const event = this.#events.next(writer.timestamp)
    if (event === undefined) return false
    this.stats.replacedFrames += 1
    this.#finish(writer.writeEvent(this.#format?.telephoneEventType ?? 0, event))
    writer.advance(PTIME_MS)
    return true
  }

  #sendPacket(samples: Int16Array): void {
    const { writer } = this
    const payloadType = this.#format?.payloadType ?? 0
    this.#finish(writer.write(payloadType, this.#fill(samples)))
    writer.advance(this.#ptimeMs)
  }

  #finish(length: number): void {
    const { writer } = this
    const protectedLength = this.#srtp.protectRtp(writer.buffer, length)
    if (protectedLength > 0) this.#transmit(writer.view(protectedLength))
  }

  /** Writes the payload; returns how long it is. */
  #fill(samples: Int16Array): number {
    const { payload } = this.writer
    const isShort = this.#format?.codec.name === 'opus' && this.#ptimeMs === PTIME_MS
    if (!isShort || this.#silentRun <= SETTLING_FRAMES) {
      return this.#encoder?.encode(samples, payload) ?? 0
    }
    payload.set(OPUS_SILENCE)
    return OPUS_SILENCE.length
  }
}

function isZero(sample: number): boolean {
  return sample === 0
}
