import { dtmfTones } from './dtmf.ts'
import { ToneGenerator } from './tone-generator.ts'

export interface DtmfTiming {
  /** How long each key sounds. */
  readonly durationMs: number
  /** How long the pause behind it is. */
  readonly gapMs: number
  /** Of each of the two tones, in dBFS. */
  readonly levelDb: number
}

/**
 * The sound of pressing `keys` one after the other: mono samples, shape (n).
 *
 * @throws {RangeError} if one of them is no key.
 */
export function generateDtmf(
  keys: string,
  sampleRate: number,
  { durationMs = 100, gapMs = 80, levelDb = -10 }: Partial<DtmfTiming> = {},
): Int16Array {
  const sounds = [...keys].map((key) => {
    const tones = dtmfTones(key)
    if (tones === undefined) throw new RangeError(`${JSON.stringify(key)} is no DTMF key`)
    const pair = tones.map((frequencyHz) => ({ frequencyHz, levelDb }))
    return new ToneGenerator(sampleRate, pair).generate(durationMs)
  })
  const gap = Math.round((gapMs * sampleRate) / 1_000)
  const samples = new Int16Array(sounds.reduce((sum, { length }) => sum + length + gap, 0))
  let at = 0
  for (const sound of sounds) {
    samples.set(sound, at)
    at += sound.length + gap
  }
  return samples
}
