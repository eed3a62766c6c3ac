/**
 * What a packet costs on its way between socket and codec: `bun bench/rtp.ts`.
 *
 * Microseconds of processor time per packet, with 100 streams in turn: medians of nine rounds of
 * 20,000 packets, PCMU (160 bytes) and Opus (48 to 83 bytes, no two lengths in a row the same). And
 * bytes per packet: how much the process grows when it may not collect garbage, in a process of its
 * own. Receiving does not count the datagram itself.
 */
import { RtpReader } from '#rtp/rtp-packet.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { createSdesKey } from '#rtp/srtp/sdes.ts'
import { SrtpContext } from '#rtp/srtp/srtp-context.ts'
import { SRTP_PROFILES, type SrtpProfile } from '#rtp/srtp/srtp-profile.ts'
import { bytesWithoutCollector } from './support/frame-cost.ts'
import { markdownTable } from './support/markdown-table.ts'
import { median } from './support/statistics.ts'

const ROUNDS = 9
const STREAMS = 100
const PACKETS_PER_STREAM = 200
const PACKETS = STREAMS * PACKETS_PER_STREAM
const PAYLOAD_BYTES = { PCMU: [160], Opus: [55, 61, 70, 48, 83, 66, 59, 74] }
const PROFILES = Object.keys(SRTP_PROFILES) as SrtpProfile[]

/** Handles packet `turn` of stream `stream`. */
type Step = (stream: number, turn: number) => void

/** Makes what a round needs, which is not counted. */
type Prepare = (sizes: readonly number[]) => Step

function createWriters(): RtpWriter[] {
  return Array.from({ length: STREAMS }, (_, ssrc) => new RtpWriter({ clockRate: 8000, ssrc }))
}

/** All packets of a round, as `finish` leaves them. */
function createPackets(
  sizes: readonly number[],
  finish: (writer: RtpWriter, length: number, stream: number) => number,
): Uint8Array[][] {
  return createWriters().map((writer, stream) =>
    Array.from({ length: PACKETS_PER_STREAM }, (_, turn) => {
      const length = finish(writer, writer.write(0, sizes[turn % sizes.length]!), stream)
      return writer.view(length).slice()
    }),
  )
}

const prepareParse: Prepare = (sizes) => {
  const reader = new RtpReader()
  const packets = createPackets(sizes, (_, length) => length)
  return (stream, turn) => reader.read(packets[stream]![turn]!, turn)
}

const prepareWrite: Prepare = (sizes) => {
  const writers = createWriters()
  return (stream, turn) => {
    const writer = writers[stream]!
    writer.view(writer.write(0, sizes[turn % sizes.length]!))
    writer.advance(20)
  }
}

function prepareProtect(profile: SrtpProfile): Prepare {
  return (sizes) => {
    const writers = createWriters()
    const contexts = writers.map(() => new SrtpContext(createSdesKey(1, profile)))
    return (stream, turn) => {
      const writer = writers[stream]!
      const length = writer.write(0, sizes[turn % sizes.length]!)
      writer.view(contexts[stream]!.protectRtp(writer.buffer, length))
      writer.advance(20)
    }
  }
}

function prepareUnprotect(profile: SrtpProfile): Prepare {
  return (sizes) => {
    const keys = Array.from({ length: STREAMS }, () => createSdesKey(1, profile))
    const senders = keys.map((key) => new SrtpContext(key))
    const receivers = keys.map((key) => new SrtpContext(key))
    const reader = new RtpReader()
    const packets = createPackets(sizes, (writer, length, stream) =>
      senders[stream]!.protectRtp(writer.buffer, length),
    )
    return (stream, turn) => {
      const bytes = packets[stream]![turn]!
      const length = receivers[stream]!.unprotectRtp(bytes)
      if (reader.read(bytes, turn, length) === undefined) throw new Error('not opened')
    }
  }
}

const STEPS: Record<string, Prepare> = {
  parse: prepareParse,
  write: prepareWrite,
  ...Object.fromEntries(
    PROFILES.flatMap((profile) => [
      [`write, protect ${profile}`, prepareProtect(profile)],
      [`unprotect, parse ${profile}`, prepareUnprotect(profile)],
    ]),
  ),
}

function runRound(step: Step): void {
  for (let turn = 0; turn < PACKETS_PER_STREAM; turn += 1) {
    for (let stream = 0; stream < STREAMS; stream += 1) step(stream, turn)
  }
}

function microseconds(prepare: Prepare, sizes: readonly number[]): number {
  const costs: number[] = []
  for (let round = -2; round < ROUNDS; round += 1) {
    const step = prepare(sizes)
    const before = process.cpuUsage()
    runRound(step)
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) costs.push((user + system) / PACKETS)
  }
  return median(costs)
}

function bytesLeft(prepare: Prepare, sizes: readonly number[]): number {
  runRound(prepare(sizes))
  let grown = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const step = prepare(sizes)
    const before = process.memoryUsage().rss
    runRound(step)
    grown += process.memoryUsage().rss - before
  }
  return grown / (ROUNDS * PACKETS)
}

const [onlyStep, onlySizes] = process.argv.slice(2)
if (onlyStep === undefined) {
  const rows = Object.entries(STEPS).map(([name, prepare]) => [
    name,
    ...Object.values(PAYLOAD_BYTES).map((sizes) => microseconds(prepare, sizes).toFixed(2)),
    ...Object.keys(PAYLOAD_BYTES).map((codec) =>
      bytesWithoutCollector(import.meta.path, name, codec).toFixed(0),
    ),
  ])
  const header = ['step', 'PCMU, us', 'Opus, us', 'PCMU, bytes', 'Opus, bytes']
  console.log(markdownTable(header, rows))
} else {
  console.log(bytesLeft(STEPS[onlyStep]!, PAYLOAD_BYTES[onlySizes as 'PCMU' | 'Opus']))
}
