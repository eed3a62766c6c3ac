/**
 * Writes what docs/protocol.md generates from the schemas of `src/protocol`, and the JSON Schema in
 * docs/protocol.schema.json. `bun run docs` writes; test/docs.test.ts fails when they are stale.
 */
import { CallSocketQuery } from '#protocol/call-socket-query.ts'
import { CLOSE_CODES } from '#protocol/close-code.ts'
import { Command } from '#protocol/command.ts'
import { CallEvent } from '#protocol/event.ts'
import { type JsonSchema, rangeOf, toJsonSchema } from '#protocol/json-schema.ts'
import { replaceSection } from './generated-section.ts'

export function protocolSchema(): string {
  const [command, event] = [toJsonSchema(Command), toJsonSchema(CallEvent)]
  const $defs = {
    ...command.$defs,
    ...event.$defs,
    Command: { oneOf: command.oneOf },
    CallEvent: { oneOf: event.oneOf },
  }
  const $schema = 'https://json-schema.org/draft/2020-12/schema'
  return `${JSON.stringify({ $schema, title: 'BunPBX call protocol', $defs }, null, 2)}\n`
}

export function protocolDoc(page: string): string {
  const command = toJsonSchema(Command)
  const options = Object.entries(command.$defs ?? {}).map(([name, schema]) => section(name, schema))
  const sections: Record<string, string> = {
    query: fieldTable(toJsonSchema(CallSocketQuery)),
    commands: messages(command, 'command'),
    options: options.join('\n\n'),
    events: messages(toJsonSchema(CallEvent), 'event'),
    'close-codes': closeCodes(),
  }
  return Object.entries(sections).reduce(
    (text, [name, body]) => replaceSection(text, name, body),
    page,
  )
}

const messages = (union: JsonSchema, tag: string): string =>
  (union.oneOf ?? [])
    .map((option) => section(String(option.properties?.[tag]?.const), option, tag))
    .join('\n\n')

function section(title: string, schema: JsonSchema, tag?: string): string {
  const table = fieldTable(schema, tag)
  return [`### \`${title}\``, schema.description ?? '', table]
    .filter((part) => part !== '')
    .join('\n\n')
}

function fieldTable(schema: JsonSchema, tag?: string): string {
  const rows = Object.entries(schema.properties ?? {})
    .filter(([name]) => name !== tag)
    .map(([name, field]) => fieldRow(name, field, schema.required?.includes(name) ?? false))
  if (rows.length === 0) return ''
  return ['| field | type | | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function fieldRow(name: string, field: JsonSchema, isRequired: boolean): string {
  const fallback = field.default === undefined ? '' : `default \`${JSON.stringify(field.default)}\``
  const need = isRequired && fallback === '' ? 'required' : fallback
  return `| \`${name}\` | ${typeName(field)} | ${need} | ${(field.description ?? '').replaceAll('|', '\\|')} |`
}

function typeName(field: JsonSchema): string {
  if (field.$ref !== undefined)
    return `[${field.$ref.split('/').at(-1)}](#${field.$ref.split('/').at(-1)?.toLowerCase()})`
  if (field.enum !== undefined) return field.enum.map((value) => `\`${value}\``).join(', ')
  if (field.type === 'array') return `array of ${typeName(field.items ?? {})}`
  if (field.anyOf !== undefined) return field.anyOf.map(typeName).join(' or ')
  const range = rangeOf(field)
  return range === '' ? (field.type ?? 'any') : `${field.type}, ${range}`
}

function closeCodes(): string {
  const rows = Object.values(CLOSE_CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`)
  return ['| code | meaning |', '|---|---|', ...rows].join('\n')
}

if (import.meta.main) {
  const path = `${import.meta.dir}/../docs/protocol.md`
  await Bun.write(path, protocolDoc(await Bun.file(path).text()))
  await Bun.write(`${import.meta.dir}/../docs/protocol.schema.json`, protocolSchema())
}
