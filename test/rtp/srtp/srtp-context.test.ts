import { describe, expect, test } from 'bun:test'
import { createCipheriv, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { formatRtcp } from '#rtp/format-rtcp.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { deriveSrtpKeys } from '#rtp/srtp/derive-srtp-keys.ts'
import { SrtpContext } from '#rtp/srtp/srtp-context.ts'
import { SRTP_PROFILES, type SrtpKey, type SrtpProfile } from '#rtp/srtp/srtp-profile.ts'

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''))
const PROFILES = Object.keys(SRTP_PROFILES) as SrtpProfile[]

function keyOf(profile: SrtpProfile): SrtpKey {
  const { keyBytes, saltBytes } = SRTP_PROFILES[profile]
  return {
    profile,
    masterKey: hex('e1f97a0d3e018be0d64fa32c06de4139').slice(0, keyBytes),
    masterSalt: hex('0ec675ad498afeebb6960b3aabe6').slice(0, saltBytes),
  }
}

/** A sender and a receiver with the same key. */
function pair(profile: SrtpProfile) {
  return { sender: new SrtpContext(keyOf(profile)), receiver: new SrtpContext(keyOf(profile)) }
}

/** The packet of one sequence number, its payload made of that. */
function rtpPacket(sequenceNumber: number, ssrc = 0xcafebabe, payloadBytes = 20): Uint8Array {
  const writer = new RtpWriter({ clockRate: 8000, ssrc, sequenceNumber, timestamp: 7 })
  for (let i = 0; i < payloadBytes; i += 1) writer.payload[i] = sequenceNumber + i
  return writer.view(writer.write(0, payloadBytes)).slice()
}

function protect(context: SrtpContext, packet: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(packet.length + 16)
  bytes.set(packet)
  return bytes.slice(0, context.protectRtp(bytes, packet.length))
}

/** The opened packet; empty when it is refused. */
function unprotect(context: SrtpContext, packet: Uint8Array): Uint8Array {
  const bytes = packet.slice()
  return bytes.slice(0, context.unprotectRtp(bytes))
}

