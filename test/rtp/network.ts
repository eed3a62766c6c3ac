import type { ReceivedPacket } from '#rtp/packet-ring.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** What one packet of the sender holds, and when it goes out. */
export interface SentPacket {
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Uint8Array
  readonly sentMs: number
}

export interface SenderOptions {
  readonly packets: number
  readonly ptimeMs?: number
  readonly unitsPerMs?: number
  readonly firstSequence?: number
  readonly firstTimestamp?: number
  readonly ssrc?: number
  readonly startMs?: number
  /** How much too fast the sender's clock runs. */
  readonly driftPpm?: number
  readonly payloadOf?: (index: number) => Uint8Array
}

/** A steady sender: one packet per `ptimeMs` of its own clock. */
export function send(options: SenderOptions): SentPacket[] {
  const { packets, ptimeMs = 20, unitsPerMs = 8, ssrc = 1, startMs = 0, driftPpm = 0 } = options
  const {
    firstSequence = 1000,
    firstTimestamp = 5000,
    payloadOf = () => Uint8Array.of(1),
  } = options
  return Array.from({ length: packets }, (_, i) => ({
    sequenceNumber: (firstSequence + i) & 0xffff,
    timestamp: (firstTimestamp + i * ptimeMs * unitsPerMs) >>> 0,
    ssrc,
    payload: payloadOf(i),
    sentMs: startMs + i * ptimeMs * (1 - driftPpm / 1e6),
  }))
}

export interface NetworkOptions {
  readonly seed?: number
  readonly lossShare?: number
  readonly duplicateShare?: number
  /** How long a packet travels, in ms; `random` gives 0 to 1. */
  readonly delayMs?: (random: () => number, sentMs: number) => number
  /** Whether packets queue behind each other rather than overtake. */
  readonly isInOrder?: boolean
}

export interface Carried {
  /** In the order of their arrival. */
  readonly arrivals: ReceivedPacket[]
  readonly lost: number
  readonly duplicated: number
}

/** Carries packets the way networks do. Never loses the first or the last, so that losses count. */
export function carry(sent: readonly SentPacket[], options: NetworkOptions = {}): Carried {
  const { seed = 1, lossShare = 0, duplicateShare = 0, delayMs = () => 30 } = options
  let lastMs = 0
  const random = seededRandom(seed)
  const arrivals: ReceivedPacket[] = []
  let lost = 0
  let duplicated = 0
  sent.forEach((packet, i) => {
    const isLost = random() < lossShare
    if (isLost && i > 0 && i < sent.length - 1) {
      lost += 1
      return
    }
    const { sentMs } = packet
    const ownMs = sentMs + delayMs(random, sentMs)
    lastMs = options.isInOrder === true ? Math.max(lastMs, ownMs) : ownMs
    arrivals.push({ ...packet, arrivalMs: lastMs })
    if (random() >= duplicateShare) return
    duplicated += 1
    arrivals.push({ ...packet, arrivalMs: sentMs + delayMs(random, sentMs) })
  })
  arrivals.sort((a, b) => a.arrivalMs - b.arrivalMs)
  return { arrivals, lost, duplicated }
}

/** Every packet is up to `spreadMs` late. */
export function uniform(spreadMs: number): (random: () => number) => number {
  return (random) => 30 + spreadMs * random()
}

/** A sum of exponential times, now and then with a spike during which packets queue up. */
export function bursty(meanMs: number, spikeMs: number, everyMs: number) {
  return (random: () => number, sentMs: number): number => {
    let sum = 0
    for (let i = 0; i < 3; i += 1) sum -= Math.log(1 - random()) * (meanMs / 3)
    // The queue runs empty by itself: who comes later waits less.
    const sinceSpikeMs = sentMs % everyMs
    return 30 + sum + Math.max(0, spikeMs - sinceSpikeMs)
  }
}

/** Calls `receive` and `pull` in the order of time: a pull every `everyMs` until `untilMs`. */
export function replay(
  arrivals: readonly ReceivedPacket[],
  clock: { readonly everyMs?: number; readonly untilMs: number },
  receive: (packet: ReceivedPacket) => void,
  pull: (nowMs: number) => void,
): void {
  let at = 0
  const { everyMs = 20, untilMs } = clock
  for (let nowMs = 7; nowMs < untilMs; nowMs += everyMs) {
    for (; at < arrivals.length && arrivals[at]!.arrivalMs <= nowMs; at += 1) {
      receive(arrivals[at]!)
    }
    pull(nowMs)
  }
}
