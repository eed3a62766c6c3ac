/** Writes the table of environment variables in docs/operations.md. Run by `bun run docs`. */
import { z } from 'zod'
import { Variables } from '#config/variables.ts'
import { replaceSection } from './generated-section.ts'

interface Property {
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
}

export function configDoc(page: string): string {
  const schema = z.toJSONSchema(Variables, { io: 'input', unrepresentable: 'any' })
  const properties = (schema.properties ?? {}) as Record<string, Property>
  const rows = Object.entries(properties).map(([name, property]) => {
    const fallback = property.default === undefined ? '' : String(property.default)
    const shown = fallback === '' ? '' : `\`${fallback}\``
    const choices = property.enum === undefined ? '' : ` One of ${property.enum.join(', ')}.`
    return `| \`${name}\` | ${shown} | ${property.description ?? ''}${choices} |`
  })
  const table = ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
  return replaceSection(page, 'configuration', table)
}

if (import.meta.main) {
  const path = `${import.meta.dir}/../docs/operations.md`
  await Bun.write(path, configDoc(await Bun.file(path).text()))
}
