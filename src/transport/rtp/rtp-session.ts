import { type AudioFrame, frameSamples, PTIME_MS } from '#audio/frame.ts'
import type { Sink } from '#core/sink.ts'
import type { Paced, Pacer } from '#media/pacer.ts'
import type { JitterBuffer } from '#rtp/jitter-buffer.ts'
import { type RtpPacket, RtpReader } from '#rtp/rtp-packet.ts'
import type { PressTiming } from '#rtp/telephone-event-sender.ts'
import { RtcpChannel } from './rtcp-channel.ts'
import type { RtpFormat } from './rtp-format.ts'
import type { RtpPort } from './rtp-port.ts'
import { RtpReceiver } from './rtp-receiver.ts'
import { RtpSender } from './rtp-sender.ts'
import type { RtpSessionStats } from './rtp-session-stats.ts'
import { SourceLatch } from './source-latch.ts'
import { SrtpPair } from './srtp-pair.ts'

export interface RtpSessionHandlers {
  /** What is heard: a frame of 20 ms at every tick, borrowed. On the live path. */
  readonly onFrame: Sink<AudioFrame>
  /** A key that came as a telephone-event, once per press. */
  readonly onDigit?: Sink<string>
  /** Nothing has come for `timeoutMs`. At most once. */
  readonly onTimeout?: () => void
}

export interface RtpSessionOptions {
  /** Of frames, both ways, for the life of the session; other rates of codecs are converted. */
  readonly sampleRate: number
  /** Counts from `answer` on, while the far end may send. */
  readonly timeoutMs?: number
  /** Whether what comes before `answer` is not to be heard. */
  readonly isMutedUntilAnswer?: boolean
  /** How often reports are sent, on average. */
  readonly rtcpIntervalMs?: number
}

const TIMEOUT_MS = 30_000

interface HeardFrame extends AudioFrame {
  position: number
}

/**
 * The audio of one call over RTP, from the first SDP to the end, on one tick of the shared pacer:
 *
 *   RtpPort ─► RtpReader ─► SourceLatch ─► RtpReceiver ═ tick ═► onFrame
 *   RtpPort ◄────────────────────────────── RtpSender ◄══ send, or silence at the tick
 *
 * Where packets come from is checked before anything else is done with them; what they are not
 * is counted. Closes what it was given: the port, and itself in the pacer.
 */
