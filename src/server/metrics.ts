import type { Histogram } from '#core/histogram.ts'

type Labels = Readonly<Record<string, string>>

/** One line of a counter or a gauge. */
export interface Sample {
  readonly labels?: Labels
  readonly value: number
}

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly render: () => string[]
}

/**
 * The figures of the process in the Prometheus text format, version 0.0.4. Nothing is counted here:
 * a family is read from its owner when somebody asks.
 */
export class Metrics {
  readonly #families: Family[] = []

  /** Names and meanings, for the table in docs/operations.md. */
  get families(): readonly Pick<Family, 'name' | 'type' | 'help'>[] {
    return this.#families
  }

  /** A value that only grows, or one per set of labels. The name ends in `_total`. */
  counter(name: string, help: string, read: () => number | readonly Sample[]): void {
    this.#add(name, 'counter', help, () => renderSamples(name, read()))
  }

  /** A value that goes up and down. */
  gauge(name: string, help: string, read: () => number | readonly Sample[]): void {
    this.#add(name, 'gauge', help, () => renderSamples(name, read()))
  }

  /** A distribution. The name ends in its unit, `_seconds`. */
  histogram(name: string, help: string, histogram: Histogram): void {
    this.#add(name, 'histogram', help, () => renderHistogram(name, histogram))
  }

  render(): string {
    const lines = this.#families.flatMap(({ name, type, help, render }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...render(),
    ])
    return `${lines.join('\n')}\n`
  }

  #add(name: string, type: Family['type'], help: string, render: () => string[]): void {
    this.#families.push({ name, type, help, render })
  }
}

function renderSamples(name: string, read: number | readonly Sample[]): string[] {
  const samples = typeof read === 'number' ? [{ value: read }] : read
  return samples.map(({ labels = {}, value }: Sample) => `${name}${renderLabels(labels)} ${value}`)
}

function renderHistogram(name: string, histogram: Histogram): string[] {
  const cumulative = histogram.cumulative()
  const bounds = [...histogram.bounds.map(String), '+Inf']
  return [
    ...bounds.map((le, i) => `${name}_bucket${renderLabels({ le })} ${cumulative[i]}`),
    `${name}_sum ${histogram.sum}`,
    `${name}_count ${histogram.count}`,
  ]
}

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
