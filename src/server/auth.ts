import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { ProblemError } from './problem.ts'

const BEARER = /^Bearer\s+(\S+)$/i
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i

/**
 * Lets through only requests that carry one of `keys`, as `Authorization: Bearer KEY` or as
 * `?token=KEY`, which is all that a browser can do on a WebSocket. No keys let everybody through.
 */
export function requireKey(keys: readonly string[]): MiddlewareHandler {
  const digests = keys.map(digest)
  return async (context, next) => {
    const header = BEARER.exec(context.req.header('authorization') ?? '')?.[1]
    const token = header ?? context.req.query('token')
    if (digests.length > 0 && !isKnown(token, digests)) {
      const detail = 'a valid API key is needed: Authorization: Bearer KEY, or ?token=KEY'
      throw new ProblemError(401, detail, { 'www-authenticate': 'Bearer' })
    }
    await next()
  }
}

/**
 * Refuses requests that a web page of a foreign origin makes in somebody's browser: without keys,
 * a page could otherwise call through a gateway on the visitor's own machine. Programs send no
 * `Origin` and pass. `trustsHost` lets pages of the very host that was asked through; on an open
 * gateway it must be false, because a foreign name can be made to point at the loopback.
 */
export function requireOrigin(allowed: readonly string[], trustsHost: boolean): MiddlewareHandler {
  const isAllowed = (origin: string, host: string | undefined) =>
    allowed.includes('*') ||
    allowed.includes(origin) ||
    LOOPBACK_ORIGIN.test(origin) ||
    (trustsHost && origin.replace(/^https?:\/\//i, '') === host)
  return async (context, next) => {
    const origin = context.req.header('origin')
    if (origin !== undefined && !isAllowed(origin, context.req.header('host'))) {
      throw new ProblemError(403, `the origin ${origin} may not use this API; see ALLOWED_ORIGINS`)
    }
    if (origin === undefined) return next()
    if (context.req.method !== 'OPTIONS') {
      // Afterwards, so that errors and streams carry them too.
      await next()
      allowOrigin(context, origin)
      return
    }
    allowOrigin(context, origin)
    context.header('access-control-allow-methods', 'GET, POST')
    context.header('access-control-allow-headers', 'authorization, content-type')
    context.header('access-control-max-age', '600')
    return context.body(null, 204)
  }
}

/** Lets the page of that origin read the answer. */
function allowOrigin(context: Context, origin: string): void {
  context.header('access-control-allow-origin', origin)
  context.header('vary', 'origin')
}

/** Compares every key in the same time, so that the time tells nothing about any of them. */
function isKnown(token: string | undefined, digests: readonly Buffer[]): boolean {
  const given = digest(token ?? '')
  return digests.filter((known) => timingSafeEqual(known, given)).length > 0
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
