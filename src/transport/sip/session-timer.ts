import { MIN_SESSION_SECONDS } from './message/check-request.ts'

/** Who repeats the offer so that the other end knows that the call lives. */
export type Refresher = 'us' | 'them'

export interface SessionInterval {
  readonly seconds: number
  readonly refresher: Refresher
}

export interface SessionHeaders {
  readonly sessionExpires: string | undefined
  readonly supported: string | undefined
}

/** What we ask for in an INVITE of ours (RFC 4028 §4: the recommended interval). */
const DEFAULT_SECONDS = 1_800

/**
 * The headers of an INVITE of ours. `interval`: what holds already, in a call that is refreshed;
 * `seconds`: our wish, where nothing holds yet; `minSeconds`: what a 422 has asked for.
 */
export function timerRequestHeaders(
  interval?: SessionInterval,
  wish: { readonly seconds?: number | undefined; readonly minSeconds?: number } = {},
): string[] {
  const minSeconds = Math.max(wish.minSeconds ?? 0, MIN_SESSION_SECONDS)
  const seconds = Math.max(interval?.seconds ?? wish.seconds ?? DEFAULT_SECONDS, minSeconds)
  // RFC 4028 §7.1: the roles are of this request, in which we are the UAC.
  const role =
    interval === undefined ? '' : `;refresher=${interval.refresher === 'us' ? 'uac' : 'uas'}`
  return [`Session-Expires: ${seconds}${role}`, `Min-SE: ${minSeconds}`]
}

/** What the 200 to a request of ours has settled; undefined: no timer (RFC 4028 §7.2). */
export function intervalOfResponse(
  sessionExpires: string | undefined,
): SessionInterval | undefined {
  const parsed = parse(sessionExpires)
  return parsed && { seconds: parsed.seconds, refresher: parsed.role === 'uas' ? 'them' : 'us' }
}

/** What we settle for a request of theirs (RFC 4028 §9): their wish, else they shall refresh. */
export function intervalOfRequest(headers: SessionHeaders): SessionInterval | undefined {
  const parsed = parse(headers.sessionExpires)
  if (parsed === undefined) return undefined
  // A proxy may have put the interval there for an end that does not know it.
  const canTheyRefresh = /\btimer\b/i.test(headers.supported ?? '')
  const refresher = canTheyRefresh && parsed.role !== 'uas' ? 'them' : 'us'
  return { seconds: parsed.seconds, refresher }
}

/** The headers of our 200 to it. */
export function timerResponseHeaders(interval: SessionInterval | undefined): string[] {
  if (interval === undefined) return []
  const isTheirs = interval.refresher === 'them'
  const role = isTheirs ? 'uac' : 'uas'
  const expires = `Session-Expires: ${interval.seconds};refresher=${role}`
  return isTheirs ? ['Require: timer', expires] : [expires]
}

function parse(
  text: string | undefined,
): { seconds: number; role: string | undefined } | undefined {
  const match = /^(\d{1,9})(.*)$/s.exec(text ?? '')
  if (match === null) return undefined
  const role = /;\s*refresher\s*=\s*(uac|uas)/i.exec(match[2] ?? '')?.[1]?.toLowerCase()
  return { seconds: Math.max(Number(match[1]), MIN_SESSION_SECONDS), role }
}

export interface SessionTimerHandlers {
  /** It is our turn to refresh. */
  readonly onRefresh: () => void
  /** The far end has not refreshed in time. */
  readonly onExpired: () => void
}

/** The clock of RFC 4028: a call whose far end has vanished does not last for ever. */
export class SessionTimer {
  readonly #handlers: SessionTimerHandlers
  #timer: ReturnType<typeof setTimeout> | undefined
  #interval: SessionInterval | undefined

  constructor(handlers: SessionTimerHandlers) {
    this.#handlers = handlers
  }

  get interval(): SessionInterval | undefined {
    return this.#interval
  }

  /** Begins anew with what has been settled; undefined: no timer. */
  start(interval: SessionInterval | undefined): void {
    this.stop()
    this.#interval = interval
    if (interval === undefined) return
    const { seconds, refresher } = interval
    const { onRefresh, onExpired } = this.#handlers
    if (refresher === 'us') this.#timer = setTimeout(onRefresh, seconds * 500)
    // RFC 4028 §10: some time before the end, so that BYE still finds the proxies.
    else this.#timer = setTimeout(onExpired, (seconds - Math.min(32, seconds / 3)) * 1_000)
  }

  /** A refresh of ours has been refused; the interval still stands, and there is time left in it. */
  retry(): void {
    this.stop()
    const { seconds = 0 } = this.#interval ?? {}
    this.#timer = setTimeout(this.#handlers.onRefresh, seconds * 100)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
