import { Resampler } from '#audio/resampler.ts'
import {
  SILERO_RATE,
  SileroNetwork,
  WINDOW_MS,
  WINDOW_SAMPLES,
} from '#speech/silero/silero-network.ts'
import type { VadEvent } from '#speech/vad.ts'
import { VadDetector } from '#speech/vad-detector.ts'

const OPTIONS = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }
const network = new SileroNetwork()

/** What Silero with default options says of `samples`, at once. */
export function detectSpeech(samples: Int16Array, sampleRate: number): VadEvent[] {
  const events: VadEvent[] = []
  const detector = new VadDetector(OPTIONS, (event) => events.push(event))
  const state = network.openState()
  const audio = new Resampler(sampleRate, SILERO_RATE).resample(samples)
  for (let at = 0; at + WINDOW_SAMPLES <= audio.length; at += WINDOW_SAMPLES) {
    network.input.set(audio.subarray(at, at + WINDOW_SAMPLES))
    const startMs = (at * 1000) / SILERO_RATE
    detector.push(startMs, startMs + WINDOW_MS, network.judge(state))
  }
  network.closeState(state)
  return events
}
