import { describe, expect, test } from 'bun:test'
import { generateDtmf } from '#audio/dtmf-generator.ts'
import { DtmfDetector } from '#media/dtmf-detector.ts'
import { KeyEcho } from '#media/echo/key-echo.ts'
import { cut } from '../../audio/chunks.ts'

/** What is taken for a key of the caller while `keys` are sent and `heard` (`shape (n)`) comes in. */
function keysOfCaller(keys: string, sampleRate: number, heard: Int16Array): string {
  let nowMs = 0
  const echo = new KeyEcho({ clock: () => nowMs })
  const found: string[] = []
  const detector = new DtmfDetector((key) => {
    if (!echo.isEcho(key)) found.push(key)
  })
  const frameSamples = sampleRate / 50
  const sent = [...cut(generateDtmf(keys, sampleRate), [frameSamples])]
  let position = 0
  for (const samples of cut(heard, [frameSamples])) {
    const ours = sent.shift()
    if (ours !== undefined) echo.noteSent({ samples: ours, sampleRate, position })
    detector.process({ samples, sampleRate, position }, () => undefined)
    position += samples.length
    nowMs += 20
  }
  return found.join('')
}

function delayed(samples: Int16Array, delaySamples: number, gain: number): Int16Array {
  const later = new Int16Array(samples.length + delaySamples)
  later.set(
    samples.map((sample) => sample * gain),
    delaySamples,
  )
  return later
}

describe('KeyEcho', () => {
  for (const sampleRate of [8_000, 48_000]) {
    test.each([
      [0, 1],
      [100, 0.18],
      [500, 0.5],
    ])(`knows keys of ours ${sampleRate} Hz that come back after %d ms times %d`, (ms, gain) => {
      const echo = delayed(generateDtmf('1559*', sampleRate), (ms * sampleRate) / 1_000, gain)
      expect(keysOfCaller('1559*', sampleRate, echo)).toBe('')
    })
  }

  test('leaves the keys that the caller presses, also while we press others', () => {
    expect(keysOfCaller('159', 8_000, generateDtmf('26D', 8_000))).toBe('26D')
  })

  test('leaves the same keys when the caller presses them later', () => {
    expect(keysOfCaller('1', 8_000, delayed(generateDtmf('11', 8_000), 6_400, 1))).toBe('11')
  })
})
