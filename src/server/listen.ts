import type { Server } from 'bun'
import type { CallSocket } from './call-socket.ts'
import { websocketHandler } from './websocket-handler.ts'

/** Answers one HTTP request; `server` upgrades it to a WebSocket. */
export type Fetch = (
  request: Request,
  env: { readonly server: Server<CallSocket> },
) => Response | Promise<Response>

export interface Listener {
  readonly port: number
  /** Where a person would go. */
  readonly url: string
  /** Takes no further connection and closes the ones that are there. */
  close(): Promise<void>
}

/** A port could not be listened on. The message is one line with the way out. */
class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** A request body larger than this is refused. */
const MAX_BODY_BYTES = 1024 * 1024
const LOOPBACK = ['127.0.0.1', '::1'] as const

/**
 * Listens on `host` and `port` (0 takes any free one). `localhost` means both loopback addresses,
 * so that a client that resolves it to either one is answered.
 *
 * @throws {ListenError} if the port is taken or the address is not ours.
 */
export function listen(host: string, port: number, fetch: Fetch): Listener {
  const [first, second] = host === 'localhost' ? LOOPBACK : [host]
  const servers = [serve(first, port, fetch)]
  const bound = servers[0]?.port ?? port
  if (second !== undefined) {
    const other = serveOptional(second, bound, fetch)
    if (other !== undefined) servers.push(other)
  }
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    port: bound,
    url: `http://${shown === '0.0.0.0' || shown === '[::]' ? 'localhost' : shown}:${bound}`,
    close: async () => {
      await Promise.all(servers.map((server) => server.stop(true)))
    },
  }
}

function serve(hostname: string, port: number, fetch: Fetch): Server<CallSocket> {
  try {
    return Bun.serve<CallSocket>({
      hostname,
      port,
      maxRequestBodySize: MAX_BODY_BYTES,
      fetch: (request, server) => fetch(request, { server }),
      websocket: websocketHandler,
    })
  } catch (cause) {
    throw new ListenError(explain(cause, hostname, port), { cause })
  }
}

/** A machine without IPv6 has no `::1`; a port that is taken there is an error all the same. */
function serveOptional(
  hostname: string,
  port: number,
  fetch: Fetch,
): Server<CallSocket> | undefined {
  try {
    return serve(hostname, port, fetch)
  } catch (error) {
    if ((error as { cause?: { code?: string } }).cause?.code === 'EADDRINUSE') throw error
    return undefined
  }
}

function explain(cause: unknown, hostname: string, port: number): string {
  const { code, message } = cause as { code?: string; message?: string }
  if (code === 'EADDRINUSE') {
    return `PORT: ${port} on ${hostname} is in use; stop the other program or set PORT`
  }
  if (code === 'EACCES') return `PORT: ${port} needs more rights; set PORT to 1024 or above`
  return `HOST: cannot listen on ${hostname}:${port} (${message})`
}
