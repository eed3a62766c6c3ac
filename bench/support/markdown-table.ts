/** A Markdown table, its columns padded so that it can be read as it is. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join(
    '\n',
  )
}

/** A figure with so many decimals; what is below a floor of silence is said in words. */
export function figure(value: number, decimals = 1): string {
  if (value === Number.NEGATIVE_INFINITY) return 'silence'
  if (value === Number.POSITIVE_INFINITY) return 'exact'
  return value.toFixed(decimals)
}
