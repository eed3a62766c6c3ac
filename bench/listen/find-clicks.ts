/** A click stands out of the sharpest sounds around it by this factor. */
const OUTSTANDING = 9
/** And is no smaller than this, of 32,768. */
const MIN_STEP = 1_200
const AROUND_MS = 12
/** What belongs to the click itself. */
const WITHIN_MS = 0.7
/** Silence that is too short for a pause and too exact for a voice. */
const GAP_MS = { from: 4, to: 60 }
const LOUD = 1_500

export interface Findings {
  /** Where the waveform jumps, in milliseconds. */
  readonly clicksMs: number[]
  /** Where loud sound stops dead and goes on, in milliseconds. */
  readonly gapsMs: number[]
}

/**
 * Finds what an ear would: jumps that the sound around them does not explain, and holes. Both are
 * looked for in the second difference, in which speech is small and a jump is not.
 */
export function findClicks(samples: Int16Array, sampleRate: number): Findings {
  const sharpness = Float32Array.from(samples, (_, i) =>
    i < 2 ? 0 : Math.abs(samples[i]! - 2 * samples[i - 1]! + samples[i - 2]!),
  )
  const around = Math.round((AROUND_MS * sampleRate) / 1000)
  const within = Math.max(3, Math.round((WITHIN_MS * sampleRate) / 1000))
  const clicksMs: number[] = []
  for (let i = 2; i < samples.length; i += 1) {
    if (sharpness[i]! < MIN_STEP) continue
    let neighbour = 0
    for (let k = Math.max(0, i - around); k < Math.min(samples.length, i + around); k += 1) {
      if (Math.abs(k - i) > within) neighbour = Math.max(neighbour, sharpness[k]!)
    }
    if (sharpness[i]! > OUTSTANDING * neighbour) {
      clicksMs.push((i * 1000) / sampleRate)
      i += around
    }
  }
  return { clicksMs, gapsMs: findGaps(samples, sampleRate) }
}

function findGaps(samples: Int16Array, sampleRate: number): number[] {
  const perMs = sampleRate / 1000
  const gaps: number[] = []
  let zeros = 0
  for (const [i, sample] of samples.entries()) {
    if (sample === 0) {
      zeros += 1
      continue
    }
    const ms = zeros / perMs
    if (ms >= GAP_MS.from && ms <= GAP_MS.to) {
      const before = samples.subarray(Math.max(0, i - zeros - perMs), i - zeros)
      const isCut = before.some((value) => Math.abs(value) > LOUD) && Math.abs(sample) > LOUD
      if (isCut) gaps.push((i - zeros) / perMs)
    }
    zeros = 0
  }
  return gaps
}
