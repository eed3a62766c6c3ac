import { CORPUS_RATE, type Track } from './voice-corpus.ts'

export const NOISES = ['white', 'pink', 'babble', 'street'] as const
export type Noise = (typeof NOISES)[number]

/** Voices of the babble, each a recording backwards. */
const BABBLE_VOICES = 8

/** A xorshift generator, -1 to 1: the same numbers in every run. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}

/** `length` samples of noise at 16 kHz of mean power 1. */
export function makeNoise(noise: Noise, length: number, recordings: readonly Track[]) {
  const random = seededRandom(0x2545f491)
  const samples = generate(noise, length, random, recordings)
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / length
  return samples.map((sample) => sample / Math.sqrt(power))
}

function generate(
  noise: Noise,
  length: number,
  random: () => number,
  recordings: readonly Track[],
): Float64Array {
  switch (noise) {
    case 'white':
      return Float64Array.from({ length }, random)
    case 'pink':
      return pinkNoise(length, random)
    case 'babble':
      return babble(length, random, recordings)
    case 'street':
      return streetNoise(length, random)
  }
}

/** Three leaky sums of white noise, an octave and more apart, fall by about 3 dB per octave. */
function pinkNoise(length: number, random: () => number): Float64Array {
  let [low, middle, high] = [0, 0, 0]
  return Float64Array.from({ length }, () => {
    const white = random()
    low = 0.997 * low + 0.1 * white
    middle = 0.96 * middle + 0.3 * white
    high = 0.57 * high + white
    return low + middle + high + 0.2 * white
  })
}

/** Eight voices at a time, all backwards, so that nothing is said. */
function babble(length: number, random: () => number, recordings: readonly Track[]): Float64Array {
  const out = new Float64Array(length)
  for (let voice = 0; voice < BABBLE_VOICES; voice += 1) {
    let pick = Math.floor(Math.abs(random()) * recordings.length)
    for (let at = -Math.floor(Math.abs(random()) * CORPUS_RATE * 3); at < length; pick += 1) {
      const samples = recordings[pick % recordings.length]?.samples ?? out
      for (let i = 0; i < samples.length && at + i < length; i += 1) {
        if (at + i >= 0) out[at + i] = (out[at + i] ?? 0) + (samples[samples.length - 1 - i] ?? 0)
      }
      at += samples.length
    }
  }
  return out
}

/** A low rumble that never ends, and a vehicle every 3 s or so that comes and goes within 2. */
function streetNoise(length: number, random: () => number): Float64Array {
  let [rumble, passing] = [0, 0]
  let passingAt = 0
  return Float64Array.from({ length }, (_, i) => {
    if (i > passingAt + 2 * CORPUS_RATE) passingAt = i + Math.abs(random()) * 2 * CORPUS_RATE
    const distance = Math.abs(i - passingAt) / CORPUS_RATE
    rumble = 0.98 * rumble + 0.02 * random()
    passing = 0.9 * passing + 0.1 * random()
    return rumble + 1.5 * passing * Math.max(0, 1 - distance) ** 2
  })
}
