import { describe, expect, test } from 'bun:test'
import { SileroNetwork, WINDOW_SAMPLES } from '#speech/silero/silero-network.ts'

const fixture = (name: string) => Bun.file(new URL(`../../fixtures/vad/${name}`, import.meta.url))

const network = new SileroNetwork()

/** The largest difference to ONNX Runtime over a fixture, judged in `count` streams in turn. */
async function largestError(name: string, count: number): Promise<number> {
  const samples = new Int16Array(await fixture(`${name}.s16le`).arrayBuffer())
  const expected: readonly number[] = await fixture(`${name}.json`).json()
  const states = Array.from({ length: count }, () => network.openState())
  let largest = 0
  for (const [index, probability] of expected.entries()) {
    const first = index * WINDOW_SAMPLES
    for (const state of states) {
      network.input.set(samples.subarray(first, first + WINDOW_SAMPLES))
      largest = Math.max(largest, Math.abs(network.judge(state) - probability))
    }
  }
  for (const state of states) network.closeState(state)
  return largest
}

describe('SileroNetwork', () => {
  test.each(['goforward-16k', 'austen-16k'])(
    'agrees with ONNX Runtime to 1e-5 on %s',
    async (name) => {
      expect(await largestError(name, 1)).toBeLessThan(1e-5)
    },
  )

  test('keeps streams apart', async () => {
    expect(await largestError('goforward-16k', 3)).toBeLessThan(1e-5)
  })

  test('grows for many streams and uses the memory of closed ones again', async () => {
    const states = Array.from({ length: 2000 }, () => network.openState())
    expect(new Set(states).size).toBe(2000)
    expect(network.input.length).toBe(WINDOW_SAMPLES)
    expect(await largestError('austen-16k', 1)).toBeLessThan(1e-5)
    for (const state of states) network.closeState(state)
    const known = new Set(states)
    const again = Array.from({ length: 1999 }, () => network.openState())
    expect(again.filter((state) => !known.has(state)).length).toBeLessThanOrEqual(1)
    for (const state of again) network.closeState(state)
  })

  test.each<[string, (index: number) => number]>([
    ['digital silence', () => 0],
    ['full-scale square wave', (index) => (index & 32 ? 32_767 : -32_768)],
    ['alternating extremes', (index) => (index & 1 ? 32_767 : -32_768)],
  ])('stays a probability for %s', (_, sample) => {
    const state = network.openState()
    for (let index = 0; index < 100; index += 1) {
      for (let i = 0; i < WINDOW_SAMPLES; i += 1) network.input[i] = sample(i)
      const probability = network.judge(state)
      expect(probability).toBeGreaterThanOrEqual(0)
      expect(probability).toBeLessThanOrEqual(1)
    }
    network.closeState(state)
  })
})
