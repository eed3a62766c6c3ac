import { Histogram } from '#core/histogram.ts'

/** End reasons that are our own words; anything else an application says counts as `other`. */
const KNOWN_REASONS: ReadonlySet<string> = new Set([
  'hangup',
  'autohangup',
  'killed',
  'disconnected',
  'connection_lost',
  'too_slow',
  'message_too_big',
  'over_limit',
  'server_shutdown',
  'error',
])

/** Figures over all calls of the process. */
export class CallMetrics {
  /** Seconds from a `tts` or `play` command to its first frame on the wire. */
  readonly playbackLatency = new Histogram([0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5])
  /** Ended calls, by type and reason. */
  readonly ended = new Map<string, Map<string, number>>()

  countEnd(type: string, reason: string): void {
    const byReason = this.ended.get(type) ?? new Map<string, number>()
    const label = KNOWN_REASONS.has(reason) ? reason : 'other'
    byReason.set(label, (byReason.get(label) ?? 0) + 1)
    this.ended.set(type, byReason)
  }
}
