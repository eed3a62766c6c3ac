import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { type Address, allowedAddresses, type Resolve } from './address-guard.ts'
import { withDeadline } from './deadline.ts'
import { MediaError } from './media-error.ts'

export interface HttpOptions {
  readonly allowPrivate: boolean
  /** Until the head of an answer, look-up and connection included; and between two pieces of it. */
  readonly timeoutMs: number
  /** Of a body. */
  readonly maxBytes: number
  readonly maxRedirects: number
  /** How host names become addresses; DNS unless a test says otherwise. */
  readonly resolve?: Resolve
  /** Certificates to trust in place of the usual ones, PEM. */
  readonly trusted?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /**
   * The body, piece by piece, no faster than it is read. Ends with a `MediaError` when it breaks.
   * Whoever does not read it to its end returns it or calls `discard`.
   */
  readonly body: AsyncIterable<Uint8Array>
  /** Closes the connection. */
  discard(): void
}

/**
 * Asks for one URL, without following redirects, on a connection of its own to an address that has
 * been checked. `signal` closes the connection at any time, also while the body is read.
 *
 * Throws `MediaError`: `forbidden`, `network`, `timeout`.
 */
export async function getOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { allowPrivate, timeoutMs, resolve } = options
  const response = await withDeadline(timeoutMs, signal, async (within) => {
    const addresses = await allowedAddresses(url.hostname, allowPrivate, resolve)
    within.throwIfAborted()
    return send(url, { headers, addresses, signal: within, ca: options.trusted })
  })
  return {
    status: response.statusCode ?? 0,
    headers: response.headers as Record<string, string | undefined>,
    body: readBody(response, options),
    discard: () => response.destroy(),
  }
}

interface SendOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly addresses: readonly Address[]
  readonly signal: AbortSignal
  readonly ca: string | undefined
}

function send(url: URL, { headers, addresses, signal, ca }: SendOptions): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const outgoing = request(url.href, {
      agent: false,
      headers: {
        accept: 'audio/*, */*;q=0.5',
        'accept-encoding': 'identity',
        'user-agent': 'BunPBX',
        ...headers,
      },
      lookup: pinTo(addresses) as LookupFunction,
      signal,
      ...(ca !== undefined && { ca }),
    })
    // After the answer has begun, what goes wrong is reported by reading it, and by nothing else.
    outgoing.on('response', (response) => {
      response.on('error', () => undefined)
      resolve(response)
    })
    outgoing.on('error', (cause) => reject(connectionError(cause, url, signal)))
    outgoing.end()
  })
}

type LookupCallback = (error: null, found: unknown, family?: number) => void

/** A look-up that answers with what has been checked, whatever is asked. */
function pinTo(addresses: readonly Address[]) {
  return (_hostname: string, lookup: { all?: boolean }, callback: LookupCallback): void => {
    const [first] = addresses as readonly [Address]
    if (lookup.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  }
}

async function* readBody(
  response: IncomingMessage,
  { timeoutMs, maxBytes }: HttpOptions,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  const arm = () => setTimeout(() => response.destroy(stalled(timeoutMs)), timeoutMs)
  let stall = arm()
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      clearTimeout(stall)
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge(maxBytes)
      yield chunk
      // Only the time in which we wait for the server counts, not that in which we are full.
      stall = arm()
    }
  } catch (cause) {
    if (cause instanceof MediaError) throw cause
    throw new MediaError('network', 'url: the connection ended before the file did', { cause })
  } finally {
    clearTimeout(stall)
    response.destroy()
  }
}

/** The error for a file of more than `maxBytes`. */
export function tooLarge(maxBytes: number): MediaError {
  return new MediaError('too_large', `url: the file has more than ${maxBytes / 1e6} MB`)
}

function stalled(timeoutMs: number): MediaError {
  return new MediaError('timeout', `url: the server sent nothing for ${timeoutMs / 1000} seconds`)
}

function connectionError(cause: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  const { code, message } = cause as { code?: string; message?: string }
  return new MediaError('network', `url: ${url.host} does not answer (${code ?? message})`, {
    cause,
  })
}
