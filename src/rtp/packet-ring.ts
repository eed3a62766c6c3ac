/** No codec puts more audio into a packet. */
export const MAX_PACKET_MS = 120

/** One RTP packet as it was received. */
export interface ReceivedPacket {
  /** 16 bits. */
  readonly sequenceNumber: number
  /** 32 bits, in units of the clock rate. */
  readonly timestamp: number
  readonly ssrc: number
  readonly payloadType?: number
  /**
   * Borrowed. Empty for a packet of the stream that holds no audio, like a telephone-event: it
   * only keeps its place in the sequence, so that it is not taken for lost.
   */
  readonly payload: Uint8Array
  /** When it arrived, on the clock that `pull` is called with. */
  readonly arrivalMs: number
}

/** What became of the packet of one sequence number. */
export type PacketState = 'unknown' | 'held' | 'taken' | 'lost'

/** The place of one packet, reused for another `capacity` later. */
export interface PacketSlot {
  /** Sequence number and timestamp, counted on beyond their 16 and 32 bits. */
  sequence: number
  position: number
  payloadType: number | undefined
  /** `buffer` or a view of it, as long as the payload. */
  payload: Uint8Array
  buffer: Uint8Array
  state: PacketState
}

const EMPTY = new Uint8Array(0)

/**
 * Room for `capacity` packets (a power of two), by sequence number, with what became of those that
 * are gone. Copies payloads into buffers that it keeps; streams of constant packet length allocate
 * nothing once all have been used.
 */
export class PacketRing {
  readonly capacity: number
  readonly #slots: readonly PacketSlot[]

  constructor(capacity: number) {
    this.capacity = capacity
    this.#slots = Array.from({ length: capacity }, () => ({
      sequence: 0,
      position: 0,
      payloadType: undefined,
      payload: EMPTY,
      buffer: EMPTY,
      state: 'unknown',
    }))
  }

  /** What became of packet `sequence`; `unknown` also when its slot holds another one. */
  stateOf(sequence: number): PacketState {
    const slot = this.#slotOf(sequence)
    return slot.sequence === sequence ? slot.state : 'unknown'
  }

  /** The packet `sequence`, if it is held. */
  held(sequence: number): PacketSlot | undefined {
    const slot = this.#slotOf(sequence)
    return slot.sequence === sequence && slot.state === 'held' ? slot : undefined
  }

  /** Holds a copy of the packet, in the place of the one `capacity` before. */
  hold(sequence: number, position: number, { payload, payloadType }: ReceivedPacket): void {
    const slot = this.#slotOf(sequence)
    const { length } = payload
    if (slot.payload.length !== length) {
      // A whole array is much smaller than a view of one, and serves where lengths are constant.
      if (slot.buffer.length < length) slot.buffer = new Uint8Array(length)
      slot.payload = slot.buffer.length === length ? slot.buffer : slot.buffer.subarray(0, length)
    }
    slot.payload.set(payload)
    slot.sequence = sequence
    slot.position = position
    slot.payloadType = payloadType
    slot.state = 'held'
  }

  /** Notes what became of packet `sequence`. */
  mark(sequence: number, state: 'taken' | 'lost'): void {
    const slot = this.#slotOf(sequence)
    slot.sequence = sequence
    slot.state = state
  }

  /** Forgets all packets; keeps the buffers. */
  clear(): void {
    for (const slot of this.#slots) slot.state = 'unknown'
  }

  #slotOf(sequence: number): PacketSlot {
    return this.#slots[sequence & (this.capacity - 1)]!
  }
}
