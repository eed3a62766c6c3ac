/**
 * How fast a single call is, from the wire: set-up, `tts` and `play` to first audio, calls per
 * second, and ten thousand calls one after the other with the memory they leave.
 *
 *   bun bench/latency.ts
 */
import { Caller } from './support/caller.ts'
import { LOAD_CPU, pinned, type ServerUnderTest, startServer } from './support/server.ts'
import { median, quantile } from './support/statistics.ts'

const CALLS = Number(process.env['BENCH_CALLS'] ?? 10_000)

const show = (name: string, values: readonly number[]) =>
  console.log(
    `${name.padEnd(44)} median ${median(values).toFixed(1)} ms, p95 ${quantile(values, 0.95).toFixed(1)} ms, n ${values.length}`,
  )

/** From a command to the first frame that arrives, in milliseconds. */
async function firstAudio(caller: Caller, command: Record<string, unknown>): Promise<number> {
  caller.arrivals = []
  const ended = caller.next('trackEnd')
  const sent = performance.now()
  caller.send(command)
  while (caller.arrivals.length === 0) await Bun.sleep(1)
  const elapsed = caller.arrivals[0]! - sent
  caller.send({ command: 'interrupt' })
  await ended
  // Lets the synthesizer end the clause that it is at, so that the next one finds it idle.
  await Bun.sleep(150)
  return elapsed
}

async function measureFirstAudio(server: ServerUnderTest): Promise<void> {
  for (const codec of ['pcm', 'pcmu']) {
    const caller = await Caller.connect(server.url)
    await caller.invite({ codec })
    await firstAudio(caller, { command: 'tts', text: 'Warm up.' })
    const fresh: number[] = []
    const cached: number[] = []
    const files: number[] = []
    for (let i = 0; i < 40; i += 1) {
      const text = `Thank you for calling, your number is ${i} thousand and ${i * 7}. How can I help you today?`
      fresh.push(await firstAudio(caller, { command: 'tts', text }))
    }
    const text = 'This sentence has been said before.'
    const completed = caller.next('trackEnd')
    caller.send({ command: 'tts', text })
    await completed
    for (let i = 0; i < 40; i += 1) cached.push(await firstAudio(caller, { command: 'tts', text }))
    for (let i = 0; i < 40; i += 1) {
      files.push(await firstAudio(caller, { command: 'play', url: 'two-seconds.wav' }))
    }
    show(`tts to first audio, ${codec}`, fresh)
    show(`tts to first audio, ${codec}, cached`, cached)
    show(`play to first audio, ${codec}, wav`, files)
    await caller.hangup()
  }
}

async function oneCall(url: string): Promise<void> {
  const caller = await Caller.connect(url)
  await caller.invite({ codec: 'pcmu' })
  await caller.hangup()
}

async function measureSetUp(server: ServerUnderTest): Promise<void> {
  const times: number[] = []
  for (let i = 0; i < 200; i += 1) {
    const started = performance.now()
    const caller = await Caller.connect(server.url)
    await caller.invite({ codec: 'pcmu' })
    times.push(performance.now() - started)
    await caller.hangup()
  }
  show('connect to answer', times)
}

/** Calls in sequence, 20 at a time; memory after each tenth. */
async function measureManyCalls(server: ServerUnderTest): Promise<void> {
  const started = performance.now()
  let left = CALLS
  let done = 0
  const rss: string[] = []
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      while (left > 0) {
        left -= 1
        await oneCall(server.url)
        done += 1
        if (done % (CALLS / 10) === 0) rss.push(((await server.rssBytes()) / 1e6).toFixed(0))
      }
    }),
  )
  const perSecond = CALLS / ((performance.now() - started) / 1_000)
  console.log(`${CALLS} calls, 20 at a time: ${perSecond.toFixed(0)} calls/s set up and torn down`)
  console.log(`rss in MB after each tenth: ${rss.join(' ')}`)
  console.log(`active calls afterwards: ${await server.metric('bunpbx_active_calls')}`)
}

if (process.argv[2] === '--pinned') {
  await using server = await startServer({ MEDIA_DIR: `${import.meta.dir}/fixtures` })
  await Bun.sleep(1_000)
  await measureSetUp(server)
  await measureFirstAudio(server)
  await measureManyCalls(server)
} else {
  const command = pinned(LOAD_CPU, process.execPath, import.meta.path, '--pinned')
  process.exit(await Bun.spawn(command, { stdout: 'inherit', stderr: 'inherit' }).exited)
}
