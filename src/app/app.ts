import { CallRegistry } from '#call/call-registry.ts'
import type { Config } from '#config/config.ts'
import { ConfigError } from '#config/config-error.ts'
import type { Logger } from '#core/log.ts'
import { within } from '#core/within.ts'
import { type Listener, listen } from '#server/listen.ts'
import { Metrics } from '#server/metrics.ts'
import { addProcessMetrics } from '#server/process-metrics.ts'
import { createServer } from '#server/server.ts'
import type { Recognizer } from '#speech/asr.ts'
import type { Synthesizer } from '#speech/tts.ts'
import { CallStore } from '#store/call-store.ts'
import { addMetrics } from './add-metrics.ts'
import { createCallDeps } from './create-call-deps.ts'
import { createEngines, type Engines } from './engines.ts'
import { createInboundHandler, SipGateway } from './sip-gateway.ts'

/** What an app is made of beside its configuration; tests put fakes in. */
export interface AppDeps {
  readonly log: Logger
  readonly recognizers: readonly Recognizer[]
  readonly synthesizers: readonly Synthesizer[]
}

/** A running gateway. */
export interface App {
  readonly port: number
  /** UDP port of SIP; absent while it is off. */
  readonly sipPort: number | undefined
  readonly sipTlsPort: number | undefined
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
  const engines = createEngines(config, { store, recognizers, synthesizers, onFault })
  const sip = await openSip(config, engines, { store, log })
  const deps = createCallDeps(config, engines, { store, log, sip })
  const registry = new CallRegistry(deps, config.maxCalls)
  if (sip !== undefined) sip.onInbound = createInboundHandler(config, registry, log)
  const metrics = new Metrics()
  addMetrics(metrics, { ...engines, registry, store, sip })
  const stopProcessMetrics = addProcessMetrics(metrics)

  const closeAll = async () => {
    stopProcessMetrics()
    await sip?.close()
    await engines.close()
    await store.close()
  }
  let listener: Listener
  try {
    checkProvider('TTS_PROVIDER', config.ttsProvider, engines.speakers)
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
    sipPort: sip?.port,
    sipTlsPort: sip?.tlsPort,
    url: listener.url,
    close: async () => {
      await drain(registry, config.drainSeconds * 1_000)
      await listener.close()
      await closeAll()
    },
  }
}

/** SIP, where it is wanted. What has been opened before is closed when it cannot be had. */
async function openSip(
  config: Config,
  engines: Engines,
  { store, log }: { readonly store: CallStore; readonly log: Logger },
): Promise<SipGateway | undefined> {
  const port = config.sipPort
  if (port === undefined) return undefined
  try {
    return await SipGateway.open(config, port, { pacer: engines.pacer, log })
  } catch (cause) {
    await engines.close()
    await store.close()
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`SIP_PORT, SIP_HOST: cannot listen on port ${port}: ${message}`, {
      cause,
    })
  }
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

/** Waits until the last call is over, and ends the calls that take longer than `graceMs`. */
async function drain(registry: CallRegistry, graceMs: number): Promise<void> {
  const drained = registry.drain().then(() => true)
  if (await within(drained, graceMs)) return
  registry.endAll()
  await within(drained, GOODBYE_MS)
}
