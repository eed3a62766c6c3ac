import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Codec } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { OPUS_SILENCE } from '#audio/codec/opus-packet.ts'
import type { AudioFrame } from '#audio/frame.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { parseRtpPacket, type RtpPacket } from '#rtp/rtp-packet.ts'
import { RtpSender, type SendFormat } from '#transport/rtp/rtp-sender.ts'
import { SrtpPair } from '#transport/rtp/srtp-pair.ts'

const FORMAT: SendFormat = { codec: pcmu, payloadType: 0, telephoneEventType: 101, ptimeMs: 20 }

function start(format: Partial<SendFormat> = {}, sampleRate = 8000) {
  const packets: RtpPacket[] = []
  const sender = new RtpSender(sampleRate, new SrtpPair(), (bytes) => {
    const packet = parseRtpPacket(bytes.slice())
    if (packet === undefined) throw new Error('not a packet')
    packets.push(packet)
  })
  sender.configure({ ...FORMAT, ...format })
  sender.isSending = true
  const tone = new ToneGenerator(sampleRate, [{ frequencyHz: 440, levelDb: -10 }])
  const sound = tone.generate(2000)
  let position = 0
  /** Gives the next frame of the sound. */
  const speak = () => {
    const samples = sound.subarray(position, position + sampleRate / 50)
    position += samples.length
    sender.send({ samples, sampleRate, position } satisfies AudioFrame)
  }
  return { sender, packets, sound, speak }
}

/** Sequence numbers and timestamps go on as if nothing had happened. */
function expectContinuous(packets: readonly RtpPacket[], units: number): void {
  for (const [i, packet] of packets.entries()) {
    const before = packets[i - 1]
    if (before === undefined) continue
    expect((packet.sequenceNumber - before.sequenceNumber) & 0xffff).toBe(1)
    expect((packet.timestamp - before.timestamp) >>> 0).toBe(units)
    expect(packet.ssrc).toBe(before.ssrc)
  }
}

function payloadOf(packets: readonly RtpPacket[]): Uint8Array {
  return new Uint8Array(Buffer.concat(packets.map(({ payload }) => payload)))
}

function encoded(codec: Codec, samples: Int16Array): Uint8Array {
  const payload = new Uint8Array(samples.length * 2)
  return payload.slice(0, codec.createEncoder().encode(samples, payload))
}

