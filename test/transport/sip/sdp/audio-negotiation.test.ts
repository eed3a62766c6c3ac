import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  AudioNegotiation,
  type AudioNegotiationOptions,
  type NegotiatedAudio,
} from '#transport/sip/sdp/audio-negotiation.ts'
import type { MediaEncryption } from '#transport/sip/sdp/sdes-negotiation.ts'
import { parseSessionDescription } from '#transport/sip/sdp/session-description.ts'
import { SipError } from '#transport/sip/sip-error.ts'

function create(options: Partial<AudioNegotiationOptions> = {}) {
  const agreed: NegotiatedAudio[] = []
  const negotiation = new AudioNegotiation({
    address: '192.0.2.1',
    port: 4_000,
    onNegotiated: (audio) => agreed.push(audio),
    ...options,
  })
  return { negotiation, agreed }
}

function sdp(...media: string[]): string {
  const head = ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0']
  return `${[...head, ...media].join('\r\n')}\r\n`
}

const WEBRTC_LIKE = [
  'm=audio 5000 RTP/AVP 107 0 126 110 13',
  'a=rtpmap:107 OPUS/48000/2',
  'a=rtpmap:126 telephone-event/8000',
  'a=rtpmap:110 telephone-event/48000',
  'a=fmtp:110 0-15',
  'a=ptime:40',
  'a=rtcp-mux',
]

describe('an answer', () => {
  test('takes the first codec of the offer that is known, with the numbers of the offer', () => {
    const { negotiation, agreed } = create()
    const answer = negotiation.answerOffer(sdp(...WEBRTC_LIKE))
    expect(answer).toContain('m=audio 4000 RTP/AVP 107 110\r\n')
    expect(answer).toContain('a=rtpmap:107 opus/48000/2\r\n')
    expect(answer).toContain('a=rtcp-mux\r\n')
    expect(agreed[0]).toMatchObject({
      codec: { name: 'opus' },
      payloadType: 107,
      receivePayloadType: 107,
      telephoneEventType: 110,
      telephoneEventClockRate: 48_000,
      comfortNoiseType: 13,
      ptimeMs: 40,
      remote: { address: '192.0.2.9', port: 5_000 },
      remoteRtcp: { address: '192.0.2.9', port: 5_000 },
      direction: 'sendrecv',
    })
  })

  test('keeps to the codecs it is allowed', () => {
    const { negotiation, agreed } = create({ codecs: ['pcma', 'pcmu'] })
    negotiation.answerOffer(sdp(...WEBRTC_LIKE))
    expect(agreed[0]).toMatchObject({ codec: { name: 'pcmu' }, payloadType: 0 })
    expect(agreed[0]).toMatchObject({ telephoneEventType: 126, telephoneEventClockRate: 8_000 })
  })

  test('has no telephone-event where the offer has none', () => {
    const { negotiation, agreed } = create()
    const answer = negotiation.answerOffer(sdp('m=audio 5000 RTP/AVP 8'))
    expect(answer).toContain('m=audio 4000 RTP/AVP 8\r\n')
    expect(agreed[0]).not.toHaveProperty('telephoneEventType')
    expect(agreed[0]?.remoteRtcp.port).toBe(5_001)
  })

  test('takes the first of two numbers for the same codec', () => {
    const { negotiation, agreed } = create()
    const maps = ['a=rtpmap:98 opus/48000/2', 'a=rtpmap:99 opus/48000/2']
    const answer = negotiation.answerOffer(sdp('m=audio 5000 RTP/AVP 98 99', ...maps))
    expect(answer).toContain('m=audio 4000 RTP/AVP 98\r\n')
    expect(agreed[0]?.payloadType).toBe(98)
  })

  test('refuses other streams in their place', () => {
    const { negotiation } = create()
    const answer = negotiation.answerOffer(
      sdp('m=video 6000 RTP/AVP 31', 'm=audio 5000 RTP/AVP 0', 'm=image 7000 udptl t38'),
    )
    const lines = answer.split('\r\n').filter((line) => line.startsWith('m='))
    expect(lines).toEqual(['m=video 0 RTP/AVP 31', 'm=audio 4000 RTP/AVP 0', 'm=image 0 UDPTL t38'])
    // RFC 3264 §8: and so do later offers of ours.
    const offer = negotiation.createOffer().split('\r\n')
    expect(offer.filter((line) => line.startsWith('m=')).map((line) => line.slice(0, 8))).toEqual([
      'm=video ',
      'm=audio ',
      'm=image ',
    ])
  })

  test('takes the address of the m-line before that of the session', () => {
    const { negotiation, agreed } = create()
    negotiation.answerOffer(sdp('m=audio 5000 RTP/AVP 0', 'c=IN IP6 2001:db8::7', 'a=rtcp:5009'))
    expect(agreed[0]).toMatchObject({
      remote: { address: '2001:db8::7', port: 5_000 },
      remoteRtcp: { address: '2001:db8::7', port: 5_009 },
    })
  })

  test.each([
    ['a=sendonly', 'recvonly'],
    ['a=recvonly', 'sendonly'],
    ['a=inactive', 'inactive'],
    ['c=IN IP4 0.0.0.0', 'recvonly'],
  ])('to %s is %s', (line, direction) => {
    const { negotiation, agreed } = create()
    expect(negotiation.answerOffer(sdp('m=audio 5000 RTP/AVP 0', line))).toContain(`a=${direction}`)
    expect(agreed[0]?.direction).toBe(direction as 'recvonly')
  })

  test.each([
    ['m=audio 5000 RTP/AVP 18', 'no common codec: the far end has G729'],
    ['m=audio 5000 RTP/SAVP 0', 'the audio is RTP/SAVP without a key, which is not taken'],
    ['m=video 5000 RTP/AVP 31', 'the SDP has no audio'],
  ])('is impossible to %s, and says why', (line, message) => {
    const { negotiation, agreed } = create()
    expect(() => negotiation.answerOffer(sdp(line))).toThrow(message)
    expect(agreed).toEqual([])
  })
})

