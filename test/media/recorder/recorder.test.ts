import { expect, jest, test } from 'bun:test'
import type { AudioFrame } from '#audio/frame.ts'
import { ArrivalTimes } from '#media/recorder/arrival-times.ts'
import { Recorder } from '#media/recorder/recorder.ts'

test('times are given back in order, those of lost frames skipped, old ones forgotten', () => {
  const times = new ArrivalTimes()
  for (let i = 0; i < 5; i += 1) times.note(i * 160, i)
  expect(times.take(0)).toBe(0)
  expect(times.take(480)).toBe(3)
  expect(times.take(320)).toBeUndefined()
  for (let i = 5; i < 105; i += 1) times.note(i * 160, i)
  expect(times.take(60 * 160)).toBe(60)
  expect(times.take(104 * 160)).toBe(104)
})

test('a frame whose time was forgotten leaves the times of those behind it', () => {
  const times = new ArrivalTimes()
  for (let i = 0; i < 200; i += 1) times.note(i * 160, i)
  expect(times.take(0)).toBeUndefined()
  expect(times.take(160 * 160)).toBe(160)
})

test('a frame that was held back is recorded as heard when it came', () => {
  jest.useFakeTimers()
  try {
    const written: number[] = []
    const line = {
      write: (_frame: AudioFrame, _isOurs: boolean, atMs: number) => void written.push(atMs),
      end: () => undefined,
    }
    const recorder = new Recorder(() => line, 'wav')
    recorder.begin()
    const [arrival, tap] = [recorder.createArrivalTap(), recorder.createTap()]
    expect(`${arrival} ${tap}`).toBe('ArrivalTap RecorderTap(wav)')
    const passed: AudioFrame[] = []
    const frames = [0, 160].map((position) => ({
      samples: new Int16Array(160),
      sampleRate: 8000,
      position,
    }))
    const startMs = performance.now()
    for (const frame of frames) {
      arrival.process(frame, (next) => passed.push(next))
      jest.advanceTimersByTime(20)
    }
    jest.advanceTimersByTime(100)
    for (const frame of frames) tap.process(frame, (next) => passed.push(next))
    expect(written.map((atMs) => Math.round(atMs - startMs))).toEqual([0, 20])
    expect(passed).toEqual([...frames, ...frames])
  } finally {
    jest.useRealTimers()
  }
})
