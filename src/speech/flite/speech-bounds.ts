export interface SpeechBounds {
  /** First sample that belongs to speech. */
  readonly start: number
  /** First sample behind it. */
  readonly end: number
}

const WINDOW_SECONDS = 0.005
/** 42 dB below the loudest sample: under every consonant of these voices, above their noise. */
const THRESHOLD = 1 / 128
/** Consonants rise and fall below the threshold. */
const ONSET_SECONDS = 0.025
const RELEASE_SECONDS = 0.03

/** Finds where speech is in `samples`, mono, shape (n); both bounds are 0 if there is none. */
export function findSpeech(samples: Int16Array, sampleRate: number): SpeechBounds {
  const threshold = Math.max(1, peakOf(samples, 0, samples.length) * THRESHOLD)
  const window = Math.max(1, Math.round(sampleRate * WINDOW_SECONDS))
  let first = samples.length
  let last = 0
  for (let from = 0; from < samples.length; from += window) {
    const to = Math.min(from + window, samples.length)
    if (peakOf(samples, from, to) <= threshold) continue
    first = Math.min(first, from)
    last = to
  }
  if (last === 0) return { start: 0, end: 0 }
  return {
    start: Math.max(0, first - Math.round(sampleRate * ONSET_SECONDS)),
    end: Math.min(samples.length, last + Math.round(sampleRate * RELEASE_SECONDS)),
  }
}

function peakOf(samples: Int16Array, from: number, to: number): number {
  let peak = 0
  for (let i = from; i < to; i += 1) peak = Math.max(peak, Math.abs(samples[i] ?? 0))
  return peak
}
