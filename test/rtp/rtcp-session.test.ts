import { describe, expect, test } from 'bun:test'
import { formatRtcp } from '#rtp/format-rtcp.ts'
import { JitterBuffer } from '#rtp/jitter-buffer.ts'
import { parseRtcp } from '#rtp/parse-rtcp.ts'
import { ReceptionReport } from '#rtp/reception-report.ts'
import type { RtcpPacket } from '#rtp/rtcp-packet.ts'
import { RtcpSession } from '#rtp/rtcp-session.ts'
import { parseRtpPacket } from '#rtp/rtp-packet.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'

const EPOCH_MS = Date.UTC(2026, 0, 1)
/** Seconds from 1900 to 2026. */
const NTP_2026 = EPOCH_MS / 1000 + 2_208_988_800

interface End {
  readonly writer: RtpWriter
  readonly buffer: JitterBuffer
  readonly session: RtcpSession
}

function createEnd(ssrc: number, epochMs = EPOCH_MS): End {
  const writer = new RtpWriter({ clockRate: 8000, ssrc, timestamp: 1000 })
  const buffer = new JitterBuffer(8000)
  const session = new RtcpSession({
    sent: writer,
    received: buffer,
    cname: `end-${ssrc}`,
    epochMs,
    random: () => 0.5,
  })
  return { writer, buffer, session }
}

interface TalkOptions {
  readonly fromMs?: number
  readonly untilMs: number
  readonly delayMs?: number
  readonly isLost?: (index: number) => boolean
  readonly isSending?: boolean
}

interface Arrival {
  readonly atMs: number
  readonly take: () => void
}

/** One end talks to the other, a packet per 20 ms; both exchange reports, which travel as long. */
function talk(from: End, to: End, options: TalkOptions): RtcpPacket[][] {
  const { fromMs = 0, untilMs, delayMs = 0, isLost = () => false, isSending = true } = options
  const compounds: RtcpPacket[][] = []
  let arrivals: Arrival[] = []
  const exchange = (sender: End, receiver: End, nowMs: number): void => {
    const bytes = sender.session.poll(nowMs)
    if (bytes === undefined) return
    if (sender === from) compounds.push(parseRtcp(bytes)!)
    const atMs = nowMs + delayMs
    arrivals.push({ atMs, take: () => receiver.session.receive(bytes, atMs) })
  }
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 20) {
    if (isSending) {
      const bytes = from.writer.view(from.writer.write(0, 160)).slice()
      const atMs = nowMs + delayMs
      const take = () => to.buffer.receive(parseRtpPacket(bytes, atMs)!)
      if (!isLost(nowMs / 20)) arrivals.push({ atMs, take })
    }
    for (const { atMs, take } of arrivals) if (atMs <= nowMs) take()
    arrivals = arrivals.filter(({ atMs }) => atMs > nowMs)
    exchange(from, to, nowMs)
    exchange(to, from, nowMs)
    from.writer.advance(20)
    to.writer.advance(20)
  }
  for (const { take } of arrivals) take()
  return compounds
}

