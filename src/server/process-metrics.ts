import { Histogram } from '#core/histogram.ts'
import manifest from '../../package.json' with { type: 'json' }
import type { Metrics } from './metrics.ts'

const CHECK_MS = 100
const LAG_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1]

/** Adds the figures of the process itself. The result ends the timer that measures the lag. */
export function addProcessMetrics(metrics: Metrics): () => void {
  const lag = new Histogram(LAG_SECONDS)
  let dueMs = performance.now() + CHECK_MS
  const timer = setInterval(() => {
    const nowMs = performance.now()
    lag.observe(Math.max(0, nowMs - dueMs) / 1_000)
    dueMs = nowMs + CHECK_MS
  }, CHECK_MS)
  timer.unref()
  metrics.histogram(
    'bunpbx_event_loop_lag_seconds',
    'How late a timer ran, checked ten times a second.',
    lag,
  )
  const build = [{ labels: { version: manifest.version, bun: Bun.version }, value: 1 }]
  metrics.gauge('bunpbx_build_info', 'Always 1; the labels say what runs.', () => build)
  metrics.gauge('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss())
  metrics.counter('process_cpu_seconds_total', 'Processor time used, all threads.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  const startedAt = Date.now() / 1_000 - process.uptime()
  metrics.gauge('process_start_time_seconds', 'Epoch seconds of the start.', () => startedAt)
  return () => clearInterval(timer)
}
