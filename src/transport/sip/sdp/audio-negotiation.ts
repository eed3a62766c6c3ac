import type { Codec } from '#audio/codec/codec.ts'
import { findCodec } from '#audio/codec/find-codec.ts'
import { formatSdesKey } from '#rtp/srtp/sdes.ts'
import { SipError } from '../sip-error.ts'
import type { SipMedia } from '../sip-media.ts'
import {
  type AudioDescription,
  formatAudioDescription,
  type MediaLine,
  type OfferedFormat,
} from './format-audio.ts'
import { type PayloadFormat, payloadFormats } from './payload-format.ts'
import { type MediaEncryption, SdesNegotiation, type SrtpKeys } from './sdes-negotiation.ts'
import {
  attribute,
  type MediaDescription,
  type MediaDirection,
  parseSessionDescription,
} from './session-description.ts'

export type SipCodecName = 'pcmu' | 'pcma' | 'g722' | 'opus'

/** What both ends have agreed on for the audio of a call. */
export interface NegotiatedAudio {
  readonly codec: Codec
  /** Payload type of what we send. */
  readonly payloadType: number
  /** Payload type of what we receive; nearly always the same. */
  readonly receivePayloadType: number
  /** Absent: the far end does not take RFC 4733, so keys are to be heard in the audio. */
  readonly telephoneEventType?: number
  /** Usually that of the codec; the far end may know only another. */
  readonly telephoneEventClockRate?: number
  /** Set when the far end may send comfort noise (RFC 3389). */
  readonly comfortNoiseType?: number
  /** Length of the packets that the far end would like. */
  readonly ptimeMs: number
  readonly remote: { readonly address: string; readonly port: number }
  /** Where RTCP goes; `remote` itself with rtcp-mux. */
  readonly remoteRtcp: { readonly address: string; readonly port: number }
  /** The keys, where the audio is encrypted. */
  readonly srtp?: SrtpKeys
  /** What we may do: with `recvonly` and `inactive` the far end holds us. */
  readonly direction: MediaDirection
}

export interface AudioNegotiationOptions {
  /** Where we receive, as others reach it. */
  readonly address: string
  readonly port: number
  /** What we take, in our order. Default: pcmu, pcma, g722, opus. */
  readonly codecs?: readonly SipCodecName[]
  /** Default: `never`. */
  readonly encryption?: MediaEncryption
  /** Called after each offer and answer that has been agreed on. */
  readonly onNegotiated: (audio: NegotiatedAudio) => void
}

const ENCODINGS: Readonly<Record<SipCodecName, Omit<OfferedFormat, 'payloadType'>>> = {
  pcmu: { encoding: 'PCMU/8000' },
  pcma: { encoding: 'PCMA/8000' },
  // RFC 3551 §4.5.2: G.722 says 8,000 for historical reasons.
  g722: { encoding: 'G722/8000' },
  opus: { encoding: 'opus/48000/2', parameters: 'useinbandfec=1' },
}
interface Agreement {
  readonly audio: MediaDescription
  readonly chosen: readonly [PayloadFormat, SipCodecName]
  readonly receivePayloadType: number
  readonly direction: MediaDirection
  readonly keys: SrtpKeys | undefined
}

/** Numbers in an offer of ours, as long as the far end has not used them for something else. */
const DEFAULT_TYPES: Readonly<Record<string, number>> = {
  'pcmu/8000': 0,
  'pcma/8000': 8,
  'g722/8000': 9,
  'opus/48000': 96,
  'telephone-event/8000': 101,
  'telephone-event/48000': 97,
}
const PTIME_MS = 20
const PTIMES_MS = [10, 20, 30, 40, 60]

/**
 * Offer and answer for one stream of audio (RFC 3264), for the whole life of a call: who offers may
 * change, the numbers of the codecs may not.
 */
export class AudioNegotiation implements SipMedia {
  readonly #options: AudioNegotiationOptions
  readonly #sessionId = String(Math.floor(Math.random() * 2 ** 52))
  readonly #sdes: SdesNegotiation
  /** Payload types of this call, by `name/clockRate`. */
  readonly #types = new Map<string, number>()
  /** Numbers that the far end has used, for whatever. */
  readonly #taken = new Set<number>()
  #sessionVersion = 1
  #sentBody = ''
  #lines: readonly MediaLine[] = [{ kind: 'audio-of-ours' }]
  #protocol: string
  #isHolding = false
  #current: NegotiatedAudio | undefined

  constructor(options: AudioNegotiationOptions) {
    this.#options = options
    this.#sdes = new SdesNegotiation(options.encryption ?? 'never')
    this.#protocol = this.#sdes.offeredProtocol
  }

  /** What holds now; undefined before the first agreement. */
  get current(): NegotiatedAudio | undefined {
    return this.#current
  }

  /** Whether our next offer puts the far end on hold. */
  hold(isHolding: boolean): void {
    this.#isHolding = isHolding
  }

