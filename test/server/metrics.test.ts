import { describe, expect, test } from 'bun:test'
import { Histogram } from '#core/histogram.ts'
import { Metrics } from '#server/metrics.ts'

describe('Metrics', () => {
  test('renders counters, gauges and histograms in the text format', () => {
    const metrics = new Metrics()
    const histogram = new Histogram([0.1, 1])
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value)
    metrics.counter('a_total', 'Things.', () => 3)
    metrics.gauge('b', 'By kind.', () => [{ labels: { kind: 'x"y\\z\n' }, value: 1.5 }])
    metrics.histogram('c_seconds', 'Times.', histogram)
    expect(metrics.render()).toBe(
      [
        '# HELP a_total Things.',
        '# TYPE a_total counter',
        'a_total 3',
        '# HELP b By kind.',
        '# TYPE b gauge',
        'b{kind="x\\"y\\\\z\\n"} 1.5',
        '# HELP c_seconds Times.',
        '# TYPE c_seconds histogram',
        'c_seconds_bucket{le="0.1"} 2',
        'c_seconds_bucket{le="1"} 3',
        'c_seconds_bucket{le="+Inf"} 4',
        'c_seconds_sum 7.65',
        'c_seconds_count 4',
        '',
      ].join('\n'),
    )
  })
})