describe('SrtpContext', () => {
  test.each([
    [
      'AES_CM_128_HMAC_SHA1_80',
      'e1f97a0d3e018be0d64fa32c06de4139',
      '0ec675ad498afeebb6960b3aabe6',
      '4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb',
      '7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798',
    ],
    [
      'AEAD_AES_128_GCM',
      '000102030405060708090a0b0c0d0e0f',
      'a0a1a2a3a4a5a6a7a8a9aaab',
      'c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392',
      'c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001',
    ],
  ] as const)('makes the packets that libsrtp makes: %s', (profile, key, salt, rtp, rtcp) => {
    const context = new SrtpContext({ profile, masterKey: hex(key), masterSalt: hex(salt) })
    const body = 'ab'.repeat(16)
    const rtpBytes = protect(context, hex(`800f1234 decafbad cafebabe ${body}`))
    expect(rtpBytes.subarray(12)).toEqual(hex(rtp))
    // The first has index 0, that of libsrtp 1.
    const report = hex(`81c8000b cafebabe ${body}`)
    context.protectRtcp(report)
    expect(context.protectRtcp(report).subarray(8)).toEqual(hex(rtcp))
  })

  describe.each(PROFILES)('%s', (profile) => {
    const { rtpTagBytes, rtcpTagBytes } = SRTP_PROFILES[profile]

    test('opens what it has closed, and leaves only the header to be read', () => {
      const { sender, receiver } = pair(profile)
      for (const payloadBytes of [0, 1, 15, 16, 17, 160, 1400]) {
        const packet = rtpPacket(1000 + payloadBytes, 5, payloadBytes)
        const closed = protect(sender, packet)
        expect(closed.length).toBe(packet.length + rtpTagBytes)
        expect(closed.subarray(0, 12)).toEqual(packet.subarray(0, 12))
        if (payloadBytes > 8) {
          expect(closed.subarray(12, packet.length)).not.toEqual(packet.subarray(12))
        }
        expect(unprotect(receiver, closed)).toEqual(packet)
      }
    })

    test('leaves contributing sources and extension in the clear', () => {
      const { sender, receiver } = pair(profile)
      const packet = hex('91000001 00000002 00000003 11111111 bede0001 10ff0000 aabbccddeeff')
      const closed = protect(sender, packet)
      expect(closed.subarray(0, 24)).toEqual(packet.subarray(0, 24))
      expect(closed.subarray(24, 30)).not.toEqual(packet.subarray(24))
      expect(unprotect(receiver, closed)).toEqual(packet)
    })

    test('refuses a packet of which any bit was changed', () => {
      const { sender, receiver } = pair(profile)
      const closed = protect(sender, rtpPacket(1))
      const authentic = closed.slice()
      for (let at = 1; at < closed.length; at += 1) {
        closed[at]! ^= 1 << (at % 8)
        expect(unprotect(receiver, closed).length).toBe(0)
        closed[at]! ^= 1 << (at % 8)
      }
      expect(receiver.stats).toMatchObject({ authFailures: closed.length - 1, replayed: 0 })
      expect(unprotect(receiver, authentic)).toEqual(rtpPacket(1))
    })

    test('does not change the bytes of what it refuses', () => {
      const { receiver } = pair(profile)
      const bytes = Uint8Array.from({ length: 60 }, (_, i) => (i === 0 ? 0x80 : i))
      const before = bytes.slice()
      expect(receiver.unprotectRtp(bytes)).toBe(0)
      expect(bytes).toEqual(before)
    })

    test('takes each packet once, in any order, as far back as 127', () => {
      const { sender, receiver } = pair(profile)
      const closed = Array.from({ length: 200 }, (_, i) => protect(sender, rtpPacket(i)))
      const isTaken = (i: number) => unprotect(receiver, closed[i]!).length > 0
      expect([0, 5, 3, 5, 0, 199].map(isTaken)).toEqual([true, true, true, false, false, true])
      expect([71, 72, 72, 198, 198].map(isTaken)).toEqual([false, true, false, true, false])
      expect(receiver.stats).toEqual({ authFailures: 0, replayed: 5, malformed: 0 })
    })

    test('counts rollovers of the sequence number, also when packets are late or lost', () => {
      const { sender, receiver } = pair(profile)
      const packets: Uint8Array[] = []
      for (let i = 32_000; i < 3 * 65_536; i += 997) packets.push(rtpPacket(i & 0xffff))
      const closed = packets.map((packet) => protect(sender, packet))
      for (let i = 0; i + 1 < packets.length; i += 2) {
        const order = i % 4 === 0 && i > 0 ? [i, i + 1] : [i + 1]
        for (const at of order) expect(unprotect(receiver, closed[at]!)).toEqual(packets[at]!)
      }
      expect(receiver.stats).toEqual({ authFailures: 0, replayed: 0, malformed: 0 })
    })

    test('finds its way into a stream whose sequence number has begun anew before', () => {
      const { sender, receiver } = pair(profile)
      protect(sender, rtpPacket(65_530))
      const closed = [3, 2, 4].map((sequence) => protect(sender, rtpPacket(sequence)))
      for (const packet of closed) expect(unprotect(receiver, packet).length).toBeGreaterThan(0)
      expect(receiver.stats.authFailures).toBe(0)
    })

    test('tells SSRCs apart, and remembers the last sixteen', () => {
      const { sender, receiver } = pair(profile)
      const closed = Array.from({ length: 17 }, (_, ssrc) => protect(sender, rtpPacket(9, ssrc)))
      for (const packet of closed) expect(unprotect(receiver, packet).length).toBeGreaterThan(0)
      expect(unprotect(receiver, closed[1]!).length).toBe(0)
      expect(unprotect(receiver, closed[0]!).length).toBeGreaterThan(0)
    })

    test('never protects two packets of one sequence number', () => {
      const { sender } = pair(profile)
      expect(protect(sender, rtpPacket(1)).length).toBeGreaterThan(0)
      expect(protect(sender, rtpPacket(1)).length).toBe(0)
    })

    test('refuses what is no packet, and has no room for the tag', () => {
      const { sender, receiver } = pair(profile)
      expect(sender.protectRtp(rtpPacket(1), 32)).toBe(0)
      expect(sender.protectRtp(new Uint8Array(100), 50)).toBe(0)
      expect(receiver.unprotectRtp(hex('800000010000000200000003'))).toBe(0)
      expect(receiver.unprotectRtcp(hex('80c9000100000001'))).toBe(0)
      expect([sender.stats.malformed, receiver.stats.malformed]).toEqual([2, 2])
    })

    test('protects RTCP: all but the first header, each packet once', () => {
      const { sender, receiver } = pair(profile)
      const packet = formatRtcp([
        { type: 'receiverReport', ssrc: 9, reports: [] },
        { type: 'sourceDescription', sources: [{ ssrc: 9, cname: 'somebody' }] },
      ])
      const [first, second] = [sender.protectRtcp(packet), sender.protectRtcp(packet)]
      expect(first.length).toBe(packet.length + 4 + rtcpTagBytes)
      expect(first.subarray(0, 8)).toEqual(new Uint8Array(packet.subarray(0, 8)))
      expect(first.subarray(8, packet.length)).not.toEqual(second.subarray(8, packet.length))
      for (const closed of [second, first]) {
        const bytes = closed.slice()
        expect(receiver.unprotectRtcp(bytes)).toBe(packet.length)
        expect(bytes.subarray(0, packet.length)).toEqual(new Uint8Array(packet))
        expect(receiver.unprotectRtcp(closed.slice())).toBe(0)
      }
      const third = sender.protectRtcp(packet)
      third[12]! ^= 1
      expect(receiver.unprotectRtcp(third)).toBe(0)
      expect(receiver.stats).toEqual({ authFailures: 1, replayed: 2, malformed: 0 })
    })

    test('passes over the name of the key, where the far end gives one', () => {
      const { isAead } = SRTP_PROFILES[profile]
      const { sender } = pair(profile)
      const receiver = new SrtpContext({ ...keyOf(profile), keyIdentifierBytes: 2 })
      /** Puts the identifier before a tag of so many bytes. */
      const named = (bytes: Uint8Array, tagBytes: number) => {
        const at = bytes.length - (isAead ? 0 : tagBytes)
        return Uint8Array.of(...bytes.subarray(0, at), 7, 7, ...bytes.subarray(at))
      }
      const closed = protect(sender, rtpPacket(1))
      expect(unprotect(receiver, named(closed, rtpTagBytes))).toEqual(rtpPacket(1))
      const report = new Uint8Array(formatRtcp([{ type: 'receiverReport', ssrc: 9, reports: [] }]))
      const bytes = named(sender.protectRtcp(report), rtcpTagBytes)
      expect(receiver.unprotectRtcp(bytes)).toBe(report.length)
      expect(bytes.subarray(0, report.length)).toEqual(report)
    })

    test('protects as the RFCs say when the sequence number has begun anew', () => {
      const { sender } = pair(profile)
      protect(sender, rtpPacket(65_535))
      expect(protect(sender, rtpPacket(4))).toEqual(protectByTheBook(profile, rtpPacket(4), 1))
    })

    test('takes RTCP that is authentic, though not encrypted', () => {
      const { receiver } = pair(profile)
      const packet = new Uint8Array(
        formatRtcp([{ type: 'goodbye', ssrcs: [5], reason: 'not a secret' }]),
      )
      const closed = authenticateByTheBook(profile, packet, 3)
      const bytes = closed.slice()
      expect(receiver.unprotectRtcp(bytes)).toBe(packet.length)
      expect(bytes.subarray(0, packet.length)).toEqual(packet)
      expect(receiver.unprotectRtcp(closed)).toBe(0)
    })

    test('never throws at what others send', () => {
      const { receiver } = pair(profile)
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
          bytes[0] = 0x80 | ((bytes[0] ?? 0) & 0x3f)
          expect(receiver.unprotectRtp(bytes)).toBe(0)
          expect(receiver.unprotectRtcp(bytes)).toBe(0)
        }),
      )
      expect(receiver.unprotectRtp(new Uint8Array(5000).fill(0x80))).toBe(0)
      expect(receiver.unprotectRtcp(new Uint8Array(5000).fill(0x80))).toBe(0)
    })

    test('refuses keys of another length', () => {
      const key = keyOf(profile)
      expect(() => new SrtpContext({ ...key, masterKey: new Uint8Array(15) })).toThrow(RangeError)
      expect(() => new SrtpContext({ ...key, masterSalt: new Uint8Array(13) })).toThrow(RangeError)
    })
  })
})

