import { expect, test } from 'bun:test'
import type { SpeechError } from '#speech/speech-error.ts'
import type { VadEvent, VadOptions } from '#speech/vad.ts'
import { type Fvad, loadFvad } from '#speech/webrtc-vad/fvad.ts'
import { createWebrtcVadEngine } from '#speech/webrtc-vad/webrtc-engine.ts'
import { framesOf, readSpeech } from '../../support/voice-audio.ts'

const OPTIONS: VadOptions = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }

test('takes frames before the library is there, and keeps their time', async () => {
  const { promise, resolve } = Promise.withResolvers<Fvad>()
  const engine = createWebrtcVadEngine({ load: () => promise })
  const events: VadEvent[] = []
  const detector = engine.createDetector(OPTIONS, (event) => events.push(event))
  const speech = await readSpeech(8000)
  for (const frame of framesOf(speech, 8000)) detector.process(frame, () => {})
  expect(events).toEqual([])

  resolve(await loadFvad())
  await engine.ready
  for (const frame of framesOf(speech, 8000)) detector.process(frame, () => {})
  expect(events.map(({ type }) => type)).toEqual(['speaking', 'silence'])
  // 139 frames of 20 ms before.
  expect(Math.abs((events[0]?.startMs ?? 0) - (139 * 20 + 500))).toBeLessThanOrEqual(50)
  await engine.close()
})

test('says so when the library cannot be loaded, and makes no more detectors', async () => {
  const faults: SpeechError[] = []
  const engine = createWebrtcVadEngine({
    load: () => Promise.reject(new Error('no such file')),
    onFault: (fault) => faults.push(fault),
  })
  const early = engine.createDetector(OPTIONS, () => {})
  await engine.ready
  expect(faults.map(({ code, cause }) => `${code}: ${cause}`)).toEqual([
    'server: Error: no such file',
  ])
  expect(() => engine.createDetector(OPTIONS, () => {})).toThrow('cannot be loaded')
  let passed = 0
  early.process({ samples: new Int16Array(160), sampleRate: 8000, position: 0 }, () => {
    passed += 1
  })
  expect(passed).toBe(1)
  await engine.close()
})

test('a higher threshold takes less for voice', async () => {
  const engine = createWebrtcVadEngine()
  await engine.ready
  const quiet = (await readSpeech(8000)).map((sample) => sample / 30)
  const voicedMs = [0.1, 0.9].map((voiceThreshold) => {
    let total = 0
    const options = { ...OPTIONS, voiceThreshold, speechPaddingMs: 0, silencePaddingMs: 0 }
    const detector = engine.createDetector(options, (event) => {
      if (event.type === 'silence') total += event.speechDurationMs ?? 0
    })
    for (const frame of framesOf(quiet, 8000)) detector.process(frame, () => {})
    return total
  })
  expect(voicedMs[0]).toBeGreaterThan(voicedMs[1] ?? Infinity)
  await engine.close()
})

test('gives the memory of every closed detector back', async () => {
  const fvad = await loadFvad()
  const engine = createWebrtcVadEngine({ load: () => Promise.resolve(fvad) })
  await engine.ready
  const openMany = () => {
    const detectors = Array.from({ length: 200 }, () => engine.createDetector(OPTIONS, () => {}))
    for (const detector of detectors) {
      for (const frame of framesOf(new Int16Array(960), 48_000)) detector.process(frame, () => {})
    }
    for (const detector of detectors) detector.close()
  }
  /** Where the next state would lie: it stays when nothing is left behind. */
  const probe = () => {
    const state = fvad._fvad_new()
    fvad._fvad_free(state)
    return state
  }
  openMany()
  const before = probe()
  for (let round = 0; round < 50; round += 1) openMany()
  expect(probe()).toBe(before)
  // 10,000 states and windows would be 27 MB.
  expect(fvad.HEAP16.byteLength).toBeLessThan(20_000_000)
  expect(engine.stats.streams).toBe(0)
  await engine.close()
})
