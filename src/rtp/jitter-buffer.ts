import { DelayEstimator } from './delay-estimator.ts'
import { InterarrivalJitter } from './interarrival-jitter.ts'
import { MAX_PACKET_MS, PacketRing, type PacketSlot, type ReceivedPacket } from './packet-ring.ts'
import { type Membership, StreamTracker } from './stream-tracker.ts'

export interface JitterBufferOptions {
  /** Bounds of the target delay, and what it is before anything is known. */
  readonly minDelayMs?: number
  readonly startDelayMs?: number
  readonly maxDelayMs?: number
  /** How many packets are held at most, a power of two. */
  readonly capacity?: number
  /** Longer payloads are dropped. */
  readonly maxPayloadBytes?: number
}

/** `packet`: see `packet`. `lost`: see `lostUnits` and `next`. `empty`: nothing is due. */
export type Pulled = 'packet' | 'lost' | 'empty'

/** Timestamps that leave their clock by more than any network delays begin anew. */
const MAX_TRANSIT_CHANGE_MS = 1000
/** The delay may be so much above the target bound before packets are dropped to lower it. */
const DROP_MARGIN_MS = 60
/**
 * So far above the target the delay should be made shorter; below it at once longer, because there
 * packets are missed.
 */
const SHRINK_ABOVE_MS = 20
/** Packets of uneven length wait unevenly, within these bounds; the one that waited least counts, */
const UNEVEN_MS = 40
/** and slowly less with every later one. */
const LEAST_RISE_MS = 0.5
/** How near to the target is then near enough. */
const NEAR_MS = 5

/**
 * Puts the packets of one RTP stream in order and holds them until they are due. Has no clock: all
 * times are passed in, in milliseconds of one monotonic clock.
 *
 *              receive                                            pull
 *   network ──────────► │ 7 │   │ 9 │10 │ ··· a ring by sequence ──────────► decoder
 *                         │     └ lost, once 7 was taken and 8 is asked for
 *                         └ due at: timestamp + fastest transit + target delay
 *
 * While audio flows, each pull takes the next packet and time passes by itself. Where it does not
 * (at the start, after an underrun, in a pause of the sender) the next packet waits until it is
 * due, which makes up the delay anew. What comes late is played late and makes the delay longer;
 * `urge` tells the consumer to shorten it again. The timestamp is the measure of time and the
 * sequence number that of loss: a jump of the timestamp alone is a pause, not a loss.
 *
 * Bounds: `capacity` packets and `maxDelayMs` + 60 ms; beyond them the oldest are dropped.
 */
export class JitterBuffer {
  /** Timestamp units per second. */
  readonly clockRate: number
  /** The packet that was pulled last; valid until the next call of `receive`. */
  packet: PacketSlot | undefined
  /** Whether audio was left out just before `packet`, so that it does not join what was before. */
  isDisjoint = false
  /** How long what was lost is, in timestamp units. */
  lostUnits = 0
  /** The payload of the packet right after what was lost, if it is there; valid like `packet`. */
  next: Uint8Array | undefined
  /** How long after the fastest possible arrival `packet` was pulled. */
  delayMs = 0
  /** What the consumer should do with the audio of `packet`, so that the delay nears its target. */
  urge: 'shrink' | 'grow' | undefined
  readonly stats = {
    received: 0,
    /** Never came, as far as is known. */
    lost: 0,
    /** Came after they had been given up. */
    late: 0,
    duplicated: 0,
    reordered: 0,
    /** Dropped because of a bound. */
    overflowed: 0,
    /** Dropped because they do not fit the stream. */
    strays: 0,
    /** Streams or timestamps that began anew. */
    resyncs: 0,
    /** Times that audio had to wait for a packet that then came. */
    underruns: 0,
  }
  readonly #unitsPerMs: number
  readonly #maxDelayMs: number
  readonly #maxPayloadBytes: number
  readonly #ring: PacketRing
  readonly #estimator: DelayEstimator
  readonly #jitter = new InterarrivalJitter()
  readonly #stream = new StreamTracker()
  /** The packet that is to be pulled next, and where its audio should begin. */
  #nextSequence = 0
  #nextPosition = 0
  #hasStarted = false
  #isFlowing = false
  #hasJumped = false
  #leastExcessMs = 0

