import { Resampler } from '#audio/resampler.ts'
import { saturate } from '#audio/saturate.ts'
import { WavReader } from '#audio/wav-reader.ts'
import type { FliteRequest } from './flite-request.ts'
import { findSpeech } from './speech-bounds.ts'
import { runWasiProgram } from './wasi-program.ts'

const OUTPUT_NAME = 'speech.wav'
/** Speech is cut out of silence that is not quite silent: this takes the click away. */
const FADE_SECONDS = 0.005

/** Speaks clauses one after the other. Blocks while it does; lives in a Worker. */
export class FliteEngine {
  readonly #module: WebAssembly.Module
  /** By the two rates; a handful at most. */
  readonly #resamplers = new Map<string, Resampler>()

  /** Compiles `wasm`, the program flite. */
  constructor(wasm: Uint8Array<ArrayBuffer>) {
    this.#module = new WebAssembly.Module(wasm)
  }

  /**
   * Gives the clause as mono samples at the asked rate, in a buffer of its own, with 25 ms before
   * the first sound and `pauseMs` after the last. Empty if flite makes no sound of it. Throws when
   * flite fails.
   */
  speak({
    text,
    speaker,
    stretch,
    gain,
    sampleRate,
    pauseMs,
  }: FliteRequest): Int16Array<ArrayBuffer> {
    const { files } = runWasiProgram(this.#module, [
      'flite',
      ...['-voice', speaker],
      ...['--setf', `duration_stretch=${stretch.toFixed(4)}`],
      // Taken as text whatever it looks like, even with a hyphen in front.
      ...['-t', text],
      ...['-o', OUTPUT_NAME],
    ])
    const wav = new WavReader()
    const spoken = wav.push(files.get(OUTPUT_NAME) ?? new Uint8Array(0))
    wav.flush()
    const rate = wav.format?.sampleRate ?? sampleRate
    const pauseSamples = Math.round((rate * pauseMs) / 1000)
    const cut = cutOut(spoken, rate, pauseSamples)
    return this.#convert(cut, rate, sampleRate, gain)
  }

  #convert(samples: Int16Array, fromRate: number, toRate: number, gain: number) {
    const converted = new Int16Array(Math.round((samples.length * toRate) / fromRate))
    if (fromRate === toRate) {
      amplify(samples, gain, converted)
      return converted
    }
    const resampler = this.#resampler(fromRate, toRate)
    const main = resampler.resample(samples)
    amplify(main, gain, converted)
    const behind = converted.subarray(main.length)
    amplify(resampler.flush(), gain, behind)
    return converted
  }

  #resampler(fromRate: number, toRate: number): Resampler {
    const key = `${fromRate}>${toRate}`
    const resampler = this.#resamplers.get(key) ?? new Resampler(fromRate, toRate)
    this.#resamplers.set(key, resampler)
    return resampler
  }
}

/** The speech in `samples` with its edges faded, and so much silence behind it. */
function cutOut(samples: Int16Array, sampleRate: number, pauseSamples: number): Int16Array {
  const { start, end } = findSpeech(samples, sampleRate)
  if (start === end) return new Int16Array(0)
  const cut = new Int16Array(end - start + pauseSamples)
  const fade = Math.round(sampleRate * FADE_SECONDS)
  for (let i = start; i < end; i += 1) {
    const weight = Math.min(1, (i - start) / fade, (end - i) / fade)
    cut[i - start] = Math.round((samples[i] ?? 0) * weight)
  }
  return cut
}

function amplify(samples: Int16Array, gain: number, target: Int16Array): void {
  for (let i = 0; i < samples.length; i += 1) {
    target[i] = saturate(Math.round((samples[i] ?? 0) * gain))
  }
}
