import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { findInside } from '#core/inside.ts'
import type { RecordingRecord } from '#protocol/call-record.ts'
import { parseRange } from './byte-range.ts'
import { ProblemError } from './problem.ts'

const TYPES = { wav: 'audio/wav', ogg: 'audio/ogg' } as const

/**
 * The file of a recording, whole or in part (RFC 9110 §13, §14). Of a call that is still live it is
 * what has been written until now.
 *
 * @throws {ProblemError} 404 when it is gone, 416 when the part asked for lies behind its end.
 */
export async function recordingResponse(
  directory: string,
  recording: RecordingRecord,
  request: Request,
): Promise<Response> {
  const path = await findInside(directory, recording.file)
  const file = path === undefined ? undefined : await describe(path)
  if (file === undefined || path === undefined) {
    throw new ProblemError(404, `the recording "${recording.file}" has been deleted`)
  }
  const { size, etag, lastModified } = file
  const headers = new Headers({
    'content-type': TYPES[recording.format],
    'content-disposition': disposition(recording.file),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'last-modified': lastModified,
    etag,
  })
  if (isKnown(request.headers, file)) return new Response(null, { status: 304, headers })
  // Of a HEAD a range is to be ignored (RFC 9110 §14.2).
  const isPart = request.method === 'GET' && isRangeValid(request.headers, file)
  const range = isPart ? parseRange(request.headers.get('range'), size) : undefined
  if (range === 'unsatisfiable') {
    throw new ProblemError(416, `the recording has ${size} bytes`, {
      'content-range': `bytes */${size}`,
    })
  }
  const { first, last } = range ?? { first: 0, last: size - 1 }
  headers.set('content-length', String(last - first + 1))
  if (range !== undefined) headers.set('content-range', `bytes ${first}-${last}/${size}`)
  const body =
    request.method === 'HEAD'
      ? null
      : Bun.file(path)
          .slice(first, last + 1)
          .stream()
  return new Response(body, { status: range === undefined ? 200 : 206, headers })
}

interface FileState {
  readonly size: number
  readonly etag: string
  readonly lastModified: string
}

async function describe(path: string): Promise<FileState | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) return undefined
    const { size, mtimeMs, mtime } = found
    const etag = `"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"`
    return { size, etag, lastModified: mtime.toUTCString() }
  } catch {
    return undefined
  }
}

/** RFC 9110 §13.1.2, §13.1.3: `If-None-Match` wins over `If-Modified-Since`. */
function isKnown(headers: Headers, { etag, lastModified }: FileState): boolean {
  const tags = headers.get('if-none-match')
  if (tags !== null) {
    const known = tags.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    return known.includes(etag) || known.includes('*')
  }
  const since = Date.parse(headers.get('if-modified-since') ?? '')
  return Date.parse(lastModified) <= since
}

/** RFC 9110 §13.1.5: a part of a file that has changed is of no use to who has the rest of it. */
function isRangeValid(headers: Headers, { etag, lastModified }: FileState): boolean {
  const condition = headers.get('if-range')
  return condition === null || condition === etag || condition === lastModified
}

/** RFC 6266: a plain name for all, and the real one for those that read RFC 8187. */
function disposition(file: string): string {
  const name = basename(file)
  const plain = name.replaceAll(/[^\w .+=()-]/g, '_')
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, encodeOctet)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

const encodeOctet = (letter: string) =>
  `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
