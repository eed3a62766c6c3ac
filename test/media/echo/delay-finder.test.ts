import { describe, expect, test } from 'bun:test'
import { AudioHistory, BLOCK_SAMPLES } from '#media/echo/audio-history.ts'
import { DelayFinder } from '#media/echo/delay-finder.ts'
import { createNoise } from '../../support/echo-room.ts'

const BLOCKS = 60

/** Both directions, the received one `lag` samples behind; `onBlock` after each block of 20 ms. */
function run(lag: number, onBlock: (sent: AudioHistory, received: AudioHistory) => void): void {
  const noise = createNoise()
  const source = Int16Array.from({ length: BLOCKS * BLOCK_SAMPLES }, () => noise() * 8000)
  const sent = new AudioHistory(60)
  const received = new AudioHistory(60)
  for (let position = 0; position < source.length; position += BLOCK_SAMPLES) {
    const nowMs = position / 8
    const now = source.subarray(position, position + BLOCK_SAMPLES)
    const then = now.map((_, i) => -(source[position + i - lag] ?? 0) / 4)
    sent.append({ samples: now, sampleRate: 8000, position }, nowMs)
    received.append({ samples: then, sampleRate: 8000, position }, nowMs)
    if (position >= lag + BLOCK_SAMPLES) onBlock(sent, received)
  }
}

describe('DelayFinder', () => {
  // All places in a word of 32 signs, and both ends of the range.
  const lags = [320, 4159, ...Array.from({ length: 33 }, (_, i) => 1000 + i)]

  test('finds each delay to the sample from a single block, even upside down', () => {
    for (const lag of lags) {
      const finder = new DelayFinder()
      let blocks = 0
      run(lag, (sent, received) => {
        blocks += 1
        if (blocks > 2) return
        finder.searchAll(sent, received)
        expect(finder.lag).toBe(lag)
        expect(finder.agreement).toBeGreaterThan(0.95)
        expect(finder.score).toBeGreaterThan(8)
        expect(finder.latestAgreement(lag, sent, received)).toBeGreaterThan(0.95)
        expect(finder.latestAgreement(lag + 100, sent, received)).toBeLessThan(0.4)
      })
    }
  })

  test('finds it near a place, and part by part', () => {
    const near = new DelayFinder()
    const part = new DelayFinder()
    let found = 0
    run(1500, (sent, received) => {
      near.searchNear(1450, sent, received)
      expect(near.lag).toBe(1500)
      part.searchPart(sent, received)
      if (part.weight > 2 && part.score > 3) found = part.lag
    })
    expect(found).toBe(1500)
  })

  test('is not sure of what has nothing to do with it', () => {
    const finder = new DelayFinder()
    run(6000, (sent, received) => {
      finder.searchAll(sent, received)
      if (finder.weight > 2) expect(finder.score).toBeLessThan(1.3)
    })
  })
})
