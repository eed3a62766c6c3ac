/**
 * Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->` of a document.
 *
 * @throws {Error} if the document has no such section.
 */
export function replaceSection(page: string, name: string, body: string): string {
  const begin = `<!-- generated: ${name} -->`
  const start = page.indexOf(begin)
  const end = page.indexOf('<!-- end -->', start)
  if (start === -1 || end === -1) throw new Error(`no section "${name}" in the document`)
  return `${page.slice(0, start + begin.length)}\n\n${body}\n\n${page.slice(end)}`
}
