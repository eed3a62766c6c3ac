import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { type Address, allowedAddresses, type Resolve } from './address-guard.ts'
import { MediaError } from './media-error.ts'

export interface HttpOptions {
  readonly allowPrivate: boolean
  /** Until the head of the answer, and between two pieces of the body. */
  readonly timeoutMs: number
  /** Of the body. */
  readonly maxBytes: number
  readonly maxRedirects: number
  /** How host names become addresses; DNS unless a test says otherwise. */
  readonly resolve?: Resolve
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body, piece by piece, as fast as it is read; ends with a `MediaError` when it breaks. */
  readonly body: AsyncIterable<Uint8Array>
}

const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * Fetches a URL for `play`. Every hop is checked against the address guard and then connected to by
 * the very address that was checked.
 *
 * @throws {MediaError}
 */
export async function openHttp(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let target = url
  for (let hop = 0; hop <= options.maxRedirects; hop += 1) {
    const response = await requestOnce(target, headers, options, signal)
    const { statusCode = 0 } = response
    if (!REDIRECTS.includes(statusCode)) return answer(response, options)
    response.destroy()
    target = redirected(target, response.headers.location)
  }
  throw new MediaError('network', `url: more than ${options.maxRedirects} redirects`)
}

function redirected(from: URL, location: string | undefined): URL {
  const target = URL.parse(location ?? '', from.href)
  if (target !== null && /^https?:$/.test(target.protocol)) return target
  throw new MediaError('network', 'url: is redirected to what is no http(s) URL')
}

async function requestOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const addresses = await allowedAddresses(url.hostname, options.allowPrivate, options.resolve)
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const outgoing = request(url.href, {
      headers: { 'accept-encoding': 'identity', 'user-agent': 'BunPBX', ...headers },
      lookup: pinTo(addresses) as LookupFunction,
      signal,
    })
    const timer = setTimeout(() => outgoing.destroy(timedOut(options)), options.timeoutMs)
    outgoing.on('response', (response) => {
      clearTimeout(timer)
      resolve(response)
    })
    outgoing.on('error', (cause) => {
      clearTimeout(timer)
      reject(toMediaError(cause, url))
    })
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

function answer(response: IncomingMessage, options: HttpOptions): HttpAnswer {
  const { statusCode: status = 0 } = response
  const headers = response.headers as Record<string, string | undefined>
  if (status === 304) return { status, headers, body: readBody(response, options) }
  if (status === 404 || status === 410) {
    throw refuse(response, 'not_found', `url: the server has no such file (${status})`)
  }
  if (status < 200 || status >= 300) {
    throw refuse(response, 'server', `url: the server answers ${status}`)
  }
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    throw refuse(response, 'unsupported', `url: the server compresses the file (${encoding})`)
  }
  if (Number(headers['content-length'] ?? 0) > options.maxBytes) throw refuse(response, 'too_large')
  return { status, headers, body: readBody(response, options) }
}

function refuse(
  response: IncomingMessage,
  code: 'not_found' | 'server' | 'unsupported' | 'too_large',
  message = 'url: the file is larger than the server plays',
): MediaError {
  response.destroy()
  return new MediaError(code, message)
}

async function* readBody(
  response: IncomingMessage,
  options: HttpOptions,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  const arm = () => setTimeout(() => response.destroy(timedOut(options)), options.timeoutMs)
  let stall = arm()
  try {
    for await (const chunk of response) {
      clearTimeout(stall)
      bytes += (chunk as Uint8Array).length
      if (bytes > options.maxBytes) throw refuse(response, 'too_large')
      yield chunk as Uint8Array
      // Only the time in which we wait for the server counts, not that in which we are full.
      stall = arm()
    }
  } catch (error) {
    throw toMediaError(error)
  } finally {
    clearTimeout(stall)
    response.destroy()
  }
}

function timedOut({ timeoutMs }: HttpOptions): MediaError {
  return new MediaError('timeout', `url: nothing came for ${timeoutMs / 1_000} seconds`)
}

function toMediaError(error: unknown, url?: URL): MediaError {
  if (error instanceof MediaError) return error
  const host = url === undefined ? 'the server' : url.host
  const { code, message } = error as { code?: string; message?: string }
  return new MediaError('network', `url: ${host} does not answer (${code ?? message})`, {
    cause: error,
  })
}
