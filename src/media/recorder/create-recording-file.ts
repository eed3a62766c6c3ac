import { lstatSync, mkdirSync, openSync } from 'node:fs'
import { extname, join } from 'node:path'
import { RecorderError } from './recorder-error.ts'

/** How many calls may have the same name for their file. */
const MAX_NUMBER = 10_000

/** A new file. */
export interface CreatedFile {
  readonly fd: number
  /** Its path below the directory; has a number when the name was taken. */
  readonly file: string
}

/**
 * Makes the file `name` below `directory`, and the directories to it. Never opens a file that is
 * there already, and never goes through a symbolic link below `directory`.
 *
 * @throws {RecorderError} `disk`, `bad_option`
 */
export function createRecordingFile(directory: string, name: string): CreatedFile {
  try {
    mkdirSync(directory, { recursive: true })
    makeFolders(directory, name.split('/').slice(0, -1))
    return createFree(directory, name)
  } catch (cause) {
    if (cause instanceof RecorderError) throw cause
    throw diskError(cause, name)
  }
}

/** What the file system said, for whoever gets the `error` event. */
export function diskError(cause: unknown, name: string): RecorderError {
  if (cause instanceof RecorderError) return cause
  const code = (cause as { code?: string }).code ?? String(cause)
  const why = code === 'ENOSPC' ? 'the disk is full' : code
  const message = `the recording "${name}" cannot be written: ${why}`
  return new RecorderError('disk', message, { cause })
}

function makeFolders(directory: string, parts: readonly string[]): void {
  let path = directory
  for (const part of parts) {
    path = join(path, part)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) mkdirSync(path)
    else if (!found.isDirectory()) {
      const message = `option.recorder.recorderFile: "${part}" is no directory`
      throw new RecorderError('bad_option', message)
    }
  }
}

function createFree(directory: string, name: string): CreatedFile {
  const ending = extname(name)
  const stem = name.slice(0, name.length - ending.length)
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const file = number === 1 ? name : `${stem}-${number}${ending}`
    try {
      // `wx` makes a file or fails; it follows no link.
      return { fd: openSync(join(directory, file), 'wx', 0o640), file }
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    }
  }
  const message = `option.recorder.recorderFile: "${name}" is taken, and so are ${MAX_NUMBER} numbers`
  throw new RecorderError('bad_option', message)
}
