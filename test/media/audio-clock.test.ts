import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { AudioClock } from '#media/audio-clock.ts'

const START = 1_700_000_000_000

describe('AudioClock', () => {
  test('maps audio to the time of day at which it was heard', () => {
    const clock = new AudioClock()
    for (let i = 1; i <= 50; i += 1) clock.advance(20, START + i * 20)
    expect(clock.epochMs(0)).toBe(START)
    expect(clock.epochMs(500)).toBe(START + 500)
  })

  test('is not moved by jitter and bursts', () => {
    const clock = new AudioClock()
    for (let i = 1; i <= 50; i += 1) clock.advance(20, START + i * 20 + (i % 7) * 30)
    expect(Math.abs(clock.epochMs(900) - (START + 930))).toBeLessThanOrEqual(30)
  })

  test('moves on over a pause of the sender', () => {
    const clock = new AudioClock()
    clock.advance(1_000, START + 1_000)
    clock.advance(20, START + 6_000)
    expect(clock.epochMs(500)).toBe(START + 500)
    expect(clock.epochMs(1_010)).toBe(START + 5_990)
  })

  test('is right after an hour of a sender whose own clock is fast or slow', () => {
    for (const pace of [0.999, 1.001]) {
      const clock = new AudioClock()
      const at = (frame: number) => START + frame * 20 * pace
      for (let i = 1; i <= 180_000; i += 1) clock.advance(20, at(i))
      expect(Math.abs(clock.epochMs(3_600_000) - at(180_000))).toBeLessThanOrEqual(500)
    }
  })

  test('is right again after audio that comes late and had been filled in', () => {
    const clock = new AudioClock()
    clock.advance(1_000, START + 1_000)
    clock.advance(2_000, START + 3_000)
    clock.advance(2_000, START + 3_000)
    clock.advance(1_000, START + 4_000)
    expect(clock.epochMs(6_000)).toBe(START + 4_000)
  })

  test('knows that a long message was heard before it came, frame by frame', () => {
    const clock = new AudioClock()
    for (let second = 1; second <= 10; second += 1) {
      for (let i = 0; i < 50; i += 1) clock.advance(20, START + second * 1_000)
    }
    expect(Math.abs(clock.epochMs(500) - (START + 500))).toBeLessThanOrEqual(100)
    expect(Math.abs(clock.epochMs(9_500) - (START + 9_500))).toBeLessThanOrEqual(100)
  })

  test('never runs backwards', () => {
    const arrivals = fc.array(
      fc.record({
        durationMs: fc.integer({ min: 1, max: 100 }),
        gapMs: fc.integer({ min: 0, max: 2_000 }),
      }),
      { minLength: 1, maxLength: 200 },
    )
    fc.assert(
      fc.property(arrivals, (frames) => {
        const clock = new AudioClock()
        let nowMs = START
        let totalMs = 0
        for (const { durationMs, gapMs } of frames) {
          nowMs += gapMs
          clock.advance(durationMs, nowMs)
          totalMs += durationMs
        }
        let last = -Infinity
        for (let ms = 0; ms <= totalMs; ms += 10) {
          const epochMs = clock.epochMs(ms)
          if (epochMs < last) return false
          last = epochMs
        }
        return true
      }),
    )
  })
})
