/**
 * How soon and how fast the built-in voice speaks:
 *
 *    bun bench/tts.ts [workers]
 *
 * "First audio" is from `push` to the first `onAudio`, for an ordinary sentence; "real time" is
 * seconds of work for a second of speech.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskCache } from '#core/disk-cache.ts'
import { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import type { Synthesizer } from '#speech/tts.ts'
import { withCache } from '#speech/tts-cache.ts'
import { median, quantile } from './support/statistics.ts'

const SAMPLE_RATE = 8000
const ROUNDS = 30
const CALLS = 20
const SENTENCE = 'Please hold the line while I connect you to the next agent.'
const REPLY =
  'Thank you, I have found your order. It was sent on Monday, and it should arrive by ' +
  'Thursday at the latest. Shall I send you the tracking number, or is there anything else?'

interface Spoken {
  readonly firstAudioMs: number
  readonly totalMs: number
  readonly audioMs: number
}

function speak(synthesizer: Synthesizer, text: string, speaker: string): Promise<Spoken> {
  const { promise, resolve, reject } = Promise.withResolvers<Spoken>()
  const startMs = performance.now()
  let firstAudioMs: number | undefined
  let samplesHeard = 0
  const synthesis = synthesizer.open(
    { sampleRate: SAMPLE_RATE, speaker },
    {
      onClause() {},
      onAudio(samples) {
        firstAudioMs ??= performance.now() - startMs
        samplesHeard += samples.length
      },
      onEnd: () =>
        resolve({
          firstAudioMs: firstAudioMs ?? Number.NaN,
          totalMs: performance.now() - startMs,
          audioMs: (samplesHeard / SAMPLE_RATE) * 1000,
        }),
      onError: reject,
    },
  )
  synthesis.push(text)
  synthesis.finish()
  return promise
}

function print(name: string, spoken: readonly Spoken[], wallMs?: number): void {
  const first = spoken.map(({ firstAudioMs }) => firstAudioMs)
  const sum = (pick: (one: Spoken) => number) => spoken.reduce((total, one) => total + pick(one), 0)
  const workMs = wallMs ?? sum(({ totalMs }) => totalMs)
  const factor = workMs / sum(({ audioMs }) => audioMs)
  console.log(
    `${name.padEnd(34)} first audio p50 ${median(first).toFixed(1).padStart(6)} ms` +
      `  p95 ${quantile(first, 0.95).toFixed(1).padStart(6)} ms  real time × ${factor.toFixed(4)}`,
  )
}

async function repeat(synthesizer: Synthesizer, text: string, speaker: string): Promise<Spoken[]> {
  const spoken: Spoken[] = []
  for (let i = 0; i < ROUNDS; i += 1) spoken.push(await speak(synthesizer, text, speaker))
  return spoken
}

const workers = Number(process.argv[2] ?? 1)
const startMs = performance.now()
const flite = new FliteSynthesizer({ workers })
await flite.ready
console.log(`${workers} Worker(s), loaded in ${(performance.now() - startMs).toFixed(0)} ms`)
console.log(`rss ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)

for (const speaker of flite.speakers) {
  print(`${speaker}, one sentence`, await repeat(flite, SENTENCE, speaker))
}
print('slt, a reply of three sentences', await repeat(flite, REPLY, 'slt'))

for (const speaker of ['slt', 'kal16']) {
  const spoken: Spoken[] = []
  let wallMs = 0
  for (let round = 0; round < 3; round += 1) {
    const roundAtMs = performance.now()
    const calls = Array.from({ length: CALLS }, () => speak(flite, REPLY, speaker))
    spoken.push(...(await Promise.all(calls)))
    wallMs += performance.now() - roundAtMs
  }
  print(`${speaker}, ${CALLS} replies at once`, spoken, wallMs)
}

const directory = await mkdtemp(join(tmpdir(), 'bunpbx-bench-'))
const cached = withCache(flite, new DiskCache(directory, 100_000_000))
await speak(cached, REPLY, 'slt')
await Bun.sleep(100)
print('a reply from the cache', await repeat(cached, REPLY, 'slt'))
const atMs = performance.now()
const hits = await Promise.all(Array.from({ length: CALLS }, () => speak(cached, REPLY, 'slt')))
print(`${CALLS} replies from the cache at once`, hits, performance.now() - atMs)

console.log(`rss ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)
await flite.close()
await rm(directory, { recursive: true })
