import type { Sink } from '#core/sink.ts'
import type { RtpPacket } from './rtp-packet.ts'
import {
  END_BIT,
  EVENT_KEYS,
  MAX_EVENT_DURATION,
  TELEPHONE_EVENT_BYTES,
} from './telephone-event.ts'

/** So many presses are remembered, so that late packets of one are not taken for another. */
const REMEMBERED = 16
/** A segment of a long press begins where the last one was full, give or take so much. */
const SEGMENT_SLACK_MS = 100
/** Packets of one press that change their timestamp must follow each other so closely. */
const MAX_SEQUENCE_STEP = 3

/** What a packet says of a press. */
interface Report {
  readonly ssrc: number
  readonly timestamp: number
  readonly sequenceNumber: number
  readonly marker: boolean
  readonly event: number
  readonly duration: number
  readonly isEnd: boolean
}

/**
 * Reads key presses from the telephone-events of a stream (RFC 4733). Each press is reported once,
 * on the first packet of it that comes: all packets of a press carry the timestamp of its start, so
 * it does not matter which of them are lost, late or repeated, nor what their markers say.
 */
export class TelephoneEventReader {
  readonly stats = {
    presses: 0,
    /** Too short to hold an event. */
    malformed: 0,
    /** Events that are no keys: hook flash, tones, modems. */
    ignored: 0,
  }
  readonly #clockRates: ReadonlyMap<number, number>
  readonly #onDigit: Sink<string>
  /** The newest reports of the last presses, the last press at the end. */
  readonly #presses: Report[] = []

  /** `clockRates` has the payload types that hold events, as negotiated, with their clock rates. */
  constructor(clockRates: ReadonlyMap<number, number>, onDigit: Sink<string>) {
    this.#clockRates = clockRates
    this.#onDigit = onDigit
  }

  /** Takes every packet of the stream; returns whether it was one of telephone-events. */
  receive(packet: RtpPacket): boolean {
    const clockRate = this.#clockRates.get(packet.payloadType)
    if (clockRate === undefined) return false
    const { payload, ssrc, sequenceNumber, marker } = packet
    if (payload.length < TELEPHONE_EVENT_BYTES) this.stats.malformed += 1
    let { timestamp } = packet
    for (let at = 0; at + TELEPHONE_EVENT_BYTES <= payload.length; at += TELEPHONE_EVENT_BYTES) {
      const duration = (payload[at + 2]! << 8) | payload[at + 3]!
      if (at > 0 && duration === 0) break
      const isEnd = (payload[at + 1]! & END_BIT) !== 0
      const event = payload[at]!
      this.#take({ ssrc, timestamp, sequenceNumber, marker, event, duration, isEnd }, clockRate)
      // RFC 4733 §2.5.1.5: a further event begins where the one before it in the packet has ended.
      timestamp = (timestamp + duration) >>> 0
    }
    return true
  }

  #take(report: Report, clockRate: number): void {
    const key = EVENT_KEYS[report.event]
    if (key === undefined) {
      this.stats.ignored += 1
      return
    }
    const known = this.#presses.findLastIndex((press) => isSamePress(press, report))
    const press = this.#presses[known]
    if (press !== undefined && !beginsAnew(press, report)) {
      this.#presses[known] = newer(press, report)
      return
    }
    const last = this.#presses.at(-1)
    this.#presses.push(report)
    if (this.#presses.length > REMEMBERED) this.#presses.shift()
    if (last !== undefined && goesOn(last, report, clockRate)) return
    this.stats.presses += 1
    this.#onDigit(key)
  }
}

function isSamePress(press: Report, { ssrc, timestamp, event }: Report): boolean {
  return press.timestamp === timestamp && press.event === event && press.ssrc === ssrc
}

/**
 * Whether a press begins that has the timestamp of the one before it: some senders let it stand
 * still where no audio is sent. Packets that were overtaken look alike, but for their sequence.
 */
function beginsAnew(press: Report, report: Report): boolean {
  const isShorter = report.duration < press.duration
  return press.isEnd && !report.isEnd && isShorter && newer(press, report) === report
}

/** The report that was sent later. */
function newer(press: Report, report: Report): Report {
  const steps = ((report.sequenceNumber - press.sequenceNumber) << 16) >> 16
  return steps > 0 ? report : press
}

/** Whether a report of another timestamp is about the press that was reported last. */
function goesOn(last: Report, report: Report, clockRate: number): boolean {
  const isOther = last.ssrc !== report.ssrc || last.event !== report.event
  if (isOther || report.marker || (last.isEnd && !report.isEnd)) return false
  const units = (report.timestamp - last.timestamp) | 0
  // RFC 4733 §2.5.1.3: a press too long for one duration is told in segments, which join.
  const slack = (SEGMENT_SLACK_MS * clockRate) / 1000
  const isNextSegment = units <= MAX_EVENT_DURATION && units >= MAX_EVENT_DURATION - slack
  if (isNextSegment && !last.isEnd) return true
  // Deviates from RFC 4733 §2.2.1: some gateways let the timestamp grow within a press, or give the
  // repeated ends new ones. Then the duration, which counts from the start, covers the step.
  const step = (report.sequenceNumber - last.sequenceNumber) & 0xffff
  const isNear = step >= 1 && step <= MAX_SEQUENCE_STEP
  return isNear && units > 0 && units <= report.duration && report.duration >= last.duration
}
