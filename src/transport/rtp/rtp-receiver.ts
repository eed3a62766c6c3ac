import { crossfade } from '#audio/crossfade.ts'
import { frameSamples } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { JitterBuffer } from '#rtp/jitter-buffer.ts'
import type { RtpPacket } from '#rtp/rtp-packet.ts'
import { TelephoneEventReader } from '#rtp/telephone-event-reader.ts'
import { type PayloadFormat, PlayoutStream } from './playout-stream.ts'

export interface ReceiveFormat extends PayloadFormat {
  readonly telephoneEventType?: number | undefined
  /** Timestamp units per second of telephone-events; that of the codec unless the SDP says so. */
  readonly telephoneEventRate?: number | undefined
}

/** What was played, of all codecs that a session has had. */
export interface PlayedStats {
  lost: number
  late: number
  duplicated: number
  reordered: number
  dropped: number
  concealedMs: number
}

/** Comfort noise (RFC 3551 §6): some send it without having said so. */
const COMFORT_NOISE = { payloadType: 13, clockRate: 8000 }
/** One codec leads over to the next within this. */
const CROSSFADE_MS = 10
/** The last codec is given up when the next one has not been heard for so many frames. */
const MAX_OVERLAP_FRAMES = 50
const NO_PAYLOAD = new Uint8Array(0)

/**
 * The hearing half of a session: packets of the far end in, one frame at the session's rate out at
 * every tick. While the codec changes both are heard for, the old one goes on (or fades into noise)
 * until the new one sounds.
 */
export class RtpReceiver {
  readonly #sampleRate: number
  readonly #eventRates = new Map<number, number>()
  readonly #events: TelephoneEventReader
  readonly #fading: Int16Array
  #current: PlayoutStream | undefined
  #previous: PlayoutStream | undefined
  #overlapFrames = 0
  /** Of streams that are closed. */
  readonly #past: PlayedStats = nonePlayed()

  constructor(sampleRate: number, onDigit: Sink<string>) {
    this.#sampleRate = sampleRate
    this.#events = new TelephoneEventReader(this.#eventRates, onDigit)
    this.#fading = new Int16Array(frameSamples(sampleRate))
  }

  /** Of the codec at present. */
  get buffer(): JitterBuffer | undefined {
    return this.#current?.playout.buffer
  }

  /** RFC 3550 §6.4.1, in milliseconds. */
  get jitterMs(): number {
    const stream = this.#current
    if (stream === undefined) return 0
    return (stream.playout.buffer.jitter * 1000) / stream.format.codec.clockRate
  }

  get stats(): PlayedStats {
    const total = { ...this.#past }
    for (const stream of [this.#current, this.#previous]) addPlayed(total, stream)
    return total
  }

  /** What is received from now on; a format that stays the same is not disturbed. */
  configure(agreed: ReceiveFormat): void {
    const format = {
      ...agreed,
      comfortNoiseType: agreed.comfortNoiseType ?? usualNoiseType(agreed),
    }
    this.#eventRates.clear()
    if (format.telephoneEventType !== undefined) {
      this.#eventRates.set(
        format.telephoneEventType,
        format.telephoneEventRate ?? format.codec.clockRate,
      )
    }
    if (isSame(this.#current?.format, format)) return
    this.#end(this.#previous)
    this.#previous = this.#current
    this.#overlapFrames = 0
    this.#current = new PlayoutStream(format, this.#sampleRate)
  }

  /** Whether `payloadType` means something. */
  takes(payloadType: number): boolean {
    return (
      this.#eventRates.has(payloadType) ||
      this.#current?.takes(payloadType) === true ||
      this.#previous?.takes(payloadType) === true
    )
  }

  /** Takes a packet whose payload type means something. */
  receive(packet: RtpPacket): void {
    if (this.#events.receive(packet)) this.skip(packet)
    else if (this.#current?.takes(packet.payloadType)) this.#current.receive(packet)
    else this.#previous?.receive(packet)
  }

  /** Takes a packet that is not to be heard: it keeps its place, so that it is not taken for lost. */
  skip(packet: RtpPacket): void {
    this.#current?.receive({ ...packet, payload: NO_PAYLOAD })
  }

  /** Fills `samples`, one frame, with what is to be heard at `nowMs`. */
  pull(samples: Int16Array, nowMs: number): void {
    if (this.#current === undefined) {
      samples.fill(0)
      return
    }
    this.#current.pull(samples, nowMs)
    if (this.#previous !== undefined) this.#leadOver(this.#current, samples, nowMs)
  }

  /** Gives back native memory; the figures stay. Harmless to call twice. */
  close(): void {
    this.#end(this.#previous)
    this.#previous = undefined
    this.#current?.close()
  }

  #leadOver(current: PlayoutStream, samples: Int16Array, nowMs: number): void {
    const fading = this.#fading
    this.#previous?.pull(fading, nowMs)
    this.#overlapFrames += 1
    if (!current.hasSounded && this.#overlapFrames < MAX_OVERLAP_FRAMES) {
      samples.set(fading)
      return
    }
    crossfade(fading, samples, (this.#sampleRate * CROSSFADE_MS) / 1000)
    this.#end(this.#previous)
    this.#previous = undefined
  }

  #end(stream: PlayoutStream | undefined): void {
    addPlayed(this.#past, stream)
    stream?.close()
  }
}

function usualNoiseType({ codec }: PayloadFormat): number | undefined {
  return codec.clockRate === COMFORT_NOISE.clockRate ? COMFORT_NOISE.payloadType : undefined
}

function isSame(one: PayloadFormat | undefined, other: PayloadFormat): boolean {
  return (
    one !== undefined &&
    one.codec.name === other.codec.name &&
    one.codec.sampleRate === other.codec.sampleRate &&
    one.payloadType === other.payloadType &&
    one.comfortNoiseType === other.comfortNoiseType
  )
}

function nonePlayed(): PlayedStats {
  return { lost: 0, late: 0, duplicated: 0, reordered: 0, dropped: 0, concealedMs: 0 }
}

function addPlayed(total: PlayedStats, stream: PlayoutStream | undefined): void {
  if (stream === undefined) return
  const { buffer, decoder } = stream.playout
  const { stats } = buffer
  total.lost += stats.lost
  total.late += stats.late
  total.duplicated += stats.duplicated
  total.reordered += stats.reordered
  total.dropped += stats.overflowed + stats.strays
  total.concealedMs += Math.round((decoder.stats.concealedSamples * 1000) / decoder.sampleRate)
}
