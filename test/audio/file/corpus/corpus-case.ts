/** What must be heard: a sine, and nothing else. */
export interface ExpectedTone {
  readonly sampleRate: number
  readonly seconds: number
  /** How much longer it may be: what an encoder pads, or whose loss the damage explains. */
  readonly slackSeconds?: number
  /** -18.06 dBFS, which is the sine of ffmpeg, unless said. */
  readonly levelDb?: number
  /** How far everything else is below the tone; 40 dB unless said. */
  readonly residueDb?: number
  /** The part of the file that is looked at, in seconds; all but the first and last 50 ms unless said. */
  readonly within?: readonly [from: number, to: number]
}

/** A file, and what becomes of it: sound, or an error whose message holds a text. */
export interface CorpusCase {
  readonly name: string
  readonly bytes: Uint8Array
  readonly expected: ExpectedTone | { readonly error: string }
  /** Why what ffmpeg makes of it differs. */
  readonly unlikeFfmpeg?: string
  /** There is damage in it that may be heard. */
  readonly isDamaged?: boolean
}

export const TONE_HZ = 440
export const TONE_DB = 20 * Math.log10(1 / 8)
/** What ffmpeg makes of one channel in two. */
export const STEREO_DB = TONE_DB - 3.01

/** A sine of 440 Hz with a peak of 1/8, like that of ffmpeg. */
export function tone(seconds: number, sampleRate: number): Float64Array {
  const step = (2 * Math.PI * TONE_HZ) / sampleRate
  return Float64Array.from({ length: seconds * sampleRate }, (_, i) => Math.sin(step * i) / 8)
}

/** Noise that is the same each time, from -1 to 1. */
export function noise(length: number): Float64Array {
  let state = 1
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    return state / 2 ** 31
  })
}
