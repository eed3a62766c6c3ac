import { SpeechError } from '../speech-error.ts'
import type { SynthesisOptions } from '../tts.ts'

/** The voices inside the package, the default first. */
export const FLITE_SPEAKERS = ['slt', 'rms', 'awb', 'kal16', 'kal'] as const

const MIN_SPEED = 0.25
const MAX_SPEED = 4
const MAX_VOLUME = 10
const NORMAL_VOLUME = 5
const MIN_SAMPLE_RATE = 8000
const MAX_SAMPLE_RATE = 48_000

/** How an utterance is to be spoken, in flite's terms. */
export interface FliteVoice {
  readonly speaker: string
  readonly stretch: number
  readonly gain: number
  readonly sampleRate: number
}

/** Checks the options of an utterance; throws `SpeechError` (`parameter`). */
export function fliteVoice(options: SynthesisOptions): FliteVoice {
  const { speaker = FLITE_SPEAKERS[0], speed = 1, volume = NORMAL_VOLUME, sampleRate } = options
  if (!FLITE_SPEAKERS.some((known) => known === speaker)) {
    throw parameterError(
      `tts.speaker: ${JSON.stringify(speaker)} is unknown; known are ${FLITE_SPEAKERS.join(', ')}`,
    )
  }
  checkRange('speed', speed, MIN_SPEED, MAX_SPEED)
  checkRange('volume', volume, 0, MAX_VOLUME)
  checkRange('sampleRate', sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
  if (!Number.isInteger(sampleRate))
    throw parameterError(`tts.sampleRate: ${sampleRate} is not whole`)
  return { speaker, stretch: 1 / speed, gain: volume / NORMAL_VOLUME, sampleRate }
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return
  throw parameterError(`tts.${name}: ${value} is not between ${min} and ${max}`)
}

function parameterError(message: string): SpeechError {
  return new SpeechError('flite', 'parameter', message)
}
