import { describe, expect, test } from 'bun:test'
import { EchoGate } from '#media/echo/echo-gate.ts'
import { type EchoPath, hearBack, loop, recording, scaled } from '../../support/echo-room.ts'
import { detectSpeech } from '../../support/silero-ear.ts'
import { throughGate } from '../../support/through-gate.ts'

const RATE = 8000
const FILES = ['audio/speech-16k.s16le', 'vad/austen-16k.s16le', 'vad/goforward-16k.s16le']
const NOBODY = new Float64Array(0)
const ROOM = { levelDb: -15, reverbMs: 80, noiseDb: -40 }
const POOR = { levelDb: -15, reverbMs: 100, noiseDb: -45, isPoorLoudspeaker: true } as const

const narrow = await Promise.all(FILES.map((file) => recording(file, 8000)))
const wide = await Promise.all(FILES.map((file) => recording(file, 16_000)))
const [prompt, caller, other] = narrow as [Float64Array, Float64Array, Float64Array]

function speakingOf(samples: Int16Array, sampleRate = RATE): number[] {
  const events = detectSpeech(samples, sampleRate)
  return events.filter(({ type }) => type === 'speaking').map(({ startMs }) => startMs)
}

/** Speech for so many seconds, beginning with recording `first`. */
function playing(seconds: number, sampleRate = RATE, first = 0): Int16Array {
  const parts = sampleRate === 8000 ? narrow : wide
  const order = [0, 1, 2].map((i) => parts[(first + i) % 3]!)
  return Int16Array.from(loop(order, seconds * sampleRate))
}

/** `voice` from `atMs` on, and silence around it. */
function saying(voice: Float64Array, atMs: number, seconds: number): Float64Array {
  const said = new Float64Array(seconds * RATE)
  said.set(voice.subarray(0, said.length - atMs * 8), atMs * 8)
  return said
}

describe('EchoGate, while we speak and nobody else does', () => {
  const paths: [string, number, EchoPath][] = [
    ['a dry echo at -15 dB after 80 ms', 8000, { delayMs: 80, levelDb: -15, noiseDb: -60 }],
    ['a room at 150 ms', 8000, { ...ROOM, delayMs: 150 }],
    ['µ-law at 200 ms', 8000, { ...ROOM, delayMs: 200, codec: 'pcmu' }],
    ['a poor loudspeaker and A-law at 300 ms', 8000, { ...POOR, delayMs: 300, codec: 'pcma' }],
    ['-6 dB at 80 ms', 8000, { ...ROOM, delayMs: 80, levelDb: -6 }],
    ['-25 dB at 300 ms', 8000, { ...ROOM, delayMs: 300, levelDb: -25, noiseDb: -50 }],
    ['a room at 150 ms, wideband', 16_000, { ...ROOM, delayMs: 150 }],
    ['-6 dB and a poor loudspeaker, wideband', 16_000, { ...POOR, delayMs: 80, levelDb: -6 }],
  ]
  test.each(paths)('lets %s not be taken for speech, from the first word on', (_, rate, path) => {
    const sent = playing(10.5, rate)
    const heard = hearBack(sent, NOBODY, rate, path)
    expect(speakingOf(heard, rate).length).toBeGreaterThan(0)
    expect(speakingOf(throughGate(sent, heard, rate).samples, rate)).toEqual([])
  })

  const changes: [string, EchoPath][] = [
    ['a delay that jumps up by 120 ms', { ...ROOM, delayMs: 80, jump: { atMs: 3000, byMs: 120 } }],
    ['a delay that jumps back by 30 ms', { ...ROOM, delayMs: 80, jump: { atMs: 3000, byMs: -30 } }],
    ['an echo turned up by 10 dB', { ...ROOM, delayMs: 200, louder: { atMs: 3000, byDb: 10 } }],
  ]
  test.each(changes)('follows %s', (_, path) => {
    const sent = playing(7)
    const heard = hearBack(sent, NOBODY, RATE, path)
    expect(speakingOf(throughGate(sent, heard, RATE).samples)).toEqual([])
  })

  test('knows the delay again after pauses of the playback', () => {
    const isSent = (ms: number) => ms < 2000 || (ms >= 2300 && ms < 4000) || ms >= 6000
    const sent = playing(8).map((sample, i) => (isSent(Math.floor(i / 160) * 20) ? sample : 0))
    const heard = hearBack(sent, NOBODY, RATE, { ...ROOM, delayMs: 150 })
    expect(speakingOf(throughGate(sent, heard, RATE, isSent).samples)).toEqual([])
  })

  test('tells the delay it has found', () => {
    const sent = playing(2)
    const heard = hearBack(sent, NOBODY, RATE, { ...ROOM, delayMs: 150 })
    // Frames are noted as sent 7 ms before frames of the same position are received.
    expect(throughGate(sent, heard, RATE).gate.delayMs).toBeWithin(140, 170)
  })
})

