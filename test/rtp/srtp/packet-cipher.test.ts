import { describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { CounterModeCipher } from '#rtp/srtp/counter-mode-cipher.ts'
import { deriveSrtpKeys } from '#rtp/srtp/derive-srtp-keys.ts'
import { GcmCipher } from '#rtp/srtp/gcm-cipher.ts'
import { HmacSha1 } from '#rtp/srtp/hmac-sha1.ts'
import type { CipherJob } from '#rtp/srtp/packet-cipher.ts'

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''))

/** The packet with room for a tag of 16 bytes behind it. */
function jobOf(packet: Uint8Array, changes: Partial<CipherJob>): CipherJob {
  const bytes = new Uint8Array(packet.length + 20)
  bytes.set(packet)
  return {
    bytes,
    bodyAt: 0,
    endAt: packet.length,
    tagAt: packet.length,
    ssrc: 0,
    indexHigh: 0,
    indexLow: 0,
    word: 0,
    ...changes,
  }
}

describe('deriveSrtpKeys', () => {
  test('derives the keys of RFC 3711 B.3', () => {
    const key = {
      profile: 'AES_CM_128_HMAC_SHA1_80',
      masterKey: hex('E1F97A0D3E018BE0D64FA32C06DE4139'),
      masterSalt: hex('0EC675AD498AFEEBB6960B3AABE6'),
    } as const
    const keys = deriveSrtpKeys(key, 'rtp')
    expect(Buffer.from(keys.cipherKey).toString('hex')).toBe('c61e7a93744f39ee10734afe3ff7a087')
    expect(Buffer.from(keys.salt).toString('hex')).toBe('30cbbc08863d8c85d49db34a9ae1')
    expect(Buffer.from(keys.authKey).toString('hex')).toBe(
      'cebe321f6ff7716b6fd4ab49af256a156d38baa4',
    )
    expect(deriveSrtpKeys(key, 'rtcp').cipherKey).not.toEqual(keys.cipherKey)
  })
})

describe('CounterModeCipher', () => {
  test('makes the key stream of RFC 3711 B.2', () => {
    const keys = {
      cipherKey: hex('2B7E151628AED2A6ABF7158809CF4F3C'),
      salt: hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'),
      authKey: new Uint8Array(20),
    }
    const job = jobOf(new Uint8Array(48), {})
    new CounterModeCipher(keys, 10).seal(job)
    expect(job.bytes.subarray(0, 48).toHex()).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4' +
        'd23513162b02d0f72a43a2fe4a5f97ab' +
        '41e95b3bb0a2e8dd477901e4fca894c0',
    )
  })
})

describe('HmacSha1', () => {
  test.each([0, 1, 51, 52, 63, 64, 172, 1500])('computes what others do, of %d bytes', (length) => {
    const key = hex('cebe321f6ff7716b6fd4ab49af256a156d38baa4')
    const bytes = Uint8Array.from({ length: length + 10 }, (_, i) => i * 7)
    const hmac = new HmacSha1(key)
    hmac.compute(bytes, length, 0xfedcba98)
    const expected = createHmac('sha1', key)
      .update(bytes.subarray(0, length))
      .update(hex('fedcba98'))
      .digest('hex')
    expect(hmac.digest.toHex()).toBe(expected)
  })
})

describe('GcmCipher', () => {
  const keys = {
    cipherKey: hex('000102030405060708090a0b0c0d0e0f'),
    salt: hex('517569642070726f2071756f'),
    authKey: new Uint8Array(0),
  }

  test('makes the SRTP packet of RFC 7714 §16.1.1', () => {
    const packet = hex(
      '8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973' +
        '20646976 69736120 696e2070 61727465 73207472 6573',
    )
    const job = jobOf(packet, { bodyAt: 12, ssrc: 0x5501a0b2, indexLow: 0xf17b })
    new GcmCipher(keys, 'rtp').seal(job)
    expect(job.bytes.subarray(0, packet.length + 16)).toEqual(
      hex(
        '8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f' +
          '42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce',
      ),
    )
    expect(new GcmCipher(keys, 'rtp').open(job)).toBe(true)
    expect(job.bytes.subarray(0, packet.length)).toEqual(packet)
  })

  test('makes the SRTCP packet of RFC 7714 §17.1', () => {
    const packet = hex(
      '81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61' +
        'deadbeef deadbeef deadbeef deadbeef deadbeef',
    )
    const index = 0x5d4
    const job = jobOf(packet, { bodyAt: 8, ssrc: 0x4d617273, indexLow: index })
    job.word = 0x80000000 + index
    new GcmCipher(keys, 'rtcp').seal(job)
    expect(job.bytes.subarray(0, packet.length + 16)).toEqual(
      hex(
        '81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d' +
          'c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade',
      ),
    )
  })
})
