import { OpusLibrary } from '#audio/codec/opus-library.ts'
import type { CallRegistry } from '#call/call-registry.ts'
import type { DenoiseEngine } from '#media/denoise/denoise-engine.ts'
import type { RecorderEngine } from '#media/recorder/recorder-engine.ts'
import { CallType } from '#protocol/call-record.ts'
import type { Metrics } from '#server/metrics.ts'
import type { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import type { CallStore } from '#store/call-store.ts'
import type { Engines } from './engines.ts'
import type { SipGateway } from './sip-gateway.ts'

export interface MetricSources extends Engines {
  readonly registry: CallRegistry
  readonly store: CallStore
  readonly sip: SipGateway | undefined
}

/** Lets `metrics` read the figures of every part. */
export function addMetrics(metrics: Metrics, sources: MetricSources): void {
  addCallMetrics(metrics, sources.registry)
  addMediaMetrics(metrics, sources)
  addVadMetrics(metrics, sources)
  addDenoiseMetrics(metrics, sources.denoise)
  addRecorderMetrics(metrics, sources.recorder)
  if (sources.flite !== undefined) addFliteMetrics(metrics, sources.flite)
  addStoreMetrics(metrics, sources.store)
  addSipMetrics(metrics, sources.sip)
}

/** Without a value while SIP is off. */
function addSipMetrics(metrics: Metrics, sip: SipGateway | undefined): void {
  metrics.gauge('bunpbx_sip_state', 'What is alive and what has happened in SIP, by name.', () =>
    Object.entries(sip?.stats ?? {}).map(([name, value]) => ({ labels: { name }, value })),
  )
  metrics.gauge('bunpbx_sip_registrations', 'Accounts by address and status.', () =>
    [...(sip?.registrations ?? [])].map(([address, status]) => ({
      labels: { address, status },
      value: 1,
    })),
  )
}

function addCallMetrics(metrics: Metrics, registry: CallRegistry): void {
  metrics.gauge('bunpbx_active_calls', 'Live calls by type.', () =>
    CallType.options.map((type) => ({
      labels: { type },
      value: registry.activeCalls.filter((call) => call.type === type).length,
    })),
  )
  metrics.counter('bunpbx_calls_ended_total', 'Calls by type and end reason.', () =>
    [...registry.metrics.ended].flatMap(([type, reasons]) =>
      [...reasons].map(([reason, value]) => ({ labels: { type, reason }, value })),
    ),
  )
  metrics.histogram(
    'bunpbx_playback_latency_seconds',
    'From a tts or play command to its first frame sent.',
    registry.metrics.playbackLatency,
  )
}

function addMediaMetrics(metrics: Metrics, { pacer, files, cache }: MetricSources): void {
  metrics.histogram(
    'bunpbx_pacer_lateness_seconds',
    'How late the pacer sent its frames.',
    pacer.lateness,
  )
  metrics.counter('bunpbx_pacer_ticks_total', 'Frames that were due.', () => pacer.stats.ticks)
  metrics.counter(
    'bunpbx_pacer_late_ticks_total',
    'Frames more than a frame late.',
    () => pacer.stats.lateTicks,
  )
  metrics.counter(
    'bunpbx_pacer_skipped_ticks_total',
    'Frames given up after a long stall.',
    () => pacer.stats.skippedTicks,
  )
  metrics.gauge(
    'bunpbx_opus_states',
    'Opus encoders and decoders that are open.',
    () => OpusLibrary.shared.openStates,
  )
  metrics.histogram(
    'bunpbx_play_open_seconds',
    'From opening a file to its first audio.',
    files.latency,
  )
  metrics.counter('bunpbx_play_opened_total', 'Files and URLs opened.', () => files.stats.opened)
  metrics.counter(
    'bunpbx_play_failed_total',
    'Files and URLs that failed.',
    () => files.stats.failed,
  )
  metrics.counter(
    'bunpbx_play_gaps_total',
    'Times that audio of a file was not there in time.',
    () => files.stats.gaps,
  )
  metrics.counter(
    'bunpbx_play_restarts_total',
    'Restarts of the Worker that decodes files.',
    () => files.stats.restarts,
  )
  metrics.counter('bunpbx_cache_hits_total', 'Speech found in the cache.', () => cache.stats.hits)
  metrics.counter('bunpbx_cache_misses_total', 'Speech not found.', () => cache.stats.misses)
  metrics.gauge('bunpbx_cache_bytes', 'Size of the speech cache.', () => cache.bytes)
}

function addVadMetrics(metrics: Metrics, { silero: vad, vads }: MetricSources): void {
  const byType = (read: (vad: Engines['vads'][number]) => number) => () =>
    vads.map((one) => ({ labels: { type: one.type }, value: read(one) }))
  metrics.gauge(
    'bunpbx_vad_streams',
    'Calls that are listened to, by type.',
    byType(({ stats }) => stats.streams),
  )
  metrics.counter(
    'bunpbx_vad_windows_total',
    'Windows of audio judged, by type.',
    byType(({ stats }) => stats.windows),
  )
  metrics.counter(
    'bunpbx_vad_faults_total',
    'Times that the listener of a detector failed, by type.',
    byType(({ stats }) => stats.faults),
  )
  metrics.histogram(
    'bunpbx_vad_latency_seconds',
    'From a received frame to its judgement.',
    vad.latency,
  )
  metrics.counter(
    'bunpbx_vad_dropped_windows_total',
    'Windows given up because too many waited.',
    () => vad.stats.droppedWindows,
  )
  metrics.counter(
    'bunpbx_vad_dropped_frames_total',
    'Frames refused because the Worker did not take them.',
    () => vad.stats.droppedFrames,
  )
  metrics.counter('bunpbx_vad_restarts_total', 'Restarts of the Worker.', () => vad.stats.restarts)
}

function addDenoiseMetrics(metrics: Metrics, denoise: DenoiseEngine): void {
  metrics.histogram(
    'bunpbx_denoise_latency_seconds',
    'From a received frame to its cleaned self.',
    denoise.latency,
  )
  metrics.counter(
    'bunpbx_denoise_clean_frames_total',
    'Frames whose noise was taken out.',
    () => denoise.stats.cleanFrames,
  )
  metrics.counter(
    'bunpbx_denoise_raw_frames_total',
    'Frames passed on as they were, because the Worker was loading, dead or behind.',
    () => denoise.stats.rawFrames,
  )
  metrics.counter(
    'bunpbx_denoise_restarts_total',
    'Restarts of the Worker that denoises.',
    () => denoise.stats.restarts,
  )
}

function addRecorderMetrics(metrics: Metrics, recorder: RecorderEngine): void {
  metrics.gauge('bunpbx_recordings_active', 'Calls being recorded.', () => recorder.active)
  metrics.counter(
    'bunpbx_recordings_finished_total',
    'Recordings that are complete.',
    () => recorder.stats.finished,
  )
  metrics.counter(
    'bunpbx_recordings_failed_total',
    'Recordings that could not begin or ended before their call.',
    () => recorder.stats.failed,
  )
  metrics.counter(
    'bunpbx_recordings_bytes_total',
    'Size of the recordings that have ended.',
    () => recorder.stats.bytes,
  )
  metrics.counter(
    'bunpbx_recorder_dropped_frames_total',
    'Frames not recorded because the Worker did not take them.',
    () => recorder.stats.droppedFrames,
  )
  metrics.counter(
    'bunpbx_recorder_restarts_total',
    'Restarts of the Worker that writes recordings.',
    () => recorder.restarts,
  )
}

function addFliteMetrics(metrics: Metrics, flite: FliteSynthesizer): void {
  metrics.histogram(
    'bunpbx_flite_first_audio_seconds',
    'From the first text of an utterance to its first audio.',
    flite.latency,
  )
  metrics.counter('bunpbx_flite_clauses_total', 'Clauses spoken.', () => flite.stats.clauses)
  metrics.counter('bunpbx_flite_failures_total', 'Clauses that failed.', () => flite.stats.failures)
  metrics.counter(
    'bunpbx_flite_restarts_total',
    'Restarts of the Worker that speaks.',
    () => flite.stats.restarts,
  )
  metrics.gauge('bunpbx_flite_queued_clauses', 'Clauses waiting.', () => flite.stats.queued)
}

function addStoreMetrics(metrics: Metrics, store: CallStore): void {
  metrics.histogram('bunpbx_store_latency_seconds', 'From an event to its row.', store.latency)
  metrics.gauge('bunpbx_store_queued_rows', 'Rows not written yet.', () => store.queued)
  metrics.counter('bunpbx_store_written_total', 'Rows written.', () => store.stats.written)
  metrics.counter('bunpbx_store_failures_total', 'Batches that failed.', () => store.stats.failures)
  metrics.counter('bunpbx_store_dropped_total', 'Rows given up.', () => store.stats.dropped)
  metrics.counter('bunpbx_store_stalls_total', 'Batches not waited for.', () => store.stats.stalls)
}
