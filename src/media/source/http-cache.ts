import { z } from 'zod'
import type { DiskCache } from '#core/disk-cache.ts'
import { type HttpAnswer, type HttpOptions, openHttp } from './http-source.ts'

/** Larger bodies are not kept. */
const MAX_BODY_BYTES = 20 * 1024 * 1024
const META_BYTES = 4

const Meta = z.object({
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  freshUntilMs: z.number(),
})
type Meta = z.infer<typeof Meta>

interface Entry {
  readonly meta: Meta
  readonly body: Uint8Array
}

/**
 * Fetches files through a cache on disk that keeps to HTTP's rules (RFC 9111): fresh ones are not
 * asked for again, others are revalidated, `no-store` is obeyed.
 */
export class HttpCache {
  readonly #cache: DiskCache
  readonly #options: HttpOptions

  constructor(cache: DiskCache, options: HttpOptions) {
    this.#cache = cache
    this.#options = options
  }

  /** @throws {MediaError} */
  async open(url: URL, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const kept = await this.#find(url.href)
    if (kept !== undefined && kept.meta.freshUntilMs > Date.now()) return inPieces(kept.body)
    const answer = await openHttp(url, revalidation(kept?.meta), this.#options, signal)
    if (answer.status === 304 && kept !== undefined) return inPieces(kept.body)
    const meta = storable(answer)
    return meta === undefined ? answer.body : this.#keep(url.href, meta, answer.body)
  }

  async #find(key: string): Promise<Entry | undefined> {
    const bytes = await this.#cache.get(key)
    if (bytes === undefined) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const bodyAt = META_BYTES + view.getUint32(0)
    const text = new TextDecoder().decode(bytes.subarray(META_BYTES, bodyAt))
    return { meta: Meta.parse(JSON.parse(text)), body: bytes.subarray(bodyAt) }
  }

  /** Passes the body on and keeps it once it is complete. */
  async *#keep(
    key: string,
    meta: Meta,
    body: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    let pieces: Uint8Array[] | undefined = []
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      if (bytes > MAX_BODY_BYTES) pieces = undefined
      pieces?.push(piece.slice())
      yield piece
    }
    if (pieces === undefined) return
    const text = new TextEncoder().encode(JSON.stringify(meta))
    const size = new Uint8Array(META_BYTES)
    new DataView(size.buffer).setUint32(0, text.length)
    await this.#cache.put(key, Buffer.concat([size, text, ...pieces]))
  }
}

function revalidation(meta: Meta | undefined): Record<string, string> {
  return {
    ...(meta?.etag !== undefined && { 'if-none-match': meta.etag }),
    ...(meta?.lastModified !== undefined && { 'if-modified-since': meta.lastModified }),
  }
}

/** What must be remembered of an answer that may be kept; undefined for one that may not. */
function storable({ status, headers }: HttpAnswer): Meta | undefined {
  const control = headers['cache-control'] ?? ''
  if (status !== 200 || /\bno-store\b/i.test(control)) return undefined
  const maxAge = Number(/\bmax-age=(\d+)/i.exec(control)?.[1] ?? 0)
  const isFresh = !/\bno-cache\b/i.test(control) && maxAge > 0
  const { etag, 'last-modified': lastModified } = headers
  if (!isFresh && etag === undefined && lastModified === undefined) return undefined
  return {
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    freshUntilMs: isFresh ? Date.now() + maxAge * 1_000 : 0,
  }
}

const PIECE_BYTES = 64 * 1024

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
