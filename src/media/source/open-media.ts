import { type ByteCache, HttpCache } from './http-cache.ts'
import { getOnce, type HttpOptions } from './http-request.ts'
import { openHttp } from './http-source.ts'
import { MediaError } from './media-error.ts'
import { openMediaFile } from './media-file.ts'

/** The bytes of what `play` names. Throws `MediaError`; so does reading them. */
export type OpenMedia = (url: string, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>

export interface OpenMediaOptions extends HttpOptions {
  readonly mediaDir: string
  readonly cache: ByteCache
}

const SCHEME = /^([a-z][a-z0-9+.-]*):/i

/** Makes the function that opens files under `mediaDir` by name, and http(s) URLs. */
export function createOpenMedia({ mediaDir, cache, ...options }: OpenMediaOptions): OpenMedia {
  const http = new HttpCache(cache, (url, headers, signal) =>
    getOnce(url, headers, options, signal),
  )
  const get = (url: URL, signal: AbortSignal) => http.get(url, signal)
  return async (url, signal) => {
    const scheme = SCHEME.exec(url)?.[1]?.toLowerCase()
    if (scheme === undefined) return openMediaFile(mediaDir, url)
    const target = URL.parse(url)
    if (target === null || (scheme !== 'http' && scheme !== 'https')) {
      throw new MediaError('bad_url', 'url: must be http(s), or the name of a file under MEDIA_DIR')
    }
    return openHttp(target, get, options, signal)
  }
}
