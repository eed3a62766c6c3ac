import { describe, expect, test } from 'bun:test'
import { generateDtmf } from '#audio/dtmf-generator.ts'
import { DtmfDetector } from '#media/dtmf-detector.ts'

describe('DtmfDetector', () => {
  test.each([8_000, 16_000, 24_000, 48_000])(
    'reads keys at %i Hz and passes frames on',
    (sampleRate) => {
      const keys: string[] = []
      const detector = new DtmfDetector((key) => void keys.push(key))
      const samples = generateDtmf('159#', sampleRate, { durationMs: 60, gapMs: 60 })
      const size = sampleRate / 50
      let passed = 0
      for (let position = 0; position < samples.length; position += size) {
        const frame = { samples: samples.subarray(position, position + size), sampleRate, position }
        detector.process(frame, (next) => {
          expect(next).toBe(frame)
          passed += 1
        })
      }
      expect(keys).toEqual(['1', '5', '9', '#'])
      expect(passed).toBe(Math.ceil(samples.length / size))
      expect(String(detector)).toBe('DtmfDetector')
    },
  )
})
