import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { MediaError } from './media-error.ts'

/** Bytes read at once. */
const CHUNK_BYTES = 32 * 1024

/**
 * Opens a file by its name under `directory`, and never anything outside of it, also not over `..`
 * or a symbolic link. Throws `MediaError`: `forbidden`, `not_found`.
 */
export async function openMediaFile(
  directory: string,
  name: string,
): Promise<AsyncIterable<Uint8Array>> {
  const parts = name.split(/[\\/]/)
  if (name === '' || isAbsolute(name) || parts.includes('..') || name.includes('\0')) {
    throw new MediaError('forbidden', 'url: must be http(s), or the name of a file under MEDIA_DIR')
  }
  const path = await locate(directory, name)
  try {
    // Not blocking: opening a pipe that nobody writes to would never end.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if ((await file.stat()).isFile()) return chunksOf(file)
    await file.close()
  } catch (cause) {
    throw new MediaError('not_found', `url: "${name}" under MEDIA_DIR cannot be read`, { cause })
  }
  throw new MediaError('not_found', `url: "${name}" under MEDIA_DIR is no file`)
}

async function locate(directory: string, name: string): Promise<string> {
  let path: string
  let root: string
  try {
    root = await realpath(directory)
    path = await realpath(join(root, name))
  } catch (cause) {
    const message = `url: there is no file "${name}" under MEDIA_DIR`
    throw new MediaError('not_found', message, { cause })
  }
  if (path.startsWith(root.endsWith(sep) ? root : root + sep)) return path
  throw new MediaError('forbidden', `url: "${name}" leads out of MEDIA_DIR`)
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    while (true) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } catch (cause) {
    throw new MediaError('internal', 'url: the file cannot be read any further', { cause })
  } finally {
    await file.close()
  }
}