  createOffer(): string {
    const names = this.#offeredNames()
    const rates = new Set(names.map((name) => (name === 'opus' ? 48_000 : 8_000)))
    const formats = names.map((name) => this.#format(name))
    for (const rate of rates) formats.push(this.#telephoneEvent(rate))
    const direction = this.#isHolding ? 'sendonly' : 'sendrecv'
    return this.#write({ formats, direction, hasRtcpMux: true, crypto: this.#sdes.offer() })
  }

  answerOffer(offer: string): string {
    const { media } = parseSessionDescription(offer)
    const index = media.findIndex(
      (line) => this.#isUsable(line) && this.#choose(line) !== undefined,
    )
    const audio = media[index]
    const chosen = audio && this.#choose(audio)
    if (audio === undefined || chosen === undefined) {
      throw nothingInCommon(media, (line) => this.#isUsable(line))
    }
    const [format, name] = chosen
    const formats = payloadFormats(audio)
    // Of two numbers for the same the first is preferred, so it is learnt last.
    for (const known of formats.toReversed()) this.#learn(known)
    this.#lines = media.map((line, i) =>
      i === index ? { kind: 'audio-of-ours' } : { kind: 'refused', line: refused(line) },
    )
    this.#protocol = audio.protocol
    const direction = answerDirection(audio, this.#isHolding)
    const events = telephoneEventOf(formats, format.clockRate)
    const answered = [this.#format(name)]
    if (events !== undefined) answered.push(this.#telephoneEvent(events.clockRate))
    const keys = this.#sdes.answer(audio)
    const body = this.#write({
      formats: answered,
      direction,
      hasRtcpMux: attribute(audio, 'rtcp-mux') !== undefined,
      crypto: keys === undefined ? [] : [formatSdesKey(keys.local)],
    })
    this.#agree({ audio, chosen, receivePayloadType: format.payloadType, direction, keys })
    return body
  }

  acceptAnswer(answer: string): void {
    const { media } = parseSessionDescription(answer)
    const index = this.#lines.findIndex(({ kind }) => kind === 'audio-of-ours')
    const audio = media[index]
    if (audio === undefined || audio.kind !== 'audio' || audio.port === 0) {
      throw new SipError('no_common_codec', 'the answer refuses the audio')
    }
    const chosen = this.#choose(audio)
    const isAllowed = (line: MediaDescription): boolean =>
      this.#sdes.allows(line, this.#sdes.accept(line))
    if (chosen === undefined || !isAllowed(audio)) throw nothingInCommon(media, isAllowed)
    const [format, name] = chosen
    const keys = this.#sdes.accept(audio)
    const receivePayloadType = this.#types.get(`${name}/${format.clockRate}`) ?? format.payloadType
    const direction = answerDirection(audio, this.#isHolding)
    this.#agree({ audio, chosen, receivePayloadType, direction, keys })
  }

  #agree({ audio, chosen, receivePayloadType, direction, keys }: Agreement): void {
    const [format, name] = chosen
    const formats = payloadFormats(audio)
    const events = telephoneEventOf(formats, format.clockRate)
    const noise = formats.find((known) => known.name === 'cn' && known.clockRate === 8_000)
    const codec = findCodec(name, name === 'opus' ? 48_000 : undefined)
    if (codec === undefined) throw new SipError('no_common_codec', `${name} is not built in`)
    const remote = { address: audio.address, port: audio.port }
    this.#current = {
      codec,
      payloadType: format.payloadType,
      receivePayloadType,
      ...(events && {
        telephoneEventType: events.payloadType,
        telephoneEventClockRate: events.clockRate,
      }),
      ...(noise && { comfortNoiseType: noise.payloadType }),
      ...(keys && { srtp: keys }),
      ptimeMs: ptimeOf(audio),
      remote,
      remoteRtcp: rtcpOf(audio),
      direction,
    }
    this.#options.onNegotiated(this.#current)
  }

  #isUsable(media: MediaDescription): boolean {
    if (media.kind !== 'audio' || media.port === 0) return false
    return this.#sdes.allows(media, this.#sdes.answer(media))
  }

  /** RFC 3264 §6.1: of what we know, what the other end prefers. */
  #choose(audio: MediaDescription): readonly [PayloadFormat, SipCodecName] | undefined {
    for (const format of payloadFormats(audio)) {
      const name = this.#names().find((known) => {
        const rate = known === 'opus' ? 48_000 : 8_000
        return known === format.name && format.clockRate === rate
      })
      if (name !== undefined) return [format, name]
    }
    return undefined
  }

  #names(): readonly SipCodecName[] {
    return this.#options.codecs ?? ['pcmu', 'pcma', 'g722', 'opus']
  }

  /** The codec in use comes first, so that a hold does not change it. */
  #offeredNames(): readonly SipCodecName[] {
    const current = this.#current?.codec.name
    const names = this.#names()
    return [
      ...names.filter((name) => name === current),
      ...names.filter((name) => name !== current),
    ]
  }

  #format(name: SipCodecName): OfferedFormat {
    const key = `${name}/${name === 'opus' ? 48_000 : 8_000}`
    return { ...ENCODINGS[name], payloadType: this.#type(key) }
  }

  #telephoneEvent(rate: number): OfferedFormat {
    const payloadType = this.#type(`telephone-event/${rate}`)
    return { payloadType, encoding: `telephone-event/${rate}`, parameters: '0-16' }
  }

  #learn({ name, clockRate, payloadType }: PayloadFormat): void {
    const key = `${name}/${clockRate}`
    if (key in DEFAULT_TYPES) this.#types.set(key, payloadType)
    this.#taken.add(payloadType)
  }

  /** RFC 3264 §8.3.2: a number keeps its meaning for the whole session. */
  #type(key: string): number {
    const known = this.#types.get(key)
    if (known !== undefined) return known
    const used = this.#taken.union(new Set(this.#types.values()))
    let type = DEFAULT_TYPES[key] ?? 96
    while (used.has(type)) type = type >= 96 && type < 127 ? type + 1 : 96
    this.#types.set(key, type)
    return type
  }

  #write(what: Pick<AudioDescription, 'formats' | 'direction' | 'hasRtcpMux' | 'crypto'>): string {
    const { address, port } = this.#options
    const format = (sessionVersion: number): string =>
      formatAudioDescription({
        sessionId: this.#sessionId,
        sessionVersion,
        address,
        port,
        protocol: this.#protocol,
        ptimeMs: PTIME_MS,
        lines: this.#lines,
        ...what,
      })
    // RFC 3264 §8: the version says whether anything has changed.
    const same = format(this.#sessionVersion)
    if (this.#sentBody === '' || same === this.#sentBody) {
      this.#sentBody = same
      return same
    }
    this.#sessionVersion += 1
    this.#sentBody = format(this.#sessionVersion)
    return this.#sentBody
  }
}

