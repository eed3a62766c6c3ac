import { describe, expect, test } from 'bun:test'
import type { Codec } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { RtpReceiver } from '#transport/rtp/rtp-receiver.ts'
import { largestStep } from '../../audio/concealment/quality.ts'
import { tonePayloads } from './phone.ts'

const TONE_HZ = 400
const FRAMES = 100

/** A far end and its receiver in virtual time. */
class Line {
  readonly digits: string[] = []
  readonly receiver: RtpReceiver
  readonly #sampleRate: number
  #sequenceNumber = 0
  #timestamp = 0
  #nowMs = 0

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate
    this.receiver = new RtpReceiver(sampleRate, (digit) => this.digits.push(digit))
  }

  carry(
    payloadType: number,
    payload: Uint8Array,
    units: number,
    timestamp = this.#timestamp,
  ): void {
    const { receiver } = this
    if (receiver.takes(payloadType)) {
      receiver.receive({
        payloadType,
        payload,
        marker: false,
        sequenceNumber: this.#sequenceNumber,
        timestamp,
        ssrc: 1,
        arrivalMs: this.#nowMs,
      })
    }
    this.#sequenceNumber += 1
    this.#timestamp += units
  }

  hear(): Int16Array {
    const samples = new Int16Array(this.#sampleRate / 50)
    this.receiver.pull(samples, this.#nowMs)
    this.#nowMs += 20
    return samples
  }
}

function joined(frames: readonly Int16Array[]): Int16Array {
  return Int16Array.from(frames.flatMap((frame) => [...frame]))
}

/** Where the sound begins. */
function trimmed(samples: Int16Array): Int16Array {
  return samples.subarray(samples.findIndex((sample) => Math.abs(sample) > 3000) + 40)
}

describe('RtpReceiver', () => {
  const CHANGES: readonly (readonly [string, Codec, Codec])[] = [
    ['pcmu to pcma', pcmu, pcma],
    ['pcmu to g722', pcmu, g722],
    ['g722 to pcmu', g722, pcmu],
    ['opus to pcmu', createOpusCodec(16_000), pcmu],
    ['pcmu to opus', pcmu, createOpusCodec(48_000)],
  ]

  test.each(CHANGES)('changes from %s without a click or a gap', (_, from, to) => {
    const sampleRate = 16_000
    const line = new Line(sampleRate)
    const before = tonePayloads(from, TONE_HZ, FRAMES)
    const after = tonePayloads(to, TONE_HZ, FRAMES)
    line.receiver.configure({ codec: from, payloadType: 96 })
    const frames: Int16Array[] = []
    for (const payload of before) {
      line.carry(96, payload, from.clockRate / 50)
      frames.push(line.hear())
    }
    line.receiver.configure({ codec: to, payloadType: 97 })
    // Some are still on their way.
    const late = tonePayloads(from, TONE_HZ, FRAMES + 3).slice(FRAMES)
    for (const [i, payload] of [...late, ...after.slice(3)].entries()) {
      const isLate = i < late.length
      line.carry(isLate ? 96 : 97, payload, (isLate ? from : to).clockRate / 50)
      frames.push(line.hear())
    }
    const heard = trimmed(joined(frames))
    const cleanStep = 10_500 * ((2 * Math.PI * TONE_HZ) / sampleRate)
    expect(largestStep(heard)).toBeLessThan(1.6 * cleanStep)
    expect(findTones(heard, sampleRate)[0]!).toBeWithin(TONE_HZ - 4, TONE_HZ + 5)
    // The delay begins anew, and is bridged: the sound fades and comes back, but does not break off.
    const silent = frames.slice(20).filter((frame) => rmsDb(frame) < -40)
    expect(silent.length).toBeLessThan(4)
    line.receiver.close()
  })

  test('reports keys once and takes none of them for lost audio', () => {
    const line = new Line(8000)
    line.receiver.configure({ codec: pcmu, payloadType: 0, telephoneEventType: 101 })
    const payloads = tonePayloads(pcmu, TONE_HZ, 60)
    for (const [i, payload] of payloads.entries()) {
      const duration = (i - 20) * 160
      if (i > 20 && i <= 28) {
        const end = i > 25 ? 0x8a : 0x0a
        const event = Uint8Array.of(5, end, duration >> 8, duration & 0xff)
        line.carry(101, event, 160, 20 * 160)
      } else {
        line.carry(0, payload, 160)
      }
      line.hear()
    }
    expect(line.digits).toEqual(['5'])
    expect(line.receiver.stats).toMatchObject({ lost: 0, dropped: 0 })
  })

  test('knows what its payload types mean, and no others', () => {
    const receiver = new RtpReceiver(8000, () => {})
    receiver.configure({
      codec: pcmu,
      payloadType: 0,
      telephoneEventType: 96,
      comfortNoiseType: 13,
    })
    expect([0, 13, 96].map((type) => receiver.takes(type))).toEqual([true, true, true])
    expect([8, 101, 111].map((type) => receiver.takes(type))).toEqual([false, false, false])
    receiver.configure({ codec: pcma, payloadType: 8 })
    expect([0, 8, 96].map((type) => receiver.takes(type))).toEqual([true, true, false])
    // Comfort noise is borne with where it was not agreed to.
    expect(receiver.takes(13)).toBe(true)
  })

  test('is not disturbed by the same format again', () => {
    const line = new Line(8000)
    const wanted = new Line(8000)
    const payloads = tonePayloads(pcmu, TONE_HZ, 50)
    wanted.receiver.configure({ codec: pcmu, payloadType: 0 })
    for (const payload of payloads) {
      line.receiver.configure({ codec: pcmu, payloadType: 0 })
      line.carry(0, payload, 160)
      wanted.carry(0, payload, 160)
      expect(line.hear()).toEqual(wanted.hear())
    }
  })

  test('gives a codec up that has not been heard for a second', () => {
    const line = new Line(8000)
    line.receiver.configure({ codec: pcmu, payloadType: 0 })
    line.receiver.configure({ codec: pcma, payloadType: 8 })
    expect(line.receiver.takes(0)).toBe(true)
    for (let i = 0; i < 51; i += 1) line.hear()
    expect(line.receiver.takes(0)).toBe(false)
  })

  test('plays comfort noise at the level that the far end says', () => {
    const line = new Line(8000)
    line.receiver.configure({ codec: pcmu, payloadType: 0 })
    for (const payload of tonePayloads(pcmu, TONE_HZ, 30)) {
      line.carry(0, payload, 160)
      line.hear()
    }
    // RFC 3389 §3.1: -40 dBov.
    line.carry(13, Uint8Array.of(40), 160)
    const frames = Array.from({ length: 60 }, () => line.hear())
    expect(rmsDb(joined(frames.slice(-30)))).toBeWithin(-45, -33)
    expect(line.receiver.stats.lost).toBe(0)
  })
})
