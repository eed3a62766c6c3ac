/**
 * What a call over RTP costs: `bun bench/rtp-session.ts`.
 *
 * N sessions in this process, N telephones in another, each sending and receiving 50 packets a second. A player
 * plays in every session. Printed: processor time of this process (user and system, all threads) per session and
 * second of call, how late the pacer was, and what was lost. Each row is the median of three runs of six seconds.
 */
import type { Codec } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { Pacer } from '#media/pacer.ts'
import { Player } from '#media/player.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { OwnRtpPort } from '#transport/rtp/own-rtp-port.ts'
import type { RtpPort } from '#transport/rtp/rtp-port.ts'
import { RtpSession } from '#transport/rtp/rtp-session.ts'
import { SharedRtpPort } from '#transport/rtp/shared-rtp-port.ts'
import { UdpPortPool } from '#transport/udp/udp-port-pool.ts'
import { UdpSocket } from '#transport/udp/udp-socket.ts'
import { median } from './support/statistics.ts'

const HOST = '127.0.0.1'
const RUN_MS = 6000
const WARM_UP_MS = 2000
const ROUNDS = 3
const PHASES = 10
const LOOP_MS = 1000

const CODECS: Record<string, Codec> = { pcmu, pcma, g722, opus: createOpusCodec(16_000) }

interface Setting {
  readonly sessions: number
  readonly codec: string
  readonly isShared: boolean
}

interface Result {
  readonly cpuMsPerSecond: number
  readonly meanLateMs: number
  readonly within5: number
  readonly within10: number
  readonly lostShare: number
  readonly rssMb: number
}

/** Payloads of one second of a tone. */
function tonePayloads(codec: Codec): Uint8Array[] {
  const tone = new ToneGenerator(codec.sampleRate, [{ frequencyHz: 440, levelDb: -10 }])
  const encoder = codec.createEncoder()
  const payload = new Uint8Array(codec.maxFrameBytes)
  return Array.from({ length: LOOP_MS / 20 }, () =>
    payload.slice(0, encoder.encode(tone.generate(20), payload)),
  )
}

/** The other process: telephones that say their ports, are told where to send to, and send. */
async function load(count: number, codec: Codec): Promise<void> {
  const phones = await Promise.all(
    Array.from({ length: count }, () => UdpSocket.open({ host: HOST, port: 0 }, () => {})),
  )
  const payloads = tonePayloads(codec)
  const writers = phones.map(() => new RtpWriter({ clockRate: codec.clockRate }))
  process.send?.(phones.map(({ port }) => port))
  process.on('message', start)
  function start(ports: readonly number[]): void {
    const startMs = performance.now()
    let slot = 0
    setInterval(() => {
      for (; slot * 2 <= performance.now() - startMs; slot += 1) {
        const payload = payloads[Math.floor(slot / PHASES) % payloads.length]!
        for (let i = slot % PHASES; i < count; i += PHASES) {
          const writer = writers[i]!
          writer.payload.set(payload)
          const length = writer.write(96, payload.length)
          phones[i]!.send(writer.view(length), ports[i]!, HOST)
          writer.advance(20)
        }
      }
    }, 2)
  }
}

/** Resolves with the next message of the other process. */
function createMailbox() {
  let waiting: ((message: unknown) => void) | undefined
  return {
    deliver: (message: unknown) => waiting?.(message),
    next: () =>
      new Promise((resolve) => {
        waiting = resolve
      }),
  }
}

async function openPorts({ sessions, isShared }: Setting): Promise<RtpPort[]> {
  if (isShared) {
    const shared = await SharedRtpPort.open({ host: HOST, port: 0 })
    return Array.from({ length: sessions }, () => shared.createChannel())
  }
  const pool = new UdpPortPool({ host: HOST, minPort: 20_000, maxPort: 29_999 })
  const opened = Array.from({ length: sessions }, async () => new OwnRtpPort(await pool.open()))
  return Promise.all(opened)
}

