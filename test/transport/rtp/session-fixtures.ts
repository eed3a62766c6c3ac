import { pcmu } from '#audio/codec/g711.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { Pacer } from '#media/pacer.ts'
import type { Playback } from '#media/playback.ts'
import { Player } from '#media/player.ts'
import { OwnRtpPort } from '#transport/rtp/own-rtp-port.ts'
import type { RtpFormat } from '#transport/rtp/rtp-format.ts'
import type { RtpPort } from '#transport/rtp/rtp-port.ts'
import { RtpSession, type RtpSessionOptions } from '#transport/rtp/rtp-session.ts'
import { UdpSocket } from '#transport/udp/udp-socket.ts'
import { fitSine } from '../../audio/fit-sine.ts'
import { every20Ms, Phone, type PhoneOptions, tonePayloads } from './phone.ts'

const MAX_SECONDS = 30

export interface Remote {
  readonly address: string
  readonly port: number
}

/** A session with all that is around it in a call. */
export interface Call {
  readonly session: RtpSession
  readonly player: Player
  readonly port: RtpPort
  readonly digits: string[]
  /** What it has heard so far. */
  samples(): Int16Array
  timeouts(): number
  configure(remote: Remote, format?: Partial<RtpFormat>): void
}

/** Calls and what else is to be closed after a test. */
export class CallBench {
  readonly pacer = new Pacer()
  readonly #closers: (() => void)[] = []

  keep<T extends { close(): void }>(thing: T): T {
    this.#closers.push(() => thing.close())
    return thing
  }

  async ownPort(): Promise<RtpPort> {
    const host = '127.0.0.1'
    const rtp = await UdpSocket.open({ host, port: 0 }, () => {})
    const rtcp = await UdpSocket.open({ host, port: 0 }, () => {})
    const close = () => {
      rtp.close()
      rtcp.close()
    }
    return new OwnRtpPort({ rtp, rtcp, close })
  }

  async phone(options?: PhoneOptions): Promise<Phone> {
    return this.keep(await Phone.open(options))
  }

  /** `phone` says a tone to `port`, 20 ms at a time, until the function that is returned is called. */
  sayTone(phone: Phone, port: { readonly port: number }, frequencyHz: number): () => void {
    const payloads = tonePayloads(pcmu, frequencyHz, 200)
    const stop = every20Ms((i) => phone.say(port, payloads[i % payloads.length]!))
    this.keep({ close: stop })
    return stop
  }

  async call(options: Partial<RtpSessionOptions> & { port?: RtpPort } = {}): Promise<Call> {
    const { sampleRate = 8000 } = options
    const port = options.port ?? (await this.ownPort())
    const heard = new Int16Array(MAX_SECONDS * sampleRate)
    let length = 0
    const digits: string[] = []
    let timeouts = 0
    const handlers = {
      onFrame: ({ samples }: { samples: Int16Array }) => {
        heard.set(samples, length)
        length += samples.length
      },
      onDigit: (digit: string) => digits.push(digit),
      onTimeout: () => {
        timeouts += 1
      },
    }
    const session = this.keep(
      new RtpSession(this.pacer, port, { ...options, sampleRate }, handlers),
    )
    const player = this.keep(new Player(this.pacer, sampleRate, (frame) => session.send(frame)))
    return {
      session,
      player,
      port,
      digits,
      samples: () => heard.subarray(0, length),
      timeouts: () => timeouts,
      configure(remote, format) {
        session.configure(formatFor(remote, format))
        session.answer()
      },
    }
  }

  close(): void {
    for (const close of this.#closers.splice(0).reverse()) close()
    this.pacer.close()
  }
}

export function formatFor(remote: Remote, format: Partial<RtpFormat> = {}): RtpFormat {
  const { address, port } = remote
  return {
    codec: pcmu,
    payloadType: 0,
    telephoneEventType: 101,
    ptimeMs: 20,
    remote: { address, port, rtcpPort: port },
    direction: 'sendrecv',
    ...format,
  }
}

/** A tone that plays for ever, or for so long. */
export function tonePlayback(
  sampleRate: number,
  frequencyHz: number,
  durationMs = Infinity,
): Playback {
  const tone = new ToneGenerator(sampleRate, [{ frequencyHz, levelDb: -10 }])
  let left = durationMs
  return {
    get isFinished() {
      return left <= 0
    },
    read(frame) {
      if (left <= 0) return 0
      left -= 20
      frame.set(tone.generate((frame.length * 1000) / sampleRate))
      return frame.length
    },
    close() {},
  }
}

/**
 * How far everything but the tone is below it, in dB: the median of pieces of 50 ms, since what is
 * heard may be stretched anywhere, and a busy machine loses a packet.
 */
export function purityDb(samples: Int16Array, frequencyHz: number, sampleRate: number): number {
  const length = sampleRate / 20
  const pieces = Math.floor(samples.length / length)
  const residues = Array.from({ length: pieces }, (_, i) => {
    const piece = samples.subarray(i * length, (i + 1) * length)
    return fitSine(piece, frequencyHz, sampleRate).residueDb
  })
  return residues.sort((a, b) => a - b)[pieces >> 1] ?? Infinity
}
