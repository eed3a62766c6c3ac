import { RecorderError } from './recorder-error.ts'
import type { RecordingFormat } from './recorder-message.ts'

/** Bytes of UTF-8 that one part of a path may have; file systems take 255, a number may follow. */
const MAX_PART_BYTES = 200
const MAX_PARTS = 8
const PART = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N} ._@+=,()-]*$/u
const NOT_IN_NAMES = /[^\p{L}\p{M}\p{N}._@+=,()-]+/gu
const MAX_ID_CHARS = 100

export interface NameRequest {
  /** As the client gave it; `{id}` stands for the id. Empty, as RustPBX clients send it, is absent. */
  readonly recorderFile?: string | undefined
  readonly format?: string | undefined
  readonly id: string
}

/** Where a call is recorded: a path below the recordings of the server, and what is written. */
export interface RecordingName {
  readonly name: string
  readonly format: RecordingFormat
}

/**
 * Makes the path, which never leaves the directory, and the format, which the ending of the path
 * decides where nothing else does.
 *
 * @throws {RecorderError} `bad_option`
 */
export function recordingName({ recorderFile, format, id }: NameRequest): RecordingName {
  const path = (recorderFile || '{id}').replaceAll('{id}', () => safeId(id))
  const parts = path.split('/')
  const isGood =
    parts.length <= MAX_PARTS &&
    parts.every((part) => PART.test(part) && Buffer.byteLength(part) <= MAX_PART_BYTES)
  if (!isGood) {
    throw new RecorderError(
      'bad_option',
      'option.recorder.recorderFile: must be a file name, or a path with "/", of letters, digits, spaces and ._@+=,()-; not absolute, no part beginning with a dot',
    )
  }
  const chosen = knownFormat(format ?? (/\.ogg$/i.test(path) ? 'ogg' : 'wav'))
  const hasEnding = path.toLowerCase().endsWith(`.${chosen}`)
  return { name: hasEnding ? path : `${path}.${chosen}`, format: chosen }
}

function knownFormat(format: string): RecordingFormat {
  if (format === 'wav' || format === 'ogg') return format
  const shown = JSON.stringify(format.slice(0, MAX_ID_CHARS))
  throw new RecorderError(
    'bad_option',
    `option.recorder.format: ${shown} is unknown; known are wav, ogg`,
  )
}

/** An id may hold anything; what no file name should becomes `_`. */
function safeId(id: string): string {
  const safe = [...id.replaceAll(NOT_IN_NAMES, '_')].slice(0, MAX_ID_CHARS).join('')
  return /^[\p{L}\p{N}_]/u.test(safe) ? cut(safe) : cut(`_${safe}`)
}

function cut(text: string): string {
  let bytes = 0
  let kept = ''
  for (const letter of text) {
    bytes += Buffer.byteLength(letter)
    if (bytes > MAX_PART_BYTES / 2) break
    kept += letter
  }
  return kept
}
