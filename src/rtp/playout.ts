import type { Codec } from '#audio/codec/codec.ts'
import { ConcealingDecoder } from '#audio/concealment/concealing-decoder.ts'
import { TimeStretcher } from '#audio/time-stretcher.ts'
import { JitterBuffer, type JitterBufferOptions } from './jitter-buffer.ts'
import { MAX_PACKET_MS, type ReceivedPacket } from './packet-ring.ts'
import { PlayoutClock } from './playout-clock.ts'

export interface PlayoutOptions extends JitterBufferOptions {
  /** RTP payload type of comfort noise (RFC 3389), where it was negotiated. */
  readonly comfortNoiseType?: number
}

/** Audio is made up in pieces that any codec can guess. */
const PIECE_MS = 10
/** A stretched frame sounds natural when those around it are left alone, */
const REST_FRAMES = 3
/** but a delay so far off its target is worse, */
const URGENT_MS = 60
/** and a voice without a clear pitch must not keep it for ever. */
const MAX_REFUSALS = 50

/**
 * The receiving side of a leg: RTP packets in, in whatever state the network leaves them, and
 * exactly as much audio out as is asked for. Lost packets are concealed, pauses are filled with
 * comfort noise, and the delay follows the network by stretching single periods of the sound.
 */
export class Playout {
  readonly sampleRate: number
  readonly buffer: JitterBuffer
  readonly decoder: ConcealingDecoder
  /** How often a period was taken out or put in. */
  readonly stats = { shrunk: 0, grown: 0, undecodable: 0 }
  readonly #samplesPerUnit: number
  readonly #comfortNoiseType: number | undefined
  readonly #stretcher: TimeStretcher
  readonly #clock = new PlayoutClock()
  /** Decoded audio of one packet, with room for a period more, and what of it is not yet pulled. */
  readonly #decoded: Int16Array
  #from = 0
  #to = 0
  readonly #piece: Int16Array
  #missing: Int16Array
  #hasStarted = false
  #lastCount: number
  #rest = 0
  #refusals = 0

  constructor(codec: Codec, options: PlayoutOptions = {}) {
    const { sampleRate, clockRate, bytesPerMs } = codec
    this.sampleRate = sampleRate
    this.buffer = new JitterBuffer(clockRate, {
      ...(bytesPerMs === undefined ? {} : { maxPayloadBytes: bytesPerMs * MAX_PACKET_MS }),
      ...options,
    })
    this.decoder = new ConcealingDecoder(codec.createDecoder())
    this.#samplesPerUnit = sampleRate / clockRate
    this.#comfortNoiseType = options.comfortNoiseType
    const maxSamples = (MAX_PACKET_MS * sampleRate) / 1000
    this.#stretcher = new TimeStretcher(sampleRate, maxSamples)
    this.#decoded = new Int16Array(maxSamples + (PIECE_MS * sampleRate) / 1000)
    this.#piece = this.#decoded.subarray(0, (PIECE_MS * sampleRate) / 1000)
    this.#missing = this.#piece
    this.#lastCount = this.#piece.length
  }

  /** Takes a packet from the network; `payload` is copied. */
  receive(packet: ReceivedPacket): void {
    this.buffer.receive(packet)
  }

  /**
   * Fills all of `samples` with what is to be heard from `nowMs` on: silence before the first
   * packet, then always sound. Returns how many samples that are. To be called once per frame, of a
   * length that stays the same; frames much longer than packets would need those before they come.
   * A consumer that was held up may pull what it missed in quick succession, or leave it out.
   */
  pull(samples: Int16Array, nowMs: number): number {
    const { length } = samples
    const dueMs = this.#clock.tick(nowMs, (length * 1000) / this.sampleRate)
    for (let done = 0; done < length; ) {
      if (this.#from === this.#to) this.#fetch(dueMs)
      const count = Math.min(length - done, this.#to - this.#from)
      for (let i = 0; i < count; i += 1) samples[done + i] = this.#decoded[this.#from + i]!
      this.#from += count
      done += count
    }
    return length
  }

  /** Gives back native memory. Harmless to call twice. */
  close(): void {
    this.decoder.close()
  }

  /** Puts at least one sample into `#decoded`. */
  #fetch(nowMs: number): void {
    this.#from = 0
    this.#to = 0
    while (this.#to === 0) {
      switch (this.buffer.pull(nowMs)) {
        case 'packet':
          this.#play()
          break
        case 'lost':
          this.#fillLoss()
          break
        case 'empty':
          this.#fillPause()
          break
      }
    }
  }

  #play(): void {
    const { packet, isDisjoint } = this.buffer
    if (packet === undefined) return
    this.#hasStarted = true
    if (packet.payloadType !== undefined && packet.payloadType === this.#comfortNoiseType) {
      this.decoder.interrupt(packet.payload)
      return
    }
    if (isDisjoint) this.decoder.interrupt()
    const count = this.decoder.decode(packet.payload, this.#decoded) || this.#guess()
    this.#lastCount = count
    this.buffer.advance(count / this.#samplesPerUnit)
    this.#to = this.#stretch(count)
  }

  /** What cannot be decoded is as good as lost, and as long as the packet before it. */
  #guess(): number {
    this.stats.undecodable += 1
    return this.decoder.conceal(this.#decoded.subarray(0, this.#lastCount))
  }

  #fillLoss(): void {
    const { lostUnits, next } = this.buffer
    const wanted = Math.round(lostUnits * this.#samplesPerUnit)
    const count = Math.max(1, Math.min(wanted, this.#decoded.length))
    if (this.#missing.length !== count) this.#missing = this.#decoded.subarray(0, count)
    this.#to = this.decoder.conceal(this.#missing, next)
  }

  #fillPause(): void {
    if (this.#hasStarted) this.decoder.conceal(this.#piece)
    else this.#piece.fill(0)
    this.#to = this.#piece.length
  }

  /** Follows the urge of the buffer, when the sound allows. Returns how long the audio is then. */
  #stretch(count: number): number {
    const { urge, delayMs, targetDelayMs } = this.buffer
    this.#rest = Math.max(0, this.#rest - 1)
    const isUrgent = Math.abs(delayMs - targetDelayMs) > URGENT_MS
    if (urge === undefined || (this.#rest > 0 && !isUrgent)) return count
    const isForced = this.#refusals >= MAX_REFUSALS
    const stretched =
      urge === 'shrink'
        ? this.#stretcher.shrink(this.#decoded, count, isForced)
        : this.#stretcher.grow(this.#decoded, count, isForced)
    if (stretched === count) {
      this.#refusals += 1
      return count
    }
    this.#refusals = 0
    this.#rest = REST_FRAMES
    if (stretched < count) this.stats.shrunk += 1
    else this.stats.grown += 1
    return stretched
  }
}