describe('an offer of ours', () => {
  test('keeps the numbers that the call has, and the codec in use first', () => {
    const { negotiation } = create()
    negotiation.answerOffer(sdp(...WEBRTC_LIKE))
    const offer = negotiation.createOffer()
    // 8,000 is 126 here, and 110 stays telephone-event although 97 is our own number for it.
    expect(offer).toContain('m=audio 4000 RTP/AVP 107 0 8 9 110 126\r\n')
  })

  test('does not use a number twice that the far end has used for something else', () => {
    const { negotiation } = create()
    negotiation.answerOffer(sdp('m=audio 5000 RTP/AVP 0 96', 'a=rtpmap:96 telephone-event/8000'))
    const types = /m=audio 4000 RTP\/AVP (.*)\r\n/.exec(negotiation.createOffer())?.[1]?.split(' ')
    expect(new Set(types).size).toBe(types?.length ?? 0)
    expect(types).toContain('96')
  })

  test('keeps its version while nothing changes, and raises it by one when something does', () => {
    const { negotiation } = create()
    const first = negotiation.createOffer()
    expect(negotiation.createOffer()).toBe(first)
    negotiation.hold(true)
    const held = negotiation.createOffer()
    const version = (text: string): number => Number(/o=- \d+ (\d+) /.exec(text)?.[1])
    expect(version(held)).toBe(version(first) + 1)
    expect(held).toContain('a=sendonly')
  })

  test('may be answered with other numbers: those are for sending', () => {
    const { negotiation, agreed } = create()
    negotiation.createOffer()
    negotiation.acceptAnswer(
      sdp(
        'm=audio 5000 RTP/AVP 120 121',
        'a=rtpmap:120 opus/48000/2',
        'a=rtpmap:121 telephone-event/48000',
      ),
    )
    expect(agreed[0]).toMatchObject({ payloadType: 120, receivePayloadType: 96 })
    expect(agreed[0]).toMatchObject({ telephoneEventType: 121 })
  })
})