/** What we may do, given what they do, and whether we hold them (RFC 3264 §6.1, §8.4). */
function answerDirection(audio: MediaDescription, isHolding: boolean): MediaDirection {
  // RFC 3264 §8.4: the older way to hold is to name no address.
  const isUnspecified = audio.address === '0.0.0.0' || audio.address === '::'
  const theyReceive = /recv/.test(audio.direction) && !isUnspecified
  const theySend = /send/.test(audio.direction) && !isHolding
  if (theyReceive) return theySend ? 'sendrecv' : 'sendonly'
  return theySend ? 'recvonly' : 'inactive'
}

/** RFC 4733 §2.1: events of the clock of the audio, else whatever there is. */
function telephoneEventOf(
  formats: readonly PayloadFormat[],
  clockRate: number,
): PayloadFormat | undefined {
  const events = formats.filter(({ name }) => name === 'telephone-event')
  return events.find((event) => event.clockRate === clockRate) ?? events[0]
}

function ptimeOf(audio: MediaDescription): number {
  const wanted = Number(attribute(audio, 'ptime') ?? PTIME_MS)
  const longest = Number(attribute(audio, 'maxptime') ?? 60)
  const ptimeMs = PTIMES_MS.includes(wanted) ? wanted : PTIME_MS
  return ptimeMs > longest && PTIMES_MS.includes(longest) ? longest : ptimeMs
}

/** RFC 3605, RFC 5761; otherwise the next port. */
function rtcpOf(audio: MediaDescription): { readonly address: string; readonly port: number } {
  const remote = { address: audio.address, port: audio.port }
  if (attribute(audio, 'rtcp-mux') !== undefined) return remote
  const match = /^(\d{1,5})(?:\s+IN\s+IP[46]\s+(\S+))?/i.exec(attribute(audio, 'rtcp') ?? '')
  if (match === null) return { ...remote, port: audio.port + 1 }
  return { address: match[2] ?? audio.address, port: Number(match[1]) }
}

/** RFC 3264 §6: a refused stream stays in its place, with port 0. */
function refused({ kind, protocol, formats }: MediaDescription): string {
  return `m=${kind} 0 ${protocol} ${formats.join(' ') || '0'}`
}

/** Says what stands against the audio of an SDP, for the people who have to set it up. */
function nothingInCommon(
  media: readonly MediaDescription[],
  isAllowed: (line: MediaDescription) => boolean,
): SipError {
  const audio = media.find(({ kind }) => kind === 'audio')
  if (audio === undefined) return new SipError('no_common_codec', 'the SDP has no audio')
  if (!isAllowed(audio)) {
    const keys = attribute(audio, 'crypto') === undefined ? 'without a key' : 'with keys'
    const what = `the audio is ${audio.protocol} ${keys}`
    return new SipError('no_common_codec', `${what}, which is not taken`)
  }
  const names = payloadFormats(audio).map(({ name }) => name.toUpperCase())
  const known = [...new Set(names)].join(', ')
  return new SipError('no_common_codec', `no common codec: the far end has ${known}`)
}
