import { z } from 'zod'

/** As much of JSON Schema as documents are made from. */
export interface JsonSchema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly default?: unknown
  readonly $ref?: string
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly oneOf?: readonly JsonSchema[]
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

/** Between which bounds a number must lie, as documents say it; empty without two of them. */
export function rangeOf({ minimum, maximum }: JsonSchema): string {
  // What bounds every whole number is no news to a reader.
  if (minimum === undefined || (maximum ?? Infinity) >= Number.MAX_SAFE_INTEGER) return ''
  return `${minimum} to ${maximum}`
}

/** What a client may send, or gets, as JSON Schema (draft 2020-12). */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}
