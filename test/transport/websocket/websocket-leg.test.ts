import { describe, expect, jest, spyOn, test } from 'bun:test'
import fc from 'fast-check'
import { findCodec } from '#audio/codec/find-codec.ts'
import { OpusLibrary } from '#audio/codec/opus-library.ts'
import { readOpusPacket } from '#audio/codec/opus-packet.ts'
import { WebSocketLeg } from '#transport/websocket/websocket-leg.ts'

const HANGUP = { reason: 'hangup', initiator: 'user' }

async function connect(name: string, sampleRate?: number) {
  const codec = findCodec(name, sampleRate)!
  const sent: Uint8Array[] = []
  const received: number[] = []
  const positions: number[] = []
  const leg = new WebSocketLeg(codec, (payload) => void sent.push(payload.slice()))
  await leg.connect({
    onFrame: ({ samples, position }) => {
      received.push(...samples)
      positions.push(position)
    },
    onHangup: () => undefined,
  })
  return { leg, codec, sent, received, positions }
}

const pcm = (samples: readonly number[]) => new Uint8Array(Int16Array.from(samples).buffer)

describe('WebSocketLeg', () => {
  test('cuts what comes into frames of 20 ms, whatever the size of the messages', async () => {
    const samples = Array.from({ length: 3_200 }, (_, i) => (i * 7) % 30_000)
    const bytes = pcm(samples)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }),
        async (sizes) => {
          const { leg, received, positions } = await connect('pcm')
          let offset = 0
          for (let i = 0; offset < bytes.length; i += 1) {
            const end = offset + sizes[i % sizes.length]!
            leg.receivePayload(bytes.subarray(offset, end))
            offset = end
          }
          expect(received).toEqual(samples)
          expect(positions).toEqual(Array.from({ length: 10 }, (_, i) => i * 320))
        },
      ),
      { numRuns: 50 },
    )
  })

  test('keeps an odd byte of PCM for the next message', async () => {
    const { leg, received } = await connect('pcm', 8_000)
    const bytes = pcm(Array.from({ length: 160 }, (_, i) => i))
    leg.receivePayload(bytes.subarray(0, 161))
    expect(received).toEqual([])
    leg.receivePayload(bytes.subarray(161))
    expect(received).toEqual(Array.from({ length: 160 }, (_, i) => i))
  })

  describe('with Opus', () => {
    test('takes a message as a packet, and cuts any length into frames of 20 ms', async () => {
      const { leg, received, positions } = await connect('opus', 8_000)
      const encoder = findCodec('opus', 8_000)!.createEncoder()
      const payload = new Uint8Array(1_500)
      for (const ms of [10, 10, 20, 60, 2.5, 40]) {
        const bytes = encoder.encode(new Int16Array(ms * 8), payload)
        leg.receivePayload(payload.subarray(0, bytes))
      }
      expect(received).toHaveLength(140 * 8)
      expect(positions).toEqual([0, 160, 320, 480, 640, 800, 960])
      encoder.close()
      leg.hangup(HANGUP)
    })

    test('counts what is no packet, and guesses 20 ms in its place', async () => {
      const { leg, received } = await connect('opus', 8_000)
      leg.receivePayload(Uint8Array.of(0xff, 0xff))
      leg.receivePayload(new Uint8Array())
      leg.receivePayload(new Uint8Array(60_000))
      expect(leg.stats.badMessages).toBe(3)
      expect(received).toHaveLength(3 * 160)
      leg.hangup(HANGUP)
    })

    test('sends a packet per frame, and gives its memory back', async () => {
      const { openStates } = OpusLibrary.shared
      const { leg, sent } = await connect('opus', 8_000)
      for (let i = 0; i < 5; i += 1) {
        leg.send({ samples: new Int16Array(160).fill(100), sampleRate: 8_000, position: i * 160 })
      }
      expect(sent.map((packet) => readOpusPacket(packet)?.durationMs)).toEqual(
        new Array(5).fill(20),
      )
      leg.hangup(HANGUP)
      expect(OpusLibrary.shared.openStates).toBe(openStates)
    })
  })

  test('takes an empty message', async () => {
    const { leg, received } = await connect('pcm')
    leg.receivePayload(new Uint8Array())
    expect(received).toEqual([])
  })

  test.each([
    ['pcm', 8_000, 320],
    ['pcm', 16_000, 640],
    ['pcm', 24_000, 960],
    ['pcm', 48_000, 1_920],
    ['pcmu', 8_000, 160],
    ['pcma', 8_000, 160],
    ['g722', 16_000, 160],
  ])('%s at %i Hz sends %i bytes per frame', async (name, sampleRate, bytes) => {
    const { leg, sent } = await connect(name, sampleRate)
    expect(leg.sendRate).toBe(sampleRate)
    const samples = new Int16Array(sampleRate / 50).fill(1_000)
    leg.send({ samples, sampleRate, position: 0 })
    expect(sent.map(({ length }) => length)).toEqual([bytes])
  })

  test('neither sends nor hears before connect and after hangup', async () => {
    const { leg, sent, received } = await connect('pcmu')
    leg.hangup(HANGUP)
    leg.hangup(HANGUP)
    leg.send({ samples: new Int16Array(160), sampleRate: 8_000, position: 0 })
    leg.receivePayload(new Uint8Array(160))
    expect(sent).toEqual([])
    expect(received).toEqual([])
  })

  test('hears silence while a client that has spoken sends nothing', async () => {
    jest.useFakeTimers()
    const { leg, received } = await connect('pcm', 8_000)
    jest.advanceTimersByTime(1_000)
    expect(received).toEqual([])
    for (let i = 0; i < 50; i += 1) {
      leg.receivePayload(pcm(new Array(160).fill(7)))
      jest.advanceTimersByTime(20)
    }
    expect(received).toHaveLength(8_000)
    jest.advanceTimersByTime(2_000)
    expect(received.length).toBeWithin(8_000 + 15_000, 8_000 + 16_321)
    expect(received.slice(8_000).every((sample) => sample === 0)).toBe(true)
    const before = received.length
    leg.hangup(HANGUP)
    jest.advanceTimersByTime(1_000)
    expect(received).toHaveLength(before)
    expect(jest.getTimerCount()).toBe(0)
    jest.useRealTimers()
  })

  test('fills in no more than some seconds when the process has slept for an hour', async () => {
    jest.useFakeTimers()
    const { leg } = await connect('pcm', 8_000)
    leg.receivePayload(pcm(new Array(160).fill(7)))
    const wokenAtMs = performance.now() + 3_600_000
    const now = spyOn(performance, 'now').mockImplementation(() => wokenAtMs)
    jest.advanceTimersByTime(100)
    now.mockRestore()
    expect(leg.stats.filledFrames).toBe(250)
    leg.hangup(HANGUP)
    jest.useRealTimers()
  })

  test.each([
    ['1 s once a second', [1_000]],
    ['500 ms in frames twice a second', new Array<number>(25).fill(20)],
    ['400 ms in odd pieces', [130, 7, 263]],
  ])('inserts no silence into audio that comes as %s', async (_, sizesMs) => {
    jest.useFakeTimers()
    const { leg, received } = await connect('pcm', 8_000)
    const burstMs = sizesMs.reduce((sum, ms) => sum + ms, 0)
    for (let i = 0; i < 20; i += 1) {
      for (const ms of sizesMs) leg.receivePayload(pcm(new Array(ms * 8).fill(7)))
      jest.advanceTimersByTime(burstMs + (i % 3) * 30 - 30)
    }
    expect(leg.stats.filledFrames).toBe(0)
    expect(received).toHaveLength(20 * burstMs * 8)
    jest.advanceTimersByTime(1_000)
    expect(leg.stats.filledFrames).toBeGreaterThan(0)
    leg.hangup(HANGUP)
    jest.useRealTimers()
  })

  test('is soon silent after much audio at once, or faster than real time', async () => {
    jest.useFakeTimers()
    const { leg } = await connect('pcm', 8_000)
    for (let i = 0; i < 500; i += 1) {
      leg.receivePayload(pcm(new Array(160).fill(7)))
      jest.advanceTimersByTime(2)
    }
    jest.advanceTimersByTime(1_500)
    expect(leg.stats.filledFrames).toBeGreaterThan(50)
    leg.hangup(HANGUP)
    jest.useRealTimers()
  })
})
