import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { VadEvent, VadOptions } from '#speech/vad.ts'
import { VadDetector } from '#speech/vad-detector.ts'

const OPTIONS: VadOptions = { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 }

/** Feeds windows of `windowMs`, one after another. */
function detect(probabilities: readonly number[], options = OPTIONS, windowMs = 32): VadEvent[] {
  const events: VadEvent[] = []
  const detector = new VadDetector(options, (event) => events.push(event))
  for (const [index, probability] of probabilities.entries()) {
    detector.push(index * windowMs, (index + 1) * windowMs, probability)
  }
  return events
}

/** A script such as `_____####~~__`: silence, voice, and what lies between the two thresholds. */
function script(text: string): number[] {
  return Array.from(text, (letter) => ({ _: 0.02, '~': 0.4, '#': 0.98 })[letter] ?? Number.NaN)
}

const speaking = (startMs: number) => ({ type: 'speaking' as const, startMs })
const silence = (startMs: number, durationMs: number, speech?: readonly [number, number]) => ({
  type: 'silence' as const,
  startMs,
  durationMs,
  ...(speech && { speechStartMs: speech[0], speechDurationMs: speech[1] }),
})

describe('VadDetector', () => {
  test.each<[string, string, VadEvent[]]>([
    ['silence alone is nothing', '____________________', []],
    ['a burst shorter than the padding is nothing', '__##____________##__', []],
    ['bursts do not add up over pauses', '##_##_##_##_##_##_##', []],
    ['voice as long as the padding is speech from its onset', '__###', [speaking(64)]],
    ['voice from the first window on', '###', [speaking(0)]],
    ['values between the thresholds do not begin speech', '~~~~~~~~', []],
    ['values between the thresholds keep voice up', '__#~~', [speaking(64)]],
    ['values between the thresholds keep speech up', '####~~~~~~~~~~~~~~~~', [speaking(0)]],
    [
      'values between the thresholds do not interrupt a silence',
      '###__~~~~~~~~~',
      [speaking(0), silence(96, 320, [0, 96])],
    ],
    [
      'silence as long as the padding ends speech, and began at its first window',
      '__####__________',
      [speaking(64), silence(192, 320, [64, 128])],
    ],
    [
      'a pause shorter than the padding does not end speech',
      '###_________###_________',
      [speaking(0)],
    ],
    [
      'a single voiced window starts the silence over',
      '###________#__________',
      [speaking(0), silence(384, 320, [0, 384])],
    ],
    [
      'two utterances',
      '_###__________####__________',
      [speaking(32), silence(128, 320, [32, 96]), speaking(448), silence(576, 320, [448, 128])],
    ],
  ])('%s: %s', (_, text, events) => {
    expect(detect(script(text))).toEqual(events)
  })

  describe('with a silence timeout', () => {
    const options = { ...OPTIONS, silenceTimeoutMs: 640 }

    test('repeats the silence at every multiple while it lasts', () => {
      expect(detect(script(`###${'_'.repeat(60)}`), options)).toEqual([
        speaking(0),
        silence(96, 320, [0, 96]),
        silence(96, 640, [0, 96]),
        silence(96, 1280, [0, 96]),
        silence(96, 1920, [0, 96]),
      ])
    })

    test('reports the silence before any speech, without a speech', () => {
      expect(detect(script('_'.repeat(41)), options)).toEqual([silence(0, 640), silence(0, 1280)])
    })

    test('a burst neither ends the silence nor is spoken over', () => {
      const text = `${'_'.repeat(18)}##${'_'.repeat(5)}`
      expect(detect(script(text), options)).toEqual([silence(0, 672)])
    })

    test('speech ends it', () => {
      expect(detect(script(`${'_'.repeat(19)}${'#'.repeat(40)}`), options)).toEqual([speaking(608)])
    })

    test('a timeout of 0 repeats nothing', () => {
      expect(detect(script('_'.repeat(60)), { ...OPTIONS, silenceTimeoutMs: 0 })).toEqual([])
    })
  })

  test('without padding a single window counts', () => {
    const options = { voiceThreshold: 0.5, speechPaddingMs: 0, silencePaddingMs: 0 }
    expect(detect(script('_#_'), options)).toEqual([speaking(32), silence(64, 32, [32, 32])])
  })

  test('takes windows of any length', () => {
    expect(detect(script('_##########'), OPTIONS, 10)).toEqual([speaking(10)])
  })

  test('a gap between windows continues what was before it', () => {
    const events: VadEvent[] = []
    const detector = new VadDetector(OPTIONS, (event) => events.push(event))
    for (const [startMs, probability] of [
      [0, 0.9],
      [32, 0.9],
      [64, 0.9],
      [1000, 0.9],
      [1032, 0.1],
      [2000, 0.1],
    ] as const) {
      detector.push(startMs, startMs + 32, probability)
    }
    expect(events).toEqual([speaking(0), silence(1032, 1000, [0, 1032])])
  })

  test('a low threshold still lets silence be silence', () => {
    const options = { ...OPTIONS, voiceThreshold: 0.1 }
    const scores = [...Array(5).fill(0.2), ...Array(10).fill(0.005)]
    expect(detect(scores, options).map(({ type }) => type)).toEqual(['speaking', 'silence'])
  })

  test('events alternate and never go back in time, whatever the probabilities', () => {
    const options = fc.record({
      voiceThreshold: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      speechPaddingMs: fc.integer({ min: 0, max: 400 }),
      silencePaddingMs: fc.integer({ min: 0, max: 600 }),
    })
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 200 })
    const timeout = fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined })
    fc.assert(
      fc.property(options, timeout, scores, (base, silenceTimeoutMs, probabilities) => {
        const repeats = silenceTimeoutMs === undefined ? base : { ...base, silenceTimeoutMs }
        let reportedUntilMs = 0
        let isSpeaking = false
        let lastSilenceMs: number | undefined
        for (const event of detect(probabilities, repeats)) {
          if (event.type === 'speaking') {
            expect(isSpeaking).toBe(false)
            expect(event.startMs).toBeGreaterThanOrEqual(reportedUntilMs)
            isSpeaking = true
            reportedUntilMs = event.startMs
          } else {
            const isRepeat = event.startMs === lastSilenceMs
            const isFirstOfAll = event.speechStartMs === undefined
            expect(isSpeaking).toBe(!(isRepeat || isFirstOfAll))
            if (isSpeaking) expect(event.startMs).toBeGreaterThanOrEqual(reportedUntilMs)
            isSpeaking = false
            lastSilenceMs = event.startMs
            expect(event.startMs + event.durationMs).toBeGreaterThanOrEqual(reportedUntilMs)
            reportedUntilMs = event.startMs + event.durationMs
          }
        }
      }),
    )
  })

  test('no burst shorter than the padding is heard, however many there are', () => {
    const bursts = fc.array(
      fc.record({
        voiced: fc.integer({ min: 1, max: 4 }),
        silent: fc.integer({ min: 1, max: 20 }),
      }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(bursts, (parts) => {
        const text = parts.map(({ voiced, silent }) => '#'.repeat(voiced) + '_'.repeat(silent))
        expect(detect(script(text.join('')), { ...OPTIONS, speechPaddingMs: 160 })).toEqual([])
      }),
    )
  })
})
