import { describe, expect, test } from 'bun:test'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { createSdesKey } from '#rtp/srtp/sdes.ts'
import { SrtpPair } from '#transport/rtp/srtp-pair.ts'

const PROFILE = 'AES_CM_128_HMAC_SHA1_80'

/** A packet, and how long it is, in a buffer with room for a tag. */
function packet(): { bytes: Uint8Array; length: number } {
  const writer = new RtpWriter({ clockRate: 8000 })
  const length = writer.write(0, 160)
  return { bytes: writer.buffer.slice(0, length + 16), length }
}

describe('SrtpPair', () => {
  test('lets packets pass as they are without keys', () => {
    const pair = new SrtpPair()
    const { bytes, length } = packet()
    const before = bytes.slice()
    expect(pair.protectRtp(bytes, length)).toBe(length)
    expect(pair.unprotectRtp(bytes)).toBe(bytes.length)
    expect(bytes).toEqual(before)
    expect(pair.refused).toBe(0)
  })

  test('remembers what it sent and received when the same keys come again', () => {
    const key = createSdesKey(1, PROFILE)
    const pair = new SrtpPair()
    pair.configure({ send: key, receive: key })
    const { bytes, length } = packet()
    const again = bytes.slice()
    const protectedLength = pair.protectRtp(bytes, length)
    const received = bytes.slice(0, protectedLength)
    const repeated = received.slice()
    expect(pair.unprotectRtp(received)).toBe(length)
    pair.configure({ send: { ...key }, receive: { ...key } })
    expect(pair.protectRtp(again, length)).toBe(0)
    expect(pair.unprotectRtp(repeated)).toBe(0)
    expect(pair.refused).toBe(1)
  })

  test('takes new keys, and gives them up', () => {
    const [one, other] = [createSdesKey(1, PROFILE), createSdesKey(1, PROFILE)]
    const [sender, receiver] = [new SrtpPair(), new SrtpPair()]
    sender.configure({ send: other, receive: other })
    receiver.configure({ send: one, receive: one })
    const { bytes, length } = packet()
    const received = bytes.subarray(0, sender.protectRtp(bytes, length))
    expect(receiver.unprotectRtp(received.slice())).toBe(0)
    receiver.configure({ send: one, receive: other })
    expect(receiver.unprotectRtp(received.slice())).toBe(length)
    receiver.configure(undefined)
    expect(receiver.unprotectRtp(received.slice())).toBe(received.length)
  })
})