describe('encryption', () => {
  const pair = (ours: MediaEncryption, theirs: MediaEncryption) =>
    [create({ encryption: ours }), create({ encryption: theirs, port: 5_000 })] as const

  test.each([
    ['offered', 'offered', true],
    ['required', 'offered', true],
    ['offered', 'required', true],
    ['offered', 'never', false],
    ['never', 'offered', false],
  ] as const)('%s to %s: encrypted %p', (ours, theirs, isEncrypted) => {
    const [a, b] = pair(ours, theirs)
    a.negotiation.acceptAnswer(b.negotiation.answerOffer(a.negotiation.createOffer()))
    const [first, second] = [a.agreed[0]?.srtp, b.agreed[0]?.srtp]
    expect(first !== undefined).toBe(isEncrypted)
    expect(first?.local).toEqual(second?.remote as never)
    expect(first?.remote).toEqual(second?.local as never)
  })

  test.each([
    ['required', 'never'],
    ['never', 'required'],
  ] as const)('%s to %s: no call, and the cause is told', (ours, theirs) => {
    const [a, b] = pair(ours, theirs)
    const offer = a.negotiation.createOffer()
    expect(() => b.negotiation.answerOffer(offer)).toThrow('is not taken')
    expect(b.agreed).toEqual([])
  })

  test('an answer without a key is not taken where one is required', () => {
    const { negotiation } = create({ encryption: 'required' })
    expect(negotiation.createOffer()).toContain('m=audio 4000 RTP/SAVP 0 ')
    expect(() => negotiation.acceptAnswer(sdp('m=audio 5000 RTP/SAVP 0'))).toThrow('without a key')
  })

  test('a hold from either end keeps the keys', () => {
    const [a, b] = pair('required', 'offered')
    a.negotiation.acceptAnswer(b.negotiation.answerOffer(a.negotiation.createOffer()))
    b.negotiation.hold(true)
    b.negotiation.acceptAnswer(a.negotiation.answerOffer(b.negotiation.createOffer()))
    expect(a.agreed[1]?.direction).toBe('recvonly')
    for (const { agreed } of [a, b]) {
      expect(agreed[1]?.srtp?.local.masterKey).toEqual(agreed[0]?.srtp?.local.masterKey as never)
      expect(agreed[1]?.srtp?.remote.masterKey).toEqual(agreed[0]?.srtp?.remote.masterKey as never)
    }
  })
})

describe('a description', () => {
  test.each([
    ['hello', 'line 1 of the SDP: an SDP begins with v=0'],
    [sdp('m=audio x RTP/AVP 0'), 'line 6 of the SDP: not an m-line: m=audio x RTP/AVP 0'],
    [sdp('m=audio 70000 RTP/AVP 0'), 'line 6 of the SDP: not an m-line'],
    [
      sdp('m=audio 5 RTP/AVP 0', 'c=IN IP4 !'),
      'line 7 of the SDP: not a connection line: c=IN IP4 !',
    ],
    ['v=0\r\nm=audio 5 RTP/AVP 0\r\n', 'the audio line has no c= line'],
    [sdp(...Array.from({ length: 40 }, () => 'm=audio 5 RTP/AVP 0')), 'too many m-lines'],
  ])('%p is refused, and the line is named', (text, message) => {
    expect(() => parseSessionDescription(text)).toThrow(message)
  })

  test('may end its lines with line feeds and have unknown ones', () => {
    const text = sdp('m=audio 5000 RTP/AVP 0', 'x=what', 'a=').replaceAll('\r\n', '\n')
    expect(parseSessionDescription(text).media).toHaveLength(1)
  })

  test('of any text gives an answer or a SipError', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom(...sdp(...WEBRTC_LIKE).split('\r\n')),
      fc
        .tuple(fc.constantFrom('m=audio ', 'a=rtpmap:', 'c=IN IP4 ', 'a=ptime:'), fc.string())
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const { negotiation } = create()
        try {
          expect(negotiation.answerOffer(['v=0', ...lines].join('\r\n'))).toStartWith('v=0\r\n')
        } catch (error) {
          expect(error).toBeInstanceOf(SipError)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('of ours is understood by us: offer and answer of two ends agree', () => {
    const names = fc.uniqueArray(fc.constantFrom('pcmu', 'pcma', 'g722', 'opus' as const), {
      minLength: 1,
    })
    fc.assert(
      fc.property(names, names, (ours, theirs) => {
        const [a, b] = [create({ codecs: ours }), create({ codecs: theirs, port: 5_000 })]
        const common = ours.filter((name) => theirs.includes(name))
        const offer = a.negotiation.createOffer()
        if (common.length === 0) {
          expect(() => b.negotiation.answerOffer(offer)).toThrow('no common codec')
          return
        }
        a.negotiation.acceptAnswer(b.negotiation.answerOffer(offer))
        expect(a.agreed[0]?.codec).toBe(b.agreed[0]?.codec as never)
        expect(a.agreed[0]?.codec.name).toBe(common[0] ?? '')
        expect(a.agreed[0]?.telephoneEventType).toBe(b.agreed[0]?.telephoneEventType as never)
      }),
    )
  })
})
