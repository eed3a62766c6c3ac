import type { Server } from 'bun'
import type { Context } from 'hono'
import { CallError, type CallErrorCode } from '#call/call-error.ts'
import type { CallRegistry } from '#call/call-registry.ts'
import type { CallType } from '#protocol/call-record.ts'
import { CallSocketQuery } from '#protocol/call-socket-query.ts'
import { CallSocket } from './call-socket.ts'
import { ProblemError } from './problem.ts'

/** What Hono hands a handler beside the request: Bun's server, which upgrades sockets. */
export interface ServerEnv {
  Bindings: { readonly server: Server<CallSocket> }
}

export interface CallRouteOptions {
  readonly registry: CallRegistry
  readonly inviteTimeoutMs: number
  /** Seconds after which a refused client may try again. */
  readonly retryAfterSeconds: number
}

const STATUS: Partial<Record<CallErrorCode, 409 | 503>> = {
  duplicate_id: 409,
  at_capacity: 503,
  draining: 503,
}

/** Makes the handler of `/call`: checks the query, takes the id, upgrades to a WebSocket. */
export function createCallRoute(type: CallType, options: CallRouteOptions) {
  return (context: Context<ServerEnv>): Response => {
    if (context.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      const detail = `${context.req.path} is a WebSocket endpoint: connect with a WebSocket client`
      throw new ProblemError(426, detail, { upgrade: 'websocket' })
    }
    const query = parseQuery(context.req.query())
    const socket = openSocket(type, query, options)
    if (!context.env.server.upgrade(context.req.raw, { data: socket })) {
      socket.abandon()
      throw new ProblemError(400, 'the WebSocket handshake is not valid')
    }
    // Bun has answered the request itself; Hono only needs something to return.
    return new Response(null)
  }
}

function parseQuery(query: Record<string, string>): CallSocketQuery {
  const result = CallSocketQuery.safeParse(query)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new ProblemError(400, `${issue?.path.join('.')}: ${issue?.message}`)
}

function openSocket(type: CallType, query: CallSocketQuery, options: CallRouteOptions): CallSocket {
  const { registry, inviteTimeoutMs, retryAfterSeconds } = options
  const id = query.id ?? crypto.randomUUID()
  try {
    return new CallSocket(registry, { ...query, id, type, inviteTimeoutMs })
  } catch (error) {
    const status = error instanceof CallError ? STATUS[error.code] : undefined
    if (status === undefined) throw error
    const headers = status === 503 ? { 'retry-after': String(retryAfterSeconds) } : {}
    throw new ProblemError(status, (error as CallError).message, headers, { cause: error })
  }
}