/** RFC 3711 §4.1.1 and §4.2.1, RFC 7714 §8.1, in words of others. */
function protectByTheBook(profile: SrtpProfile, packet: Uint8Array, rollovers: number): Uint8Array {
  const { isAead, rtpTagBytes } = SRTP_PROFILES[profile]
  const { cipherKey, salt, authKey } = deriveSrtpKeys(keyOf(profile), 'rtp')
  const [header, body] = [packet.subarray(0, 12), packet.subarray(12)]
  const ssrc = BigInt(`0x${header.subarray(8).toHex()}`)
  const sequence = BigInt(`0x${header.subarray(2, 4).toHex()}`)
  const index = (BigInt(rollovers) << 16n) | sequence
  const saltNumber = BigInt(`0x${Buffer.from(salt).toString('hex')}`)
  if (isAead) {
    const iv = ((ssrc << 48n) | index) ^ saltNumber
    const cipher = createCipheriv('aes-128-gcm', cipherKey, bigEndian(iv, 12)).setAAD(header)
    return bytesOf(header, cipher.update(body), cipher.final(), cipher.getAuthTag())
  }
  const iv = (saltNumber << 16n) ^ (ssrc << 64n) ^ (index << 16n)
  const closed = createCipheriv('aes-128-ctr', cipherKey, bigEndian(iv, 16)).update(body)
  const authentic = bytesOf(header, closed, bigEndian(BigInt(rollovers), 4))
  const tag = createHmac('sha1', authKey).update(authentic).digest().subarray(0, rtpTagBytes)
  return bytesOf(header, closed, tag)
}

