import type { HttpAnswer, HttpOptions } from './http-request.ts'
import { tooLarge } from './http-request.ts'
import { MediaError, type MediaErrorCode } from './media-error.ts'

/** Asks for one URL: over the network, or out of a cache. */
export type HttpGet = (url: URL, signal: AbortSignal) => Promise<HttpAnswer>

const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * Opens the file behind a URL, over redirects. Each hop goes through `get`, and so through the
 * address guard.
 *
 * Throws `MediaError`; so does the body.
 */
export async function openHttp(
  url: URL,
  get: HttpGet,
  { maxRedirects, maxBytes }: HttpOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  let target = url
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const answer = await get(target, signal)
    if (!REDIRECTS.includes(answer.status)) return bodyOf(answer, maxBytes)
    answer.discard()
    target = redirected(target, answer.headers['location'])
  }
  throw new MediaError('network', `url: more than ${maxRedirects} redirects`)
}

function redirected(from: URL, location: string | undefined): URL {
  const target = URL.parse(location ?? '', from.href)
  if (target === null || !/^https?:$/.test(target.protocol)) {
    throw new MediaError('network', 'url: is redirected to what is no http(s) URL')
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw new MediaError(
      'forbidden',
      'url: is redirected from https to http, which is not followed',
    )
  }
  return target
}

function bodyOf(answer: HttpAnswer, maxBytes: number): AsyncIterable<Uint8Array> {
  const error = refusal(answer, maxBytes)
  if (error === undefined) return answer.body
  answer.discard()
  throw error
}

/** Why the answer is not the file. */
function refusal({ status, headers }: HttpAnswer, maxBytes: number): MediaError | undefined {
  if (status !== 200) return new MediaError(statusCode(status), `url: the server answers ${status}`)
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (encoding !== 'identity') {
    const message = `url: the server compresses the file (${encoding}) though asked not to`
    return new MediaError('unsupported', message)
  }
  return Number(headers['content-length'] ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined
}

function statusCode(status: number): MediaErrorCode {
  if (status === 404 || status === 410) return 'not_found'
  return status === 401 || status === 403 ? 'forbidden' : 'server'
}
