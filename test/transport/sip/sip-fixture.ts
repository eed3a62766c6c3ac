import type { InboundCall } from '#transport/sip/inbound-call.ts'
import { methodOf, methodOfCseq, statusOf } from '#transport/sip/message/sip-message.ts'
import type { InviteOptions, OutboundCall } from '#transport/sip/outbound-call.ts'
import { AudioNegotiation, type NegotiatedAudio } from '#transport/sip/sdp/audio-negotiation.ts'
import type {
  OutboundHandlers,
  Provisional,
  Rejection,
  SipCallEnd,
} from '#transport/sip/sip-call.ts'
import { SipEndpoint, type SipEndpointOptions } from '#transport/sip/sip-endpoint.ts'
import type { WireTap } from '#transport/sip/sip-router.ts'

/** A limit that no test reaches. */
export const NO_LIMIT = { perSecond: 1e6, burst: 1e6 }

/** Media without sockets: what was agreed on, one after the other. */
export function createTestMedia(port = 40_000): {
  media: AudioNegotiation
  agreed: NegotiatedAudio[]
} {
  const agreed: NegotiatedAudio[] = []
  const media = new AudioNegotiation({
    address: '127.0.0.1',
    port,
    onNegotiated: (audio) => agreed.push(audio),
  })
  return { media, agreed }
}

/** An endpoint on the loopback, UDP at any free port. */
export function startEndpoint(options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  return SipEndpoint.start({
    udp: { host: '127.0.0.1', port: 0 },
    limit: NO_LIMIT,
    onInvite: (call) => call.reject({ code: 480 }),
    ...options,
  })
}

export interface TestCall {
  readonly call: InboundCall
  readonly ended: Promise<SipCallEnd>
}

/** Accepts every call at once, and remembers it. */
export function acceptAll(calls: TestCall[]): (call: InboundCall) => void {
  return (call) => {
    const { promise, resolve } = Promise.withResolvers<SipCallEnd>()
    calls.push({ call, ended: promise })
    call.attach({ onEnded: resolve })
    call.ring()
    call.accept(createTestMedia().media)
  }
}

/** Runs sipp and gives its exit code, and what it printed when that is not 0. */
export async function runSipp(args: readonly string[]): Promise<{ code: number; text: string }> {
  const sipp = Bun.spawn(['sipp', ...args, '-nostdin', '-i', '127.0.0.1'], {
    cwd: (await import('node:os')).tmpdir(),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, TERM: 'dumb' },
  })
  const [out, error, code] = await Promise.all([
    new Response(sipp.stdout).text(),
    new Response(sipp.stderr).text(),
    sipp.exited,
  ])
  return { code, text: code === 0 ? '' : `${out.slice(-3_000)}\n${error.slice(-2_000)}` }
}

/** Waits until `isTrue`, at most `ms`. */
export async function until(isTrue: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${isTrue}`)
    await Bun.sleep(5)
  }
}

/** Counts messages of a kind (`INVITE`, `200/BYE`) and loses the first of each that are named. */
export class Losses {
  readonly seen: string[] = []
  readonly #left: Map<string, number>

  constructor(lose: Readonly<Record<string, number>> = {}) {
    this.#left = new Map(Object.entries(lose))
  }

  /** From now on these are lost too. */
  lose(lose: Readonly<Record<string, number>>): void {
    for (const [kind, count] of Object.entries(lose)) this.#left.set(kind, count)
  }

  readonly tap: WireTap = (direction, message) => {
    const status = statusOf(message)
    const method = methodOf(message)
    const kind = method ?? `${status}/${methodOfCseq(message)}`
    const left = this.#left.get(kind) ?? 0
    this.#left.set(kind, left - 1)
    this.seen.push(`${direction} ${kind}${left > 0 ? ' lost' : ''}`)
    return left <= 0
  }
}

export interface Outcome {
  readonly call: OutboundCall
  readonly media: AudioNegotiation
  readonly agreed: NegotiatedAudio[]
  readonly provisionals: Provisional[]
  readonly rejections: Rejection[]
  readonly answered: Promise<unknown>
  readonly ended: Promise<SipCallEnd>
}

/** Calls and keeps what becomes of it. */
export function placeCall(
  endpoint: SipEndpoint,
  to: string,
  options: Partial<InviteOptions> = {},
  handlers: Partial<OutboundHandlers> = {},
): Outcome {
  const { media, agreed } = createTestMedia()
  const answered = Promise.withResolvers<unknown>()
  const ended = Promise.withResolvers<SipCallEnd>()
  const provisionals: Provisional[] = []
  const rejections: Rejection[] = []
  const call = endpoint.invite(
    { from: 'sip:caller@127.0.0.1', to, media, ...options },
    {
      onProvisional: (provisional) => provisionals.push(provisional),
      onAnswered: answered.resolve,
      onRejected: (rejection) => rejections.push(rejection),
      onEnded: ended.resolve,
      ...handlers,
    },
  )
  return {
    call,
    media,
    agreed,
    provisionals,
    rejections,
    answered: answered.promise,
    ended: ended.promise,
  }
}

/** `sip:user@127.0.0.1:port` of an endpoint. */
export function uriOf(endpoint: SipEndpoint, user = 'callee'): string {
  return `sip:${user}@127.0.0.1:${endpoint.port('UDP')}`
}

/** A UDP port that nobody has, for a program that wants to be told one. */
export async function freePort(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: '127.0.0.1' })
  const { port } = socket
  socket.close()
  return port
}