/** RFC 3711 §3.4, RFC 7714 §9.3: SRTCP with the flag for encryption not set. */
function authenticateByTheBook(
  profile: SrtpProfile,
  packet: Uint8Array,
  index: number,
): Uint8Array {
  const { cipherKey, salt, authKey } = deriveSrtpKeys(keyOf(profile), 'rtcp')
  const word = bigEndian(BigInt(index), 4)
  if (SRTP_PROFILES[profile].isAead) {
    const ssrc = BigInt(`0x${packet.subarray(4, 8).toHex()}`)
    const saltNumber = BigInt(`0x${Buffer.from(salt).toString('hex')}`)
    const iv = bigEndian(((ssrc << 48n) | BigInt(index)) ^ saltNumber, 12)
    const cipher = createCipheriv('aes-128-gcm', cipherKey, iv).setAAD(bytesOf(packet, word))
    cipher.final()
    return bytesOf(packet, cipher.getAuthTag(), word)
  }
  const tag = createHmac('sha1', authKey).update(bytesOf(packet, word)).digest()
  return bytesOf(packet, word, tag.subarray(0, 10))
}

function bigEndian(value: bigint, bytes: number): Uint8Array {
  return hex(value.toString(16).padStart(2 * bytes, '0'))
}

function bytesOf(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
