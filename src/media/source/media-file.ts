import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { MediaError } from './media-error.ts'

/** Bytes read at once. */
const CHUNK_BYTES = 32 * 1024

/**
 * Opens a file by its name under `directory`, and never anything outside of it, also not over `..`
 * or a symbolic link.
 *
 * @throws {MediaError} `forbidden`, `not_found`
 */
export async function openMediaFile(
  directory: string,
  name: string,
): Promise<AsyncIterable<Uint8Array>> {
  const parts = name.split(/[\\/]/)
  if (isAbsolute(name) || parts.includes('..') || name.includes('\0')) {
    throw new MediaError('forbidden', 'url: must be http(s), or the name of a file under MEDIA_DIR')
  }
  const path = await locate(directory, name)
  return createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>
}

async function locate(directory: string, name: string): Promise<string> {
  let path: string
  try {
    const root = await realpath(directory)
    path = await realpath(join(root, name))
    if (!path.startsWith(root + sep)) {
      throw new MediaError('forbidden', `url: "${name}" leads out of MEDIA_DIR`)
    }
    if ((await stat(path)).isFile()) return path
  } catch (cause) {
    if (cause instanceof MediaError) throw cause
    const message = `url: there is no file "${name}" under MEDIA_DIR`
    throw new MediaError('not_found', message, { cause })
  }
  throw new MediaError('not_found', `url: "${name}" under MEDIA_DIR is no file`)
}