describe('RtcpSession', () => {
  test('reports after 2.5 s, and then every 5 s', () => {
    const { session } = createEnd(1)
    const sentMs: number[] = []
    for (let nowMs = 1000; nowMs < 20_000; nowMs += 20) {
      if (session.poll(nowMs) !== undefined) sentMs.push(nowMs)
    }
    expect(sentMs).toEqual([3500, 8500, 13_500, 18_500])
  })

  test('spreads its reports by half of the interval either way', () => {
    const { writer, buffer } = createEnd(1)
    const session = new RtcpSession({ sent: writer, received: buffer, cname: 'x', epochMs: 0 })
    const sentMs: number[] = []
    for (let nowMs = 0; nowMs < 2_000_000; nowMs += 20) {
      if (session.poll(nowMs) !== undefined) sentMs.push(nowMs)
    }
    const gaps = sentMs.slice(1).map((atMs, i) => atMs - sentMs[i]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2500)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(7520)
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(3500)
  })

  test('tells what was sent, by two clocks, and under which name', () => {
    const [near, far] = [createEnd(1), createEnd(2)]
    const [first] = talk(near, far, { untilMs: 3000 })
    expect(first).toEqual([
      {
        type: 'senderReport',
        ssrc: 1,
        ntpSeconds: NTP_2026 + 2,
        ntpFraction: 0x80000000,
        timestamp: 1000 + 2500 * 8,
        packets: 126,
        payloadBytes: 126 * 160,
        reports: [],
      },
      { type: 'sourceDescription', sources: [{ ssrc: 1, cname: 'end-1' }] },
    ])
  })

  test('sends a receiver report when it has sent nothing', () => {
    const [near, far] = [createEnd(1), createEnd(2)]
    talk(near, far, { untilMs: 2400 })
    const compounds = talk(far, near, { fromMs: 2400, untilMs: 8000, isSending: false })
    expect(compounds.map(([report]) => report?.type)).toEqual(['receiverReport', 'receiverReport'])
    expect(compounds[0]?.[0]).toMatchObject({ reports: [{ ssrc: 1, cumulativeLost: 0 }] })
    expect(compounds[1]?.[0]).toMatchObject({ reports: [] })
  })

  test('sends a receiver report again when it has stopped to send', () => {
    const [near, far] = [createEnd(1), createEnd(2)]
    talk(near, far, { untilMs: 3000 })
    const compounds = talk(near, far, { fromMs: 3000, untilMs: 13_000, isSending: false })
    expect(compounds.map(([report]) => report?.type)).toEqual(['senderReport', 'receiverReport'])
  })

  test('answers sender reports of the stream that it receives, and no others', () => {
    const { buffer, session } = createEnd(1)
    const report = { ntpFraction: 0x80000000, timestamp: 0, packets: 1, payloadBytes: 1 } as const
    const hear = (ssrc: number, ntpSeconds: number): void => {
      const packet = { type: 'senderReport', ssrc, ntpSeconds, ...report, reports: [] } as const
      session.receive(formatRtcp([packet]), 1000)
    }
    const answer = (sequenceNumber: number) => {
      const payload = new Uint8Array(1)
      buffer.receive({ sequenceNumber, timestamp: 0, ssrc: 5, payload, arrivalMs: 0 })
      return parseRtcp(session.goodbye(3000))![0]
    }
    hear(6, 0x12345678)
    expect(answer(1)).toMatchObject({ reports: [{ lastSenderReport: 0, delaySinceLast: 0 }] })
    hear(5, 0x12345678)
    expect(answer(2)).toMatchObject({
      reports: [{ lastSenderReport: 0x56788000, delaySinceLast: 2 * 65_536 }],
    })
  })

  test('begins its counts anew when the stream of an SSRC does', () => {
    const received = { ssrc: 5, clockRate: 8000, highestSequence: 9, jitter: 0 }
    const report = new ReceptionReport({
      ...received,
      get expected() {
        return counts.expected
      },
      get arrived() {
        return counts.arrived
      },
    })
    let counts = { expected: 10, arrived: 8 }
    expect(report.next(0)).toMatchObject({ fractionLost: 51, cumulativeLost: 2 })
    counts = { expected: 4, arrived: 3 }
    expect(report.next(0)).toMatchObject({ fractionLost: 64, cumulativeLost: 1 })
    expect(report.next(0)).toBeUndefined()
    expect(report.lost).toBe(3)
    expect(report.lossShare).toBeCloseTo(3 / 14)
  })

  test('measures the round trip, though the clocks of the ends differ', () => {
    const [near, far] = [createEnd(1), createEnd(2, EPOCH_MS + 7_654_321)]
    talk(near, far, { untilMs: 20_000, delayMs: 60 })
    expect(near.session.stats.roundTripMs).toBeCloseTo(120, 0)
  })

  test('knows the losses of both ways, in all and at present', () => {
    const [near, far] = [createEnd(1), createEnd(2)]
    const isLost = (index: number) => index > 200 && index % 4 === 0
    talk(near, far, { untilMs: 20_010, isLost })
    const lost = (1000 - 200) / 4 - 1
    expect(far.session.stats.lost).toBeWithin(lost, lost + 2)
    expect(far.session.stats.lossShare).toBeCloseTo(0.2, 2)
    expect(near.session.stats.remoteLossShare).toBeCloseTo(0.25, 1)
    expect(near.session.stats.remoteLost).toBeGreaterThan(140)
    expect(near.session.stats.lost).toBe(0)
  })

  test('tells the jitter in ms', () => {
    const { buffer, session } = createEnd(1)
    for (let i = 0; i < 200; i += 1) {
      const fields = { sequenceNumber: i, timestamp: 160 * i, ssrc: 5, payload: new Uint8Array(1) }
      buffer.receive({ ...fields, arrivalMs: 20 * i + (i % 2) * 10 })
    }
    expect(session.stats.jitterMs).toBeCloseTo(10, 0)
  })

  test('keeps its losses when another stream begins, and reports on that alone', () => {
    const [near, far] = [createEnd(1), createEnd(2)]
    talk(near, far, { untilMs: 2000, isLost: (index) => index >= 10 && index < 20 })
    expect(far.session.stats.lost).toBe(10)
    const other = createEnd(3)
    const buffer = new JitterBuffer(8000)
    far.session.follow(buffer)
    talk(other, { ...far, buffer }, { fromMs: 2000, untilMs: 4000 })
    expect(far.session.stats.lost).toBe(10)
    expect(far.session.stats.lossShare).toBeCloseTo(10 / 200, 2)
    expect(other.session.stats.remoteLost).toBe(0)
  })

  test('counts no loss where packets are duplicated', () => {
    const { buffer, session } = createEnd(1)
    for (const sequenceNumber of [0, 1, 1, 2]) {
      const fields = { sequenceNumber, timestamp: 160 * sequenceNumber, arrivalMs: 0 }
      buffer.receive({ ...fields, ssrc: 9, payload: new Uint8Array(1) })
    }
    const [report] = parseRtcp(session.goodbye(0))!
    expect(report).toMatchObject({ reports: [{ ssrc: 9, fractionLost: 0, cumulativeLost: -1 }] })
    expect(session.stats).toMatchObject({ lost: 0, lossShare: 0 })
  })

  test('says goodbye, and hears it', () => {
    const [near, far] = [createEnd(1), createEnd(2)]
    expect(far.session.hasLeft).toBe(false)
    const bytes = near.session.goodbye(100, 'hangup')
    expect(parseRtcp(bytes)?.map(({ type }) => type)).toEqual([
      'receiverReport',
      'sourceDescription',
      'goodbye',
    ])
    far.session.receive(bytes, 130)
    expect(far.session.hasLeft).toBe(true)
  })

  test('believes no reports about others, and none that come before they were sent', () => {
    const { session } = createEnd(1)
    const block = { fractionLost: 9, cumulativeLost: 9, highestSequence: 1, jitter: 80 }
    const receive = (ssrc: number, lastSenderReport: number): void => {
      const reports = [{ ...block, ssrc, lastSenderReport, delaySinceLast: 0 }]
      session.receive(formatRtcp([{ type: 'receiverReport', ssrc: 2, reports }]), 1000)
    }
    receive(77, 0)
    expect(session.stats.remoteLost).toBeUndefined()
    receive(1, 12_345)
    expect(session.stats).toMatchObject({ remoteLost: 9, remoteJitterMs: 10 })
    expect(session.stats.roundTripMs).toBeUndefined()
    session.receive(new Uint8Array(9), 1000)
    expect(session.stats).toMatchObject({ compoundsReceived: 2, malformed: 1 })
  })
})