export class RtpSession implements Paced {
  readonly sampleRate: number
  readonly #pacer: Pick<Pacer, 'add' | 'remove'>
  readonly #port: RtpPort
  readonly #handlers: RtpSessionHandlers
  readonly #options: RtpSessionOptions
  readonly #reader = new RtpReader()
  readonly #srtp = new SrtpPair()
  readonly #latch = new SourceLatch()
  readonly #receiver: RtpReceiver
  readonly #sender: RtpSender
  #rtcp: RtcpChannel | undefined
  /** What `#rtcp` reports on. */
  #received: JitterBuffer | undefined
  readonly #frame: HeardFrame
  readonly #counts = {
    packetsReceived: 0,
    bytesReceived: 0,
    strangers: 0,
    malformed: 0,
    unknownPayloadTypes: 0,
    early: 0,
    unsent: 0,
  }
  #format: RtpFormat | undefined
  #isMuted: boolean
  #isAnswered = false
  #isClosed = false
  /** For how long nothing has come, counted in ticks: a process that slept has missed nothing. */
  #quietMs = 0
  #hasTimedOut = false

  /** Owns `port` from now on. */
  constructor(
    pacer: Pick<Pacer, 'add' | 'remove'>,
    port: RtpPort,
    options: RtpSessionOptions,
    handlers: RtpSessionHandlers,
  ) {
    const { sampleRate } = options
    this.sampleRate = sampleRate
    this.#pacer = pacer
    this.#port = port
    this.#handlers = handlers
    this.#options = options
    this.#isMuted = options.isMutedUntilAnswer === true
    this.#receiver = new RtpReceiver(sampleRate, (digit) => handlers.onDigit?.(digit))
    this.#sender = new RtpSender(sampleRate, this.#srtp, this.#transmit)
    this.#frame = { samples: new Int16Array(frameSamples(sampleRate)), sampleRate, position: 0 }
    port.attach({ onRtp: this.#onRtp, onRtcp: this.#onRtcp })
  }

  get stats(): RtpSessionStats {
    const { packets, payloadBytes } = this.#sender.writer.stats
    const { address, port } = this.#latch
    const { silentFrames, trimmedFrames, droppedFrames } = this.#sender.stats
    const rtcp = this.#rtcp?.stats
    return {
      codec: this.#format?.codec.name,
      remoteAddress: address,
      remotePort: port,
      isLatched: this.#latch.isLatched,
      ...this.#counts,
      refused: this.#srtp.refused,
      ...this.#receiver.stats,
      jitterMs: this.#receiver.jitterMs,
      roundTripMs: rtcp?.roundTripMs,
      remoteLost: rtcp?.remoteLost,
      remoteLossShare: rtcp?.remoteLossShare,
      remoteJitterMs: rtcp?.remoteJitterMs,
      packetsSent: packets,
      bytesSent: payloadBytes,
      silentFrames,
      trimmedFrames,
      droppedFrames,
    }
  }

  /** Whether keys are being pressed by telephone-events: what is given to `send` is left out. */
  get isPressing(): boolean {
    return this.#sender.isPressing
  }

  /**
   * Begins, or goes on with, what both sides have agreed to: at the start, and after every offer and
   * answer. What stays the same is not disturbed.
   *
   * @throws {AudioError} when the codec cannot be opened.
   */
  configure(format: RtpFormat): void {
    if (this.#isClosed) return
    const { codec, telephoneEventRate, remote, direction } = format
    const isFirst = this.#format === undefined
    const nowMs = performance.now()
    this.#srtp.configure(format.srtp)
    this.#receiver.configure(format)
    this.#sender.configure({
      codec,
      ptimeMs: format.ptimeMs,
      payloadType: format.sendPayloadType ?? format.payloadType,
      telephoneEventType: format.sendTelephoneEventType ?? format.telephoneEventType,
      telephoneEventRate,
    })
    this.#sender.isSending = direction === 'sendrecv' || direction === 'sendonly'
    if (this.#latch.announce(remote, nowMs)) this.#port.expect(remote)
    this.#configureRtcp(format)
    if (this.#format?.direction !== direction) this.#quietMs = 0
    this.#format = format
    if (isFirst) this.#pacer.add(this)
  }

  /** The call is answered: what comes is heard, and its absence counts. */
  answer(): void {
    this.#isAnswered = true
    this.#isMuted = false
    this.#quietMs = 0
  }

  /** Sends one frame of 20 ms at `sampleRate`, at most one per tick. On the live path. */
  send(frame: AudioFrame): void {
    this.#sender.send(frame)
  }

  /**
   * Presses keys (each of `0-9 * # A-D`) by telephone-events. False when the far end takes none, so
   * that they must be heard, or when too many wait already.
   *
   * @throws {RangeError} if one of them is no key.
   */
  pressKeys(keys: string, timing: PressTiming = {}): boolean {
    return this.#sender.pressKeys(keys, timing)
  }

  tick(): void {
    const nowMs = performance.now()
    this.#sender.tick()
    this.#rtcp?.tick(nowMs)
    const frame = this.#frame
    this.#receiver.pull(frame.samples, nowMs)
    if (!this.#isMuted) {
      this.#handlers.onFrame(frame)
      frame.position += frame.samples.length
    }
    this.#checkTimeout()
  }

  /** Ends both halves and frees the port. Harmless to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#pacer.remove(this)
    this.#rtcp?.close()
    this.#port.close()
    this.#receiver.close()
    this.#sender.close()
  }

  #configureRtcp({ remote }: RtpFormat): void {
    const received = this.#receiver.buffer
    if (received === undefined) return
    if (this.#rtcp === undefined) {
      const sent = this.#sender.writer
      const intervalMs = this.#options.rtcpIntervalMs
      this.#rtcp = new RtcpChannel(this.#port, this.#latch, {
        srtp: this.#srtp,
        sent,
        received,
        intervalMs,
      })
    } else if (received !== this.#received) {
      this.#rtcp.follow(received)
    }
    this.#received = received
    this.#rtcp.announce(remote.port, remote.rtcpPort)
  }

  get #isReceiving(): boolean {
    const direction = this.#format?.direction
    return direction === 'sendrecv' || direction === 'recvonly'
  }

  readonly #onRtp = (bytes: Uint8Array, port: number, address: string): void => {
    const counts = this.#counts
    if (this.#format === undefined) {
      counts.early += 1
      return
    }
    const length = this.#srtp.unprotectRtp(bytes)
    if (length === 0) return
    const packet = this.#reader.read(bytes, performance.now(), length)
    if (packet === undefined) counts.malformed += 1
    else if (this.#receiver.takes(packet.payloadType)) this.#receive(packet, port, address)
    else counts.unknownPayloadTypes += 1
  }

  #receive(packet: RtpPacket, port: number, address: string): void {
    const admission = this.#latch.admit(packet, port, address)
    if (admission === 'stranger') {
      this.#counts.strangers += 1
      return
    }
    if (admission === 'latched') this.#port.claim(packet.ssrc, port, address)
    this.#quietMs = 0
    this.#counts.packetsReceived += 1
    this.#counts.bytesReceived += packet.payload.length
    if (this.#isReceiving) this.#receiver.receive(packet)
    else this.#receiver.skip(packet)
  }

  readonly #onRtcp = (bytes: Uint8Array, port: number, address: string): void => {
    if (!this.#rtcp?.receive(bytes, port, address)) return
    this.#quietMs = 0
    this.#sender.expectedLossPercent = (this.#rtcp.stats.remoteLossShare ?? 0) * 100
  }

  readonly #transmit = (packet: Uint8Array): void => {
    const { address, port } = this.#latch
    if (address === undefined || port === 0) return
    if (!this.#port.sendRtp(packet, port, address)) this.#counts.unsent += 1
  }

  #checkTimeout(): void {
    // A far end that is held, or that holds us, may be silent for as long as it likes.
    const isExpecting = this.#isAnswered && this.#format?.direction === 'sendrecv'
    if (!isExpecting || this.#isClosed) return
    this.#quietMs += PTIME_MS
    if (this.#hasTimedOut || this.#quietMs < (this.#options.timeoutMs ?? TIMEOUT_MS)) return
    this.#hasTimedOut = true
    this.#handlers.onTimeout?.()
  }
}
