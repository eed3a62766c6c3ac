import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { createSdesKey, formatSdesKey, parseSdesKey } from '#rtp/srtp/sdes.ts'
import { SRTP_PROFILES, type SrtpProfile } from '#rtp/srtp/srtp-profile.ts'

const PROFILES = Object.keys(SRTP_PROFILES) as SrtpProfile[]
const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'
const CM = 'AES_CM_128_HMAC_SHA1_80'

describe('parseSdesKey', () => {
  test('reads tag, suite, key, salt and lifetime', () => {
    expect(parseSdesKey(`1 ${CM} inline:${KEY}|2^20`)).toEqual({
      tag: 1,
      profile: CM,
      masterKey: new Uint8Array(Buffer.from(KEY, 'base64').subarray(0, 16)),
      masterSalt: new Uint8Array(Buffer.from(KEY, 'base64').subarray(16)),
      lifetimePackets: 2 ** 20,
    })
  })

  test('reads how long the key identifier is, which some gateways put into each packet', () => {
    const line = `1 ${CM} inline:${KEY}`
    expect(parseSdesKey(`${line}|2^31|1:1`)).toMatchObject({
      lifetimePackets: 2 ** 31,
      keyIdentifierBytes: 1,
    })
    expect(parseSdesKey(`${line}|66051:4`)?.keyIdentifierBytes).toBe(4)
    expect(parseSdesKey(line)).not.toHaveProperty('keyIdentifierBytes')
  })

  test.each([
    ['another suite', `2 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`],
    ['a lifetime in digits', `1 ${CM} inline:${KEY}|1048576`],
    ['hints and defaults', `1 ${CM} inline:${KEY} WSH=64 KDR=0 -x-new=1`],
    ['AEAD, its key padded', `7 AEAD_AES_128_GCM inline:${'A'.repeat(38)}==`],
    ['AEAD, its key not padded', `7 AEAD_AES_128_GCM inline:${'A'.repeat(38)}`],
    ['spaces around it', ` 1  ${CM}  inline:${KEY} `],
  ])('takes %s', (_, value) => {
    expect(parseSdesKey(value)).toBeDefined()
  })

  test.each([
    ['nothing', ''],
    ['no key', `1 ${CM}`],
    ['a suite we do not know', `1 AES_256_CM_HMAC_SHA1_80 inline:${KEY}`],
    ['a name that every object has', `1 constructor inline:${KEY}`],
    ['a key that is too short', `1 ${CM} inline:${KEY.slice(4)}`],
    ['a key that is too long', `1 ${CM} inline:${KEY}AAAA`],
    ['a key identifier of nothing', `1 ${CM} inline:${KEY}|2^20|1:0`],
    ['a key identifier that is too long', `1 ${CM} inline:${KEY}|1:129`],
    ['two lifetimes', `1 ${CM} inline:${KEY}|2^20|2^20`],
    ['bounds that are none', `1 ${CM} inline:${KEY}|x`],
    ['several keys', `1 ${CM} inline:${KEY};inline:${KEY}`],
    ['no encryption', `1 ${CM} inline:${KEY} UNENCRYPTED_SRTP`],
    ['no authentication', `1 ${CM} inline:${KEY} WSH=64 UNAUTHENTICATED_SRTP`],
    ['another key derivation', `1 ${CM} inline:${KEY} KDR=3`],
    ['a lifetime beyond all packets', `1 ${CM} inline:${KEY}|2^49`],
    ['a lifetime of nothing', `1 ${CM} inline:${KEY}|0`],
    ['a tag that is none', `x ${CM} inline:${KEY}`],
  ])('refuses %s', (_, value) => {
    expect(parseSdesKey(value)).toBeUndefined()
  })

  test('reads back what was written', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PROFILES), fc.nat(999_999_999), (profile, tag) => {
        const key = createSdesKey(tag, profile)
        expect(parseSdesKey(formatSdesKey(key))).toEqual(key)
      }),
    )
  })

  test('never throws, and takes no time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        parseSdesKey(text)
        parseSdesKey(`1 ${CM} inline:${text}`)
      }),
    )
    const startedMs = performance.now()
    parseSdesKey(`1 ${CM} inline:${KEY}${' a'.repeat(50_000)};`)
    expect(performance.now() - startedMs).toBeLessThan(500)
  })
})