async function measure(setting: Setting): Promise<Result> {
  const codec = CODECS[setting.codec]!
  const mailbox = createMailbox()
  const first = mailbox.next()
  const other = Bun.spawn(
    ['bun', import.meta.path, 'load', String(setting.sessions), setting.codec],
    { ipc: mailbox.deliver, stdout: 'inherit', stderr: 'inherit' },
  )
  const phonePorts = (await first) as number[]
  const ports = await openPorts(setting)
  const pacer = new Pacer()
  const { sampleRate } = codec
  const loop = new ToneGenerator(sampleRate, [{ frequencyHz: 440, levelDb: -10 }]).generate(LOOP_MS)
  const sessions = ports.map((port, i) => {
    const session = new RtpSession(pacer, port, { sampleRate }, { onFrame() {} })
    session.configure({
      codec,
      payloadType: 96,
      ptimeMs: 20,
      remote: { address: HOST, port: phonePorts[i]! },
      direction: 'sendrecv',
    })
    session.answer()
    const player = new Player(pacer, sampleRate, (frame) => session.send(frame))
    player.start(loopPlayback(loop), { onEnd() {} })
    return { session, player }
  })
  other.send(ports.map(({ port }) => port))
  await Bun.sleep(WARM_UP_MS)
  const result = await observe(pacer, setting)
  const stats = sessions.map(({ session }) => session.stats)
  const lost = stats.reduce((sum, each) => sum + each.lost + each.late, 0)
  const came = stats.reduce((sum, each) => sum + each.packetsReceived, 0)
  for (const { player, session } of sessions) {
    player.close()
    session.close()
  }
  other.kill()
  await other.exited
  return { ...result, lostShare: lost / (came + lost) }
}

function loopPlayback(loop: Int16Array) {
  let at = 0
  return {
    isFinished: false,
    read(frame: Int16Array) {
      frame.set(loop.subarray(at, at + frame.length))
      at = (at + frame.length) % loop.length
      return frame.length
    },
    close() {},
  }
}

async function observe(pacer: Pacer, { sessions }: Setting): Promise<Omit<Result, 'lostShare'>> {
  const { lateness } = pacer
  const before = { sum: lateness.sum, count: lateness.count, cumulative: lateness.cumulative() }
  const usedBefore = process.cpuUsage()
  await Bun.sleep(RUN_MS)
  const used = process.cpuUsage(usedBefore)
  const count = lateness.count - before.count
  const within = (seconds: number) => {
    const bucket = lateness.bounds.indexOf(seconds)
    return (lateness.cumulative()[bucket]! - before.cumulative[bucket]!) / count
  }
  return {
    cpuMsPerSecond: (used.user + used.system) / RUN_MS / sessions,
    meanLateMs: ((lateness.sum - before.sum) * 1000) / count,
    within5: within(0.005),
    within10: within(0.01),
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  }
}

const SETTINGS: readonly Setting[] = [
  { sessions: 50, codec: 'pcmu', isShared: false },
  { sessions: 200, codec: 'pcmu', isShared: false },
  { sessions: 50, codec: 'pcmu', isShared: true },
  { sessions: 200, codec: 'pcmu', isShared: true },
  { sessions: 50, codec: 'g722', isShared: false },
  { sessions: 50, codec: 'opus', isShared: false },
]

async function main(): Promise<void> {
  console.log(
    '| sessions | codec | ports | CPU ms per s of call | late, mean | ≤ 5 ms | ≤ 10 ms | lost | RSS |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const setting of SETTINGS) {
    const results: Result[] = []
    for (let round = 0; round < ROUNDS; round += 1) results.push(await measure(setting))
    const of = (pick: (result: Result) => number) => median(results.map(pick))
    const percent = (share: number) => `${(share * 100).toFixed(2)} %`
    console.log(
      `| ${setting.sessions} | ${setting.codec} | ${setting.isShared ? 'one' : 'own'} ` +
        `| ${of((r) => r.cpuMsPerSecond).toFixed(2)} | ${of((r) => r.meanLateMs).toFixed(2)} ms ` +
        `| ${percent(of((r) => r.within5))} | ${percent(of((r) => r.within10))} ` +
        `| ${percent(of((r) => r.lostShare))} | ${of((r) => r.rssMb).toFixed(0)} MB |`,
    )
  }
}

const [mode, count, codec] = process.argv.slice(2)
if (mode === 'load') {
  await load(Number(count), CODECS[codec ?? ''] ?? pcmu)
} else {
  await main()
  process.exit()
}