describe('EchoGate, when the caller speaks', () => {
  const barges = [0, -6].flatMap((db) =>
    [3000, 4130].flatMap((atMs) => [
      { db, atMs, path: { ...ROOM, delayMs: 80 } },
      { db, atMs, path: { ...POOR, delayMs: 200 } },
    ]),
  )
  test.each(barges)('over an echo, at $db dB and $atMs ms, hears it once and soon', (barge) => {
    const { db, atMs, path } = barge
    const sent = Int16Array.from(loop([prompt, other], 7 * RATE))
    const said = saying(scaled(caller, db), atMs, 7)
    const alone = speakingOf(hearBack(sent, said, RATE, { ...path, levelDb: undefined }))
    const gated = speakingOf(throughGate(sent, hearBack(sent, said, RATE, path), RATE).samples)
    expect(gated).toHaveLength(1)
    expect(gated[0]! - alone[0]!).toBeWithin(-64, 251)
  })

  test.each([8000, 16_000])(
    'into a headset, over the playback, passes each frame on as it is at %i Hz',
    (rate) => {
      const voices = rate === 8000 ? narrow : wide
      const sent = Int16Array.from(loop([voices[0]!, voices[2]!], 12 * rate))
      const said = loop([new Float64Array(1.5 * rate), voices[1]!], 12 * rate)
      const heard = hearBack(sent, said, rate, { delayMs: 0, levelDb: undefined, noiseDb: -50 })
      const { samples, passed, gate } = throughGate(sent, heard, rate)
      expect(passed).not.toContain(false)
      expect(samples).toEqual(heard)
      expect(gate.delayMs).toBeUndefined()
    },
  )

  test('into a headset as the first playback begins, holds back 300 ms at most, once', () => {
    const sent = playing(6)
    for (const atMs of [0, 100, 300, 500]) {
      const said = saying(caller, atMs, 6)
      const heard = hearBack(sent, said, RATE, { delayMs: 0, levelDb: undefined, noiseDb: -50 })
      const { passed } = throughGate(sent, heard, RATE)
      expect(passed.filter((isPassed) => !isPassed).length).toBeLessThanOrEqual(15)
      expect(passed.slice(60)).not.toContain(false)
    }
  })

  test('after the playback, with its echo gone, passes each frame on as it is', () => {
    const sent = playing(6)
    const said = saying(caller, 3000, 6)
    const heard = hearBack(sent.fill(0, 2 * RATE), said, RATE, { ...ROOM, delayMs: 150 })
    const { passed } = throughGate(sent, heard, RATE, (ms) => ms < 2000)
    expect(passed.slice(0, 100)).toContain(false)
    expect(passed.slice(150)).not.toContain(false)
  })
})

test('EchoGate passes frames of 10 ms, which it does not judge', () => {
  const gate = new EchoGate({ clock: () => 0 })
  const samples = new Int16Array(80).fill(1000)
  gate.noteSent({ samples: playing(1).subarray(4000, 4160), sampleRate: RATE, position: 0 })
  const frame = { samples, sampleRate: RATE, position: 80 }
  gate.process(frame, (out) => expect(out).toBe(frame))
  expect.assertions(2)
  expect(String(gate)).toBe('EchoGate')
})