  constructor(clockRate: number, options: JitterBufferOptions = {}) {
    const { minDelayMs = 20, startDelayMs = 60, maxDelayMs = 300 } = options
    this.clockRate = clockRate
    this.#unitsPerMs = clockRate / 1000
    this.#maxDelayMs = maxDelayMs
    this.#maxPayloadBytes = options.maxPayloadBytes ?? 1500
    this.#ring = new PacketRing(options.capacity ?? 64)
    this.#estimator = new DelayEstimator({
      minMs: minDelayMs,
      startMs: startDelayMs,
      maxMs: maxDelayMs,
    })
  }

  /** How long audio should wait at present. */
  get targetDelayMs(): number {
    return this.#estimator.targetMs
  }

  /** RFC 3550 §6.4.1, in timestamp units. */
  get jitter(): number {
    return Math.round(this.#jitter.units)
  }

  /** Of the newest packet, counted on beyond 16 bits, as receiver reports have it. */
  get highestSequence(): number {
    return this.#stream.sequence
  }

  /** Whose stream is played, as receiver reports name it; `undefined` before the first packet. */
  get ssrc(): number | undefined {
    return this.#stream.ssrc
  }

  /** How many packets the stream would have had so far without loss (RFC 3550 A.3). */
  get expected(): number {
    return this.#stream.sequence - this.#stream.firstSequence + 1
  }

  /**
   * How many of them came, late ones and duplicates too; the rest is the cumulative loss. Both
   * begin anew with each stream.
   */
  get arrived(): number {
    return this.#stream.received
  }

  /** Takes a packet from the network; copies what it keeps. */
  receive(packet: ReceivedPacket): void {
    this.stats.received += 1
    if (packet.payload.length > this.#maxPayloadBytes) {
      this.stats.overflowed += 1
      return
    }
    const membership = this.#admit(packet)
    if (membership === 'stray') {
      this.stats.strays += 1
      return
    }
    if (membership === 'begins') this.#begin()
    const sequence = this.#stream.sequenceOf(packet)
    if (this.#isRepeated(sequence)) return
    const position = this.#place(packet, sequence)
    if (sequence < this.#nextSequence && !this.#admitEarlier(sequence)) return
    this.#makeRoom(sequence)
    this.#ring.hold(sequence, position, packet)
  }

  /** Says what is to be heard at `nowMs`. After `packet` the consumer calls `advance`. */
  pull(nowMs: number): Pulled {
    this.packet = undefined
    this.next = undefined
    this.#dropExcess(nowMs)
    const head = this.#findHead()
    if (head === undefined) {
      this.#isFlowing = false
      return 'empty'
    }
    const gap = head.position - this.#nextPosition
    const follows = gap < this.#unitsPerMs
    if (this.#isFlowing && follows) return this.#deliver(head, nowMs)
    if (this.#isFlowing && this.#isLoss(head, gap)) return this.#lose(head, gap)
    this.#isFlowing = false
    if (this.#delayOf(head.position, nowMs) < this.targetDelayMs) return 'empty'
    if (this.#hasStarted && follows) this.stats.underruns += 1
    // A pause that the delay swallows whole: nothing was made up between.
    if (this.#hasStarted && !follows) this.#hasJumped = true
    return this.#deliver(head, nowMs)
  }

  /** Says how long the audio of the packet pulled last is, in timestamp units. */
  advance(units: number): void {
    this.#nextPosition += units
  }

  #delayOf(position: number, nowMs: number): number {
    return nowMs - position / this.#unitsPerMs - this.#estimator.baseMs
  }

  /** A sender that starts again with an old sequence number is told from its late packets here. */
  #admit(packet: ReceivedPacket): Membership {
    const stream = this.#stream
    const membership = stream.admit(packet)
    if (membership !== 'follows' || stream.sequenceOf(packet) > stream.sequence) return membership
    // RFC 4733 §2.2.1: the packets of a long event all have the timestamp of its start.
    if (packet.payload.length === 0) return membership
    const transitMs = packet.arrivalMs - stream.positionOf(packet) / this.#unitsPerMs
    return this.#isOffClock(transitMs) ? stream.doubt(packet) : membership
  }

  /** Whether no delay explains the transit time; compared with none, any will do. */
  #isOffClock(transitMs: number): boolean {
    const changeMs = transitMs - this.#estimator.baseMs
    return Number.isFinite(changeMs) && Math.abs(changeMs) > MAX_TRANSIT_CHANGE_MS
  }

  /** Begins a stream; what is held of the last one is dropped. */
  #begin(): void {
    // Something was measured before: this is not the first stream, and does not join the last.
    if (Number.isFinite(this.#estimator.baseMs)) {
      this.stats.resyncs += 1
      this.#hasJumped = true
    }
    this.#ring.clear()
    this.#estimator.restart()
    this.#jitter.restart()
    this.#nextSequence = this.#stream.sequence
    this.#nextPosition = this.#stream.position
    this.#hasStarted = false
    this.#isFlowing = false
  }

  /** Whether the packet was received before. */
  #isRepeated(sequence: number): boolean {
    const state = this.#ring.stateOf(sequence)
    if (state !== 'held' && state !== 'taken') return false
    this.stats.duplicated += 1
    return true
  }

  /** Where its audio belongs, in timestamp units. */
  #place(packet: ReceivedPacket, sequence: number): number {
    const stream = this.#stream
    const isNewest = sequence >= stream.sequence
    const position = stream.positionOf(packet)
    if (packet.payload.length === 0) {
      stream.sequence = Math.max(stream.sequence, sequence)
      return position
    }
    if (!isNewest) this.stats.reordered += 1
    const transitMs = packet.arrivalMs - position / this.#unitsPerMs
    if (isNewest && (this.#isOffClock(transitMs) || position < stream.position)) {
      return this.#reanchor(packet, sequence)
    }
    if (isNewest) stream.advance(packet, sequence, position)
    this.#jitter.observe(transitMs * this.#unitsPerMs)
    this.#estimator.observe(packet.arrivalMs, transitMs, !isNewest)
    return position
  }

  /**
   * The timestamps have begun anew within the stream: the packet is placed where one would be that
   * was as fast as the fastest, so that what is held is played to its end.
   */
  #reanchor(packet: ReceivedPacket, sequence: number): number {
    const stream = this.#stream
    this.stats.resyncs += 1
    const inTime = Math.round((packet.arrivalMs - this.#estimator.baseMs) * this.#unitsPerMs)
    stream.advance(packet, sequence, Math.max(stream.position + 1, inTime))
    return stream.position
  }

  /** A packet before the next one: welcome before the first pull, otherwise too late. */
  #admitEarlier(sequence: number): boolean {
    if (!this.#hasStarted && this.#stream.sequence - sequence < this.#ring.capacity) {
      this.#nextSequence = sequence
      return true
    }
    this.stats.late += 1
    if (this.#ring.stateOf(sequence) === 'lost') {
      this.stats.lost -= 1
      this.#ring.mark(sequence, 'taken')
    }
    return false
  }

  /** Gives up the oldest packets that would stand in the way of `sequence`. */
  #makeRoom(sequence: number): void {
    const oldest = sequence - this.#ring.capacity + 1
    if (oldest <= this.#nextSequence) return
    this.#giveUpUntil(oldest)
    this.#isFlowing = false
    this.#hasJumped = true
  }

  /** The first packet of audio that is held. */
  #findHead(): PacketSlot | undefined {
    const newest = this.#stream.sequence
    for (let sequence = this.#nextSequence; sequence <= newest; sequence += 1) {
      const slot = this.#ring.held(sequence)
      if (slot !== undefined && slot.payload.length > 0) return slot
    }
    return undefined
  }

  /** Whether packets are missing before `head` that may have filled the gap. */
  #isLoss(head: PacketSlot, gap: number): boolean {
    const missing = head.sequence - this.#nextSequence
    return missing > 0 && gap <= missing * MAX_PACKET_MS * this.#unitsPerMs
  }

  /** Gives up the next packet, of those that are missing before `head`. */
  #lose(head: PacketSlot, gap: number): Pulled {
    const missing = head.sequence - this.#nextSequence
    this.lostUnits = Math.max(1, Math.round(gap / missing))
    this.#nextPosition += this.lostUnits
    this.#giveUpUntil(this.#nextSequence + 1)
    if (missing === 1) this.next = head.payload
    return 'lost'
  }

  #deliver(head: PacketSlot, nowMs: number): Pulled {
    this.#giveUpUntil(head.sequence)
    this.#take(head)
    this.#nextPosition = head.position
    this.#hasStarted = true
    this.#isFlowing = true
    this.delayMs = this.#delayOf(head.position, nowMs)
    this.urge = this.#nextUrge()
    this.isDisjoint = this.#hasJumped
    this.#hasJumped = false
    this.packet = head
    return 'packet'
  }

  /** Begins late and goes on until the target is near, lest it waver. */
  #nextUrge(): 'shrink' | 'grow' | undefined {
    const excessMs = this.delayMs - this.targetDelayMs
    const leastMs = Math.max(this.#leastExcessMs + LEAST_RISE_MS, excessMs - UNEVEN_MS)
    this.#leastExcessMs = Math.min(excessMs, leastMs)
    const limitMs = this.urge === 'shrink' ? NEAR_MS : SHRINK_ABOVE_MS
    if (this.#leastExcessMs > limitMs) return 'shrink'
    if (excessMs < (this.urge === 'grow' ? NEAR_MS : 0)) return 'grow'
    return undefined
  }

  #take({ sequence }: PacketSlot): void {
    this.#ring.mark(sequence, 'taken')
    this.#nextSequence = sequence + 1
  }

  /** Passes over all packets before `sequence`; takes no longer however many those are. */
  #giveUpUntil(sequence: number): void {
    const held = Math.min(sequence, this.#nextSequence + this.#ring.capacity)
    this.#giveUpEach(held)
    const rest = Math.max(held, sequence - this.#ring.capacity)
    this.stats.lost += rest - held
    this.#nextSequence = rest
    this.#giveUpEach(sequence)
  }

  #giveUpEach(sequence: number): void {
    for (; this.#nextSequence < sequence; this.#nextSequence += 1) {
      const slot = this.#ring.held(this.#nextSequence)
      if (slot === undefined) this.stats.lost += 1
      else if (slot.payload.length > 0) this.stats.overflowed += 1
      this.#ring.mark(this.#nextSequence, slot === undefined ? 'lost' : 'taken')
    }
  }

  /** A delay beyond all bounds is brought back to the longest target at once. */
  #dropExcess(nowMs: number): void {
    let head = this.#findHead()
    if (head === undefined) return
    if (this.#delayOf(head.position, nowMs) <= this.#maxDelayMs + DROP_MARGIN_MS) return
    while (head !== undefined && this.#delayOf(head.position, nowMs) > this.#maxDelayMs) {
      if (head.sequence === this.#stream.sequence) break
      this.#giveUpUntil(head.sequence + 1)
      this.#hasJumped = true
      head = this.#findHead()
    }
    this.#nextPosition = head?.position ?? this.#nextPosition
  }
}
