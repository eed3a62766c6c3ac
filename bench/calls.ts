/**
 * What a call costs: N `/call` PCMU calls that send speech, run voice activity detection, dump their
 * events and play for half of the time. The server has one processor, this program the other.
 *
 *   bun bench/calls.ts [CALLS …]        default 50 100 200
 */
import { Caller } from './support/caller.ts'
import { LOAD_CPU, pinned, startServer } from './support/server.ts'
import { speechFrames } from './support/speech.ts'
import { frameLateness, median, quantile } from './support/statistics.ts'

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 20)
const WARM_UP_MS = 4_000
const FRAME_MS = 20

/** Sends a 20 ms frame of speech on every call, spread over the 20 ms, on absolute deadlines. */
function startSpeaking(callers: readonly Caller[], frames: readonly Uint8Array[]): () => void {
  const start = performance.now()
  let step = 0
  const perStep = Math.ceil(callers.length / FRAME_MS)
  const timer = setInterval(() => {
    const due = Math.floor(performance.now() - start)
    for (; step < due; step += 1) {
      const first = (step % FRAME_MS) * perStep
      const turn = Math.floor(step / FRAME_MS)
      for (let i = first; i < Math.min(first + perStep, callers.length); i += 1) {
        callers[i]!.sendAudio(frames[(turn + i * 37) % frames.length]!)
      }
    }
  }, 1)
  return () => clearInterval(timer)
}

/** Plays two seconds of a file, two seconds of silence, and so on; gives the arrival grids. */
function startPlaying(caller: Caller, index: number): { plays: number[][]; stop: () => void } {
  const plays: number[][] = []
  const play = () => {
    if (caller.arrivals.length > 0) plays.push(caller.arrivals)
    caller.arrivals = []
    caller.send({ command: 'play', url: 'two-seconds.wav' })
  }
  let timer: ReturnType<typeof setInterval> | undefined
  const first = setTimeout(
    () => {
      play()
      timer = setInterval(play, 4_000)
    },
    ((index * 4_000) / 200) % 4_000,
  )
  return {
    plays,
    stop: () => {
      clearTimeout(first)
      clearInterval(timer)
    },
  }
}

async function measure(count: number, frames: readonly Uint8Array[]): Promise<void> {
  const media = `${import.meta.dir}/fixtures`
  await using server = await startServer({ MEDIA_DIR: media })
  await Bun.sleep(1_000)
  const idleRss = await server.rssBytes()
  const callers: Caller[] = []
  for (let i = 0; i < count; i += 1) {
    const caller = await Caller.connect(server.url)
    await caller.invite({ codec: 'pcmu' })
    callers.push(caller)
  }
  const stopSpeaking = startSpeaking(callers, frames)
  const players = callers.map(startPlaying)
  await Bun.sleep(WARM_UP_MS)
  for (const { plays } of players) plays.length = 0

  const cpuBefore = await server.cpuSeconds()
  const loadBefore = process.cpuUsage()
  const started = performance.now()
  const roundTrips: number[] = []
  while (performance.now() - started < SECONDS * 1_000) {
    const caller = callers[roundTrips.length % count]!
    const sent = performance.now()
    const event = caller.next('addHistory')
    caller.send({ command: 'history', speaker: 'bench', text: 'x' })
    await event
    roundTrips.push(performance.now() - sent)
    await Bun.sleep(20)
  }
  const elapsed = (performance.now() - started) / 1_000
  const cpu = ((await server.cpuSeconds()) - cpuBefore) / elapsed
  const load = process.cpuUsage(loadBefore)
  const rss = await server.rssBytes()
  const lateness = players.flatMap(({ plays }) => plays.flatMap(frameLateness))
  const interrupts = await measureInterrupts(callers.slice(0, 50))
  stopSpeaking()
  for (const player of players) player.stop()
  await Promise.all(callers.map((caller) => caller.hangup()))

  const row = {
    calls: count,
    'cpu %': (cpu * 100).toFixed(1),
    'cpu % per call': ((cpu * 100) / count).toFixed(3),
    'rss MB per call': ((rss - idleRss) / count / 1e6).toFixed(3),
    'rss MB': (rss / 1e6).toFixed(0),
    'late p50 ms': median(lateness).toFixed(2),
    'late p99 ms': quantile(lateness, 0.99).toFixed(2),
    'late max ms': quantile(lateness, 1).toFixed(1),
    'event p50 ms': median(roundTrips).toFixed(2),
    'event p99 ms': quantile(roundTrips, 0.99).toFixed(2),
    'silent p50 ms': median(interrupts).toFixed(1),
    'silent p95 ms': quantile(interrupts, 0.95).toFixed(1),
    frames: lateness.length,
    'load cpu %': ((load.user + load.system) / 1e4 / elapsed).toFixed(0),
  }
  console.table([row])
}

/** From `interrupt` to the last frame that still arrives, in milliseconds; 0 when none does. */
async function measureInterrupts(callers: readonly Caller[]): Promise<number[]> {
  const results: number[] = []
  for (const caller of callers) {
    const started = caller.next('trackStart')
    caller.send({ command: 'play', url: 'two-seconds.wav', playId: 'interrupt-me' })
    await started
    await Bun.sleep(300 + Math.random() * 20)
    caller.arrivals = []
    const sent = performance.now()
    const ended = caller.next('interruption')
    caller.send({ command: 'interrupt' })
    await ended
    await Bun.sleep(60)
    const after = caller.arrivals.filter((atMs) => atMs >= sent)
    results.push(after.length === 0 ? 0 : after.at(-1)! - sent)
  }
  return results
}

if (process.argv[2] === '--pinned') {
  const counts = process.argv.slice(3).map(Number)
  const frames = await speechFrames('pcmu')
  for (const count of counts) await measure(count, frames)
  process.exit(0)
}
const counts = process.argv.slice(2)
const command = pinned(
  LOAD_CPU,
  process.execPath,
  import.meta.path,
  '--pinned',
  ...(counts.length > 0 ? counts : ['50', '100', '200']),
)
process.exit(await Bun.spawn(command, { stdout: 'inherit', stderr: 'inherit' }).exited)
