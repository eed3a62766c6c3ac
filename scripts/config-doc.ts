/** Writes the table of environment variables in docs/operations.md. Run by `bun run docs`. */

import { Variables } from '#config/variables.ts'
import { toJsonSchema } from '#protocol/json-schema.ts'
import { replaceSection } from './generated-section.ts'

export function configDoc(page: string): string {
  const { properties = {} } = toJsonSchema(Variables)
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
