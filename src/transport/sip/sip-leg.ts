import type { AudioFrame } from '#audio/frame.ts'
import type { Pacer } from '#media/pacer.ts'
import { type HangupCause, type Leg, type LegHandlers, LegRejection } from '../leg.ts'
import type { RtpPort } from '../rtp/rtp-port.ts'
import { RtpSession } from '../rtp/rtp-session.ts'
import { AudioNegotiation, type NegotiatedAudio } from './sdp/audio-negotiation.ts'
import type { MediaEncryption } from './sdp/sdes-negotiation.ts'
import type { EstablishedCall, OutboundHandlers, SipCallEnd, TransferRequest } from './sip-call.ts'
import type { SipMedia } from './sip-media.ts'

/** What a leg calls, or answers, by. */
export interface SipLegParts {
  readonly pacer: Pick<Pacer, 'add' | 'remove'>
  /** Opens the port of the call's audio. */
  readonly openPort: () => Promise<RtpPort>
  /** The address that the far end shall send to. */
  readonly publicAddress: string
  /** Samples per second of the frames, both ways. */
  readonly sampleRate: number
  /** Whether the audio is encrypted, by keys in the SDP. */
  readonly encryption: MediaEncryption
  /** What the far end is in this call. */
  readonly farEnd: 'caller' | 'callee'
  /** Calls, or answers, with this media; everything that becomes of it is told to the handlers. */
  readonly dial: (media: SipMedia, handlers: OutboundHandlers) => EstablishedCall
}

/** SIP: accepted, and no more is known (RFC 3515 §2.4.5 wants a last status). */
const ACCEPTED = 202

/**
 * The leg whose far end is a telephone: SIP says who and whether, RTP carries the sound. Frames come
 * and go from the first SDP on, so that what is heard before the answer (a ringing tone, an
 * announcement) reaches the detectors.
 */
export class SipLeg implements Leg {
  readonly type = 'sip'
  readonly sendRate: number
  readonly #parts: SipLegParts
  #session: RtpSession | undefined
  #audio: NegotiatedAudio | undefined
  #call: EstablishedCall | undefined
  #handlers: LegHandlers | undefined
  #isAnswered = false
  #isHeld = false

  constructor(parts: SipLegParts) {
    this.#parts = parts
    this.sendRate = parts.sampleRate
  }

  get hasDigits(): boolean {
    return this.#audio?.telephoneEventType !== undefined
  }

  get isPressing(): boolean {
    return this.#session?.isPressing ?? false
  }

  get stats(): Readonly<Record<string, number>> {
    const entries = Object.entries(this.#session?.stats ?? {})
    const numbers = entries.flatMap(([name, value]) =>
      typeof value === 'number' ? [[name, value] as const] : [],
    )
    return Object.fromEntries(numbers)
  }

  async connect(handlers: LegHandlers): Promise<{ readonly sdp: string }> {
    this.#handlers = handlers
    const port = await this.#parts.openPort()
    if (this.#handlers === undefined) {
      port.close()
      throw canceled()
    }
    const session = this.#openSession(port, handlers)
    const media = new AudioNegotiation({
      address: this.#parts.publicAddress,
      port: port.port,
      encryption: this.#parts.encryption,
      onNegotiated: (audio) => this.#agree(audio),
    })
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly sdp: string }>()
    let rejection: { readonly code: number; readonly reason: string } | undefined
    this.#call = this.#parts.dial(media, {
      onProvisional: ({ code, hasEarlyMedia }) => {
        if (code > 100) handlers.onRinging?.({ hasEarlyMedia })
      },
      onAnswered: ({ sdp }) => {
        this.#isAnswered = true
        session.answer()
        resolve({ sdp })
      },
      onRejected: (rejected) => {
        rejection = rejected
      },
      onEnded: (end) => {
        if (!this.#isAnswered) reject(this.#toRejection(end, rejection))
        this.#ended(end)
      },
      onDtmf: (digit) => this.#handlers?.onDigit?.(digit),
      onTransferRequest: (request) => this.#askForTransfer(request),
    })
    return promise
  }

  send(frame: AudioFrame): void {
    this.#session?.send(frame)
  }

  pressKeys(
    keys: string,
    timing: { readonly durationMs: number; readonly gapMs: number },
  ): boolean {
    return this.#session?.pressKeys(keys, timing) ?? false
  }

  transfer(target: string): Promise<number | undefined> {
    return this.#call?.refer(target) ?? Promise.resolve(undefined)
  }

  hangup({ reason }: HangupCause): void {
    if (this.#handlers === undefined) return
    this.#handlers = undefined
    this.#call?.hangup({ reason })
    this.#session?.close()
  }

  #openSession(port: RtpPort, handlers: LegHandlers): RtpSession {
    const { pacer, sampleRate } = this.#parts
    const session = new RtpSession(
      pacer,
      port,
      { sampleRate },
      {
        onFrame: handlers.onFrame,
        onDigit: (digit) => handlers.onDigit?.(digit),
        // Not in the middle of a tick of the pacer.
        onTimeout: () => queueMicrotask(() => this.#timedOut()),
      },
    )
    this.#session = session
    return session
  }

  #agree(audio: NegotiatedAudio): void {
    this.#audio = audio
    const { remote, remoteRtcp } = audio
    this.#session?.configure({
      codec: audio.codec,
      payloadType: audio.receivePayloadType,
      sendPayloadType: audio.payloadType,
      ptimeMs: audio.ptimeMs,
      remote: { address: remote.address, port: remote.port, rtcpPort: remoteRtcp.port },
      direction: audio.direction,
      ...(audio.telephoneEventType !== undefined && {
        telephoneEventType: audio.telephoneEventType,
      }),
      ...(audio.telephoneEventClockRate !== undefined && {
        telephoneEventRate: audio.telephoneEventClockRate,
      }),
      ...(audio.srtp && { srtp: { send: audio.srtp.local, receive: audio.srtp.remote } }),
      ...(audio.comfortNoiseType !== undefined && { comfortNoiseType: audio.comfortNoiseType }),
    })
    const isHeld = audio.direction === 'recvonly' || audio.direction === 'inactive'
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#handlers?.onHold?.(isHeld)
  }

  /** The application decides; to the far end that is all there is to say. */
  #askForTransfer({ target, referredBy, finish }: TransferRequest): void {
    this.#handlers?.onTransferRequest?.({ target, ...(referredBy !== undefined && { referredBy }) })
    finish(ACCEPTED)
  }

  #timedOut(): void {
    this.#handlers?.onHangup({ reason: 'rtp_timeout', initiator: 'system' })
  }

  #ended(end: SipCallEnd): void {
    const handlers = this.#handlers
    this.#handlers = undefined
    this.#session?.close()
    // Before the answer it is `connect` that fails.
    if (this.#isAnswered) handlers?.onHangup(this.#toCause(end))
  }

  #toCause({ by, reason, cause }: SipCallEnd): HangupCause {
    // What the user ends by `hangup` is not told here.
    const initiator = by === 'remote' ? this.#parts.farEnd : 'system'
    return { reason, initiator, ...(by === 'fault' && cause && { fault: cause }) }
  }

  #toRejection(
    end: SipCallEnd,
    rejection: { readonly code: number; readonly reason: string } | undefined,
  ): LegRejection {
    const status = rejection?.code ?? end.code ?? 500
    const reason = rejection?.reason || end.cause || end.reason
    return new LegRejection(status, reason, this.#toCause(end))
  }
}

function canceled(): LegRejection {
  return new LegRejection(487, 'canceled', { reason: 'canceled', initiator: 'user' })
}
