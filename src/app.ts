import { join } from 'node:path'
import { findCodec } from '#audio/codec/find-codec.ts'
import type { CallDeps } from '#call/call-deps.ts'
import { CallError } from '#call/call-error.ts'
import { CallRegistry } from '#call/call-registry.ts'
import type { Config } from '#config/config.ts'
import { ConfigError } from '#config/config-error.ts'
import { DiskCache } from '#core/disk-cache.ts'
import type { Logger } from '#core/log.ts'
import { within } from '#core/within.ts'
import { DenoiseEngine } from '#media/denoise/denoise-engine.ts'
import { Pacer } from '#media/pacer.ts'
import { RecorderEngine } from '#media/recorder/recorder-engine.ts'
import { LoopLibrary } from '#media/source/loop-library.ts'
import { MediaLibrary } from '#media/source/media-library.ts'
import type { CallOption } from '#protocol/call-option.ts'
import { type Listener, listen } from '#server/listen.ts'
import { Metrics } from '#server/metrics.ts'
import { addProcessMetrics } from '#server/process-metrics.ts'
import { createServer } from '#server/server.ts'
import type { Recognizer } from '#speech/asr.ts'
import { createEnergyVadEngine } from '#speech/energy/energy-engine.ts'
import { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import { createSileroEngine } from '#speech/silero/silero-engine.ts'
import type { Synthesizer } from '#speech/tts.ts'
import { withCache } from '#speech/tts-cache.ts'
import type { VadEngine } from '#speech/vad.ts'
import { createWebrtcVadEngine } from '#speech/webrtc-vad/webrtc-engine.ts'
import { CallStore } from '#store/call-store.ts'
import { WebSocketLeg } from '#transport/websocket/websocket-leg.ts'
import { addMetrics } from './app-metrics.ts'
import { RecordingKeeper } from './app-recordings.ts'

/** What an app is made of beside its configuration; tests put fakes in. */
export interface AppDeps {
  readonly log: Logger
  readonly recognizers: readonly Recognizer[]
  readonly synthesizers: readonly Synthesizer[]
}

/** A running gateway. */
export interface App {
  readonly port: number
  readonly url: string
  /** Lets live calls finish for `DRAIN_SECONDS`, ends the rest, and closes everything. */
  close(): Promise<void>
}

/** How long a client may take to read its `hangup` when the server stops. */
const GOODBYE_MS = 2_000

/**
 * Builds everything and listens.
 *
 * @throws {StoreError | ListenError} with a message for whoever starts the server.
 */
export async function createApp(
  config: Config,
  { log, recognizers = [], synthesizers }: Pick<AppDeps, 'log'> & Partial<AppDeps>,
): Promise<App> {
  const onFault = (fault: unknown) => log.error({ fault }, 'fault')
  const store = await CallStore.open({ directory: config.dataDir, onFault })
  const cacheMaxBytes = config.cacheMaxBytes / 2
  const cache = new DiskCache(join(config.dataDir, 'cache/speech'), cacheMaxBytes, { onFault })
  const flite = synthesizers === undefined ? new FliteSynthesizer({ onFault }) : undefined
  const speakers = synthesizers ?? (flite === undefined ? [] : [withCache(flite, cache)])
  const vad = createSileroEngine({ onFault })
  const vads = [vad, createWebrtcVadEngine({ onFault }), createEnergyVadEngine({ onFault })]
  const files = new MediaLibrary({
    mediaDir: config.mediaDir,
    allowPrivate: config.playAllowPrivate,
    cacheDir: join(config.dataDir, 'cache/files'),
    cacheMaxBytes,
    onFault,
  })
  const denoise = new DenoiseEngine({ onFault })
  const { recorder, closeRecordings } = openRecordings(config, store, onFault)
  const pacer = new Pacer()
  const deps = createCallDeps({
    config,
    log,
    store,
    pacer,
    speakers,
    recognizers,
    vads,
    denoise,
    files,
    recorder,
  })
  const registry = new CallRegistry(deps, config.maxCalls)
  const metrics = new Metrics()
  addMetrics(metrics, {
    registry,
    pacer,
    vad,
    vads,
    denoise,
    flite,
    store,
    files,
    cache,
    recorder,
  })
  const stopProcessMetrics = addProcessMetrics(metrics)

  const closeAll = async () => {
    stopProcessMetrics()
    pacer.close()
    await Promise.all(
      [...vads, denoise, files, ...speakers, ...recognizers].map((part) => part.close()),
    )
    await closeRecordings()
    await store.close()
  }
  let listener: Listener
  try {
    checkProvider('TTS_PROVIDER', config.ttsProvider, speakers)
    if (config.asrProvider !== '') checkProvider('ASR_PROVIDER', config.asrProvider, recognizers)
    listener = listen(
      config.host,
      config.port,
      createServer({ config, registry, store, metrics, log }),
    )
  } catch (error) {
    await closeAll()
    throw error
  }
  return {
    port: listener.port,
    url: listener.url,
    close: async () => {
      await drain(registry, config.drainSeconds * 1_000)
      await listener.close()
      await closeAll()
    },
  }
}

/** What writes recordings and what looks after them; `closeRecordings` comes before the store's. */
function openRecordings(config: Config, store: CallStore, onFault: (message: string) => void) {
  const directory = join(config.dataDir, 'recordings')
  const recorder = new RecorderEngine({ directory, onFault })
  const retentionDays = config.recordingRetentionDays
  const keeper = new RecordingKeeper(store, { directory, retentionDays, onFault })
  const closeRecordings = async () => {
    await Promise.all([recorder.close(), keeper.close()])
  }
  return { recorder, closeRecordings }
}

interface Parts {
  readonly config: Config
  readonly log: Logger
  readonly store: CallStore
  readonly pacer: Pacer
  readonly speakers: readonly Synthesizer[]
  readonly recognizers: readonly Recognizer[]
  /** The first is what a call gets that names none. */
  readonly vads: readonly VadEngine[]
  readonly denoise: DenoiseEngine
  readonly files: MediaLibrary
  readonly recorder: RecorderEngine
}

function createCallDeps({ config, log, store, pacer, ...parts }: Parts): CallDeps {
  const { speakers, recognizers, vads, denoise, files, recorder } = parts
  const loops = new LoopLibrary((url, sampleRate, handlers) =>
    files.open(url, sampleRate, handlers),
  )
  return {
    log,
    pacer,
    journal: store,
    createLeg: (_type, option, sendPayload) => new WebSocketLeg(codecOf(option), sendPayload),
    findSynthesizer: (name = config.ttsProvider) =>
      pick('tts.provider', name, speakers, ({ provider }) => provider),
    findRecognizer: (name = config.asrProvider) =>
      pick('asr.provider', name, recognizers, ({ provider }) => provider),
    findVad: (name = vads[0]?.type ?? '') => pick('vad.type', name, vads, ({ type }) => type),
    createDenoiser: () => denoise.createDenoiser(),
    openFile: (url, sampleRate, handlers) => files.open(url, sampleRate, handlers),
    openLoop: (url, sampleRate) => loops.acquire(url, sampleRate),
    openRecording: (plan, handlers) => recorder.open(plan, handlers),
  }
}

function codecOf({ codec = 'pcm', samplerate }: CallOption) {
  const found = findCodec(codec.toLowerCase(), samplerate)
  if (found !== undefined) return found
  if (findCodec(codec.toLowerCase()) === undefined) {
    const known = 'pcm, pcmu, pcma, g722, opus'
    throw new CallError('bad_option', `option.codec: "${codec}" is unknown; known are ${known}`)
  }
  throw new CallError('bad_option', `option.samplerate: ${samplerate} is not a rate of ${codec}`)
}

/** A default that nobody can serve would only show in the first call. */
function checkProvider(
  variable: string,
  name: string,
  known: readonly { readonly provider: string }[],
): void {
  if (known.some(({ provider }) => provider === name)) return
  const names = known.map(({ provider }) => provider).join(', ') || 'none'
  throw new ConfigError(`${variable}: "${name}" is unknown; known are: ${names}`)
}

/** The one of `known` with that name, or an error that lists them. */
function pick<T>(field: string, name: string, known: readonly T[], nameOf: (one: T) => string): T {
  const found = known.find((one) => nameOf(one) === name)
  if (found !== undefined) return found
  const names = known.map(nameOf).join(', ') || 'none'
  const shown = name === '' ? 'no provider is named' : `"${name}" is unknown`
  throw new CallError('unknown_provider', `${field}: ${shown}; known are: ${names}`)
}

/** Waits until the last call is over, and ends the calls that take longer than `graceMs`. */
async function drain(registry: CallRegistry, graceMs: number): Promise<void> {
  const drained = registry.drain().then(() => true)
  if (await within(drained, graceMs)) return
  registry.endAll()
  await within(drained, GOODBYE_MS)
}
