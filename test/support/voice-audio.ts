import type { AudioFrame } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'

/** "Go forward ten meters", 2.8 s, from about 0.45 to 2.25 s; made from the 16 kHz recording. */
export async function readSpeech(sampleRate: number): Promise<Int16Array> {
  const file = Bun.file(new URL('../fixtures/vad/goforward-16k.s16le', import.meta.url))
  const speech = new Int16Array(await file.arrayBuffer())
  const resampler = new Resampler(16_000, sampleRate)
  if (sampleRate === 16_000) return speech
  return join(Int16Array.from(resampler.resample(speech)), resampler.flush())
}

/** `seconds` of audio from a function of time, at a level below full scale in decibels. */
export function synthesize(
  sampleRate: number,
  seconds: number,
  { db, wave }: { readonly db: number; readonly wave: (second: number) => number },
): Int16Array {
  const gain = 32_767 * 10 ** (db / 20)
  return Int16Array.from({ length: sampleRate * seconds }, (_, i) =>
    Math.round(gain * wave(i / sampleRate)),
  )
}

/** A xorshift generator, -1 to 1: the same noise in every run. */
export function whiteNoise(): () => number {
  let state = 0x2545f491
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}

export const tone = (frequency: number) => (second: number) =>
  Math.sin(2 * Math.PI * frequency * second)

export function join(...parts: readonly Int16Array[]): Int16Array {
  const joined = new Int16Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Frames of `sizes` samples in turn, 20 ms by default, all in one buffer that is lent. */
export function* framesOf(
  samples: Int16Array,
  sampleRate: number,
  sizes: readonly number[] = [sampleRate / 50],
): Generator<AudioFrame> {
  const lent = new Int16Array(Math.max(...sizes))
  for (let position = 0, turn = 0; ; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    if (position + size > samples.length) return
    lent.set(samples.subarray(position, position + size))
    yield { samples: lent.subarray(0, size), sampleRate, position }
    position += size
  }
}
