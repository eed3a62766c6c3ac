import { z } from 'zod'
import type { HttpAnswer } from './http-request.ts'

/** What must be remembered of an answer to use it again. */
export const CacheMeta = z.object({
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  /** Until when it need not be asked for again, in epoch milliseconds; 0 for never. */
  freshUntilMs: z.number(),
})
export type CacheMeta = z.infer<typeof CacheMeta>

export function isFresh(meta: CacheMeta): boolean {
  return meta.freshUntilMs > Date.now()
}

/** Of an answer that may be kept; undefined for one that may not, or that would be of no use. */
export function metaOf({ status, headers }: HttpAnswer): CacheMeta | undefined {
  if (status !== 200 || directives(headers).has('no-store') || headers['vary'] === '*') {
    return undefined
  }
  // RFC 9111 §3.3: only a body whose end was announced is known to be complete.
  const isDelimited = headers['content-length'] ?? headers['transfer-encoding']
  const freshUntilMs = freshUntil(headers)
  const { etag, 'last-modified': lastModified } = headers
  if (isDelimited === undefined) return undefined
  if (freshUntilMs === 0 && etag === undefined && lastModified === undefined) return undefined
  return {
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    freshUntilMs,
  }
}

/** RFC 9111 §4.3.4: what a 304 says replaces what was known. */
export function renew(meta: CacheMeta, { headers }: HttpAnswer): CacheMeta {
  const { etag, 'last-modified': lastModified } = headers
  return {
    ...meta,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    freshUntilMs: freshUntil(headers),
  }
}

/** The headers that ask only for something newer. */
export function validators(meta: CacheMeta | undefined): Record<string, string> {
  return {
    ...(meta?.etag !== undefined && { 'if-none-match': meta.etag }),
    ...(meta?.lastModified !== undefined && { 'if-modified-since': meta.lastModified }),
  }
}

/** RFC 9111 §4.2.1: `max-age` before `Expires`; nothing is guessed where neither is there. */
function freshUntil(headers: HttpAnswer['headers']): number {
  const control = directives(headers)
  if (control.has('no-cache')) return 0
  const maxAge = control.get('max-age')
  if (maxAge !== undefined) {
    const seconds = Number(maxAge) - Number(headers['age'] ?? 0)
    return seconds > 0 ? Date.now() + seconds * 1000 : 0
  }
  const lifetimeMs = Date.parse(headers['expires'] ?? '') - Date.parse(headers['date'] ?? '')
  return lifetimeMs > 0 ? Date.now() + lifetimeMs : 0
}

/** `Cache-Control` by lower-case name; a directive without a value has an empty one. */
function directives(headers: HttpAnswer['headers']): ReadonlyMap<string, string> {
  const parts = (headers['cache-control'] ?? '').split(',').map((part) => part.trim().split('='))
  return new Map(parts.map(([name = '', value = '']) => [name.toLowerCase(), value]))
}
