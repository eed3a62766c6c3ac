import type { z } from 'zod'
import { COMMAND_NAMES, Command } from './command.ts'

/** A message was no command. The message names the field and says what is allowed. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

type JsonObject = Record<string, unknown>

/** Other spellings that clients in the field send: path of the object, alias, our name. */
const ALIASES: readonly (readonly [path: readonly string[], alias: string, name: string])[] = [
  [[], 'end_of_stream', 'endOfStream'],
  [[], 'callee', 'target'],
  [['option'], 'sampleRate', 'samplerate'],
  [['option'], 'voice', 'speaker'],
  [['option', 'tts'], 'voice', 'speaker'],
  [['option', 'asr'], 'model', 'modelType'],
  [['option', 'recorder'], 'sampleRate', 'samplerate'],
  [['option', 'ambiance'], 'path', 'url'],
  [['option', 'ambiance'], 'normalLevel', 'level'],
  [['option', 'asr'], 'apiKey', 'secretKey'],
  [['option', 'tts'], 'apiKey', 'secretKey'],
]

export interface ParsedCommand {
  readonly command: Command
  /** The message as it came, but for nulls and other spellings, for the journal. */
  readonly message: JsonObject
}

/**
 * Reads one text message of the client as a command. Unknown fields are ignored.
 *
 * @throws {CommandError} if it is not JSON, not an object, no known command, or a field is wrong.
 */
export function parseCommand(text: string): ParsedCommand {
  const message = parseObject(text)
  const name = message['command']
  if (typeof name !== 'string') throw new CommandError('command: must be a string, is missing')
  if (!COMMAND_NAMES.includes(name)) {
    const shown = JSON.stringify(name.slice(0, 64))
    throw new CommandError(`command: ${shown} is unknown; known are ${COMMAND_NAMES.join(', ')}`)
  }
  dropNulls(message)
  for (const [path, alias, canonical] of ALIASES) acceptAlias(message, path, alias, canonical)
  const result = Command.safeParse(message)
  if (!result.success) throw new CommandError(describeIssue(result.error, name))
  return { command: result.data, message }
}

function parseObject(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CommandError('message: is not valid JSON', { cause })
  }
  if (!isObject(value)) throw new CommandError('message: must be a JSON object')
  return value
}

/** Many languages write an absent field as null; `extra` is the provider's own business. */
function dropNulls(object: JsonObject): void {
  for (const [key, value] of Object.entries(object)) {
    if (value === null) delete object[key]
    else if (isObject(value) && key !== 'extra') dropNulls(value)
  }
}

function acceptAlias(root: JsonObject, path: readonly string[], alias: string, name: string): void {
  let target: unknown = root
  for (const key of path) target = isObject(target) ? target[key] : undefined
  if (!isObject(target) || !Object.hasOwn(target, alias) || Object.hasOwn(target, name)) return
  target[name] = target[alias]
}

function describeIssue(error: z.ZodError, command: string): string {
  const issue = error.issues[0]
  if (issue === undefined) return `${command}: is not valid`
  const { path, message } = nearestIssue(issue)
  const why = message
    .replace(/^Invalid (input|option): /, '')
    .replace(/^expected (.*), received undefined$/, 'expected $1, but it is missing')
  return `${[command, ...path].join('.')}: ${why}`
}

/** Of a value that may be one of several things, what is wrong with the one that was meant. */
function nearestIssue(issue: z.core.$ZodIssue): Pick<z.core.$ZodIssue, 'path' | 'message'> {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const candidates = issue.errors.flatMap((issues) => issues.slice(0, 1))
  const inside = candidates.find(({ path }) => path.length > 0)
  if (inside !== undefined) return { ...inside, path: [...issue.path, ...inside.path] }
  const expected = candidates.map((one) => ('expected' in one ? one.expected : one.message))
  return { path: issue.path, message: `expected ${expected.join(' or ')}` }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