describe('RtpSender', () => {
  test('sends one packet of silence per tick when nothing is given', () => {
    const { sender, packets } = start()
    for (let i = 0; i < 50; i += 1) sender.tick()
    expect(packets.length).toBe(50)
    expectContinuous(packets, 160)
    expect(packets.every(({ payload }) => payload.length === 160)).toBe(true)
    expect(packets.every(({ payload }) => payload.every((byte) => byte === 0xff))).toBe(true)
    expect(packets.map(({ marker }) => marker)).toEqual([true, ...Array<boolean>(49).fill(false)])
  })

  test('sends what is given at once, and nothing else at that tick', () => {
    const { sender, packets, sound, speak } = start()
    for (let i = 0; i < 20; i += 1) {
      speak()
      expect(packets.length).toBe(i + 1)
      sender.tick()
    }
    expectContinuous(packets, 160)
    expect(payloadOf(packets)).toEqual(encoded(pcmu, sound.subarray(0, 3200)))
  })

  test('sends as many packets as ticks pass, whenever players come and go', () => {
    const turn = fc.record({ isSpeaking: fc.boolean(), isBefore: fc.boolean() })
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 80 }), (turns) => {
        const { sender, packets, speak } = start()
        for (const { isSpeaking, isBefore } of turns) {
          if (isSpeaking && isBefore) speak()
          sender.tick()
          if (isSpeaking && !isBefore) speak()
        }
        expectContinuous(packets, 160)
        expect(packets.length).toBeWithin(turns.length, turns.length + 3)
        // Everything that was owed is made up for at the next ticks.
        for (let i = 0; i < 5; i += 1) sender.tick()
        expect(packets.length).toBe(turns.length + 5)
      }),
    )
  })

  test('leaves out silence that there is no tick for, and sound beyond a bound', () => {
    const { sender, packets, speak } = start()
    const silence = { samples: new Int16Array(160), sampleRate: 8000, position: 0 }
    speak()
    speak()
    sender.send(silence)
    expect(sender.stats).toMatchObject({ trimmedFrames: 1, droppedFrames: 0 })
    speak()
    speak()
    expect(sender.stats).toMatchObject({ trimmedFrames: 1, droppedFrames: 1 })
    for (let i = 0; i < 3; i += 1) sender.tick()
    expect(packets.length).toBe(3)
    sender.tick()
    expect(packets.length).toBe(4)
    expectContinuous(packets, 160)
  })

  test.each([
    [10, 80, 100],
    [20, 160, 50],
    [30, 240, 33],
    [40, 320, 25],
    [60, 480, 16],
    [25, 160, 50],
  ])('makes packets for a ptime of %d ms', (ptimeMs, bytes, count) => {
    const { sender, packets, sound, speak } = start({ codec: pcma, payloadType: 8, ptimeMs })
    for (let i = 0; i < 50; i += 1) {
      speak()
      sender.tick()
    }
    expect(packets.length).toBe(count)
    expectContinuous(packets, bytes)
    const length = count * bytes
    expect(payloadOf(packets)).toEqual(encoded(pcma, sound.subarray(0, length)))
  })

  test('counts G.722 at 8000 and converts what is given at another rate', () => {
    const { sender, packets, speak } = start({ codec: g722, payloadType: 9 }, 8000)
    for (let i = 0; i < 10; i += 1) {
      speak()
      sender.tick()
    }
    expectContinuous(packets, 160)
    expect(packets.every(({ payload }) => payload.length === 160)).toBe(true)
  })

  test('sends silence of three bytes in Opus, after its encoder has come to rest', () => {
    const { sender, packets, speak } = start(
      { codec: createOpusCodec(16_000), payloadType: 96 },
      16_000,
    )
    for (let i = 0; i < 10; i += 1) {
      speak()
      sender.tick()
    }
    for (let i = 0; i < 30; i += 1) sender.tick()
    expectContinuous(packets, 960)
    expect(packets[9]!.payload.length).toBeGreaterThan(20)
    for (const { payload } of packets.slice(-20)) expect(payload).toEqual(OPUS_SILENCE)
    sender.close()
  })

  test('makes Opus packets of 60 ms, and of 20 where 30 are asked for', () => {
    for (const [ptimeMs, units] of [
      [60, 2880],
      [30, 960],
    ] as const) {
      const codec = createOpusCodec(16_000)
      const { sender, packets, speak } = start({ codec, payloadType: 96, ptimeMs }, 16_000)
      for (let i = 0; i < 30; i += 1) {
        speak()
        sender.tick()
      }
      expect(packets.length).toBe(28_800 / units)
      expectContinuous(packets, units)
      sender.close()
    }
  })

  test('is quiet while held, and comes back at the right time with a marker', () => {
    const { sender, packets, speak } = start()
    sender.tick()
    sender.isSending = false
    for (let i = 0; i < 10; i += 1) {
      speak()
      sender.tick()
    }
    expect(packets.length).toBe(1)
    sender.isSending = true
    sender.tick()
    const [first, second] = packets as [RtpPacket, RtpPacket]
    expect((second.timestamp - first.timestamp) >>> 0).toBe(11 * 160)
    expect((second.sequenceNumber - first.sequenceNumber) & 0xffff).toBe(1)
    expect(second.marker).toBe(true)
  })

  test('presses keys in place of audio, and goes on with it afterwards', () => {
    const { sender, packets, speak } = start()
    speak()
    sender.tick()
    expect(sender.pressKeys('5', { durationMs: 60, gapMs: 60 })).toBe(true)
    expect(sender.isPressing).toBe(true)
    for (let i = 0; i < 12; i += 1) {
      speak()
      sender.tick()
    }
    expect(sender.isPressing).toBe(false)
    const events = packets.filter(({ payloadType }) => payloadType === 101)
    expect(events.map(({ payload }) => payload[0])).toEqual([5, 5, 5, 5, 5])
    expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBe(1)
    expect(packets.length).toBe(13)
    const [before] = packets as [RtpPacket]
    const after = packets.at(-1)!
    expect(after.payloadType).toBe(0)
    expect((after.timestamp - before.timestamp) >>> 0).toBe(12 * 160)
  })

  test('presses no keys where the far end takes none, and none while held', () => {
    const { sender } = start({ telephoneEventType: undefined })
    expect(sender.pressKeys('1', {})).toBe(false)
    const held = start().sender
    held.isSending = false
    expect(held.pressKeys('1', {})).toBe(false)
  })

  test('changes the codec in mid-stream', () => {
    const { sender, packets, speak } = start()
    for (let i = 0; i < 5; i += 1) {
      speak()
      sender.tick()
    }
    sender.configure({ ...FORMAT, codec: pcma, payloadType: 8, ptimeMs: 40 })
    for (let i = 0; i < 4; i += 1) {
      speak()
      sender.tick()
    }
    expect(packets.map(({ payloadType }) => payloadType)).toEqual([0, 0, 0, 0, 0, 8, 8])
    expect((packets[5]!.timestamp - packets[4]!.timestamp) >>> 0).toBe(160)
    expect((packets[6]!.timestamp - packets[5]!.timestamp) >>> 0).toBe(320)
  })

  test('does not disturb an encoder when the same format comes again', () => {
    const { sender, packets, sound, speak } = start({ codec: g722, payloadType: 9 }, 16_000)
    for (let i = 0; i < 10; i += 1) {
      sender.configure({ ...FORMAT, codec: g722, payloadType: 9 })
      speak()
      sender.tick()
    }
    expect(payloadOf(packets)).toEqual(encoded(g722, sound.subarray(0, 3200)))
  })
})
