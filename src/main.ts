import { type App, createApp } from '#app/app.ts'
import { loadConfig } from '#config/config.ts'
import { createLogger } from '#core/log.ts'

/** Errors whose message is written for whoever starts the server; anything else shows its stack. */
const EXPECTED = new Set(['ConfigError', 'ListenError', 'StoreError', 'CallError'])

function refuseToStart(error: unknown): never {
  const isExpected = error instanceof Error && EXPECTED.has(error.name)
  process.stderr.write(`bunpbx: ${isExpected ? error.message : Bun.inspect(error)}\n`)
  process.exit(1)
}

async function main(): Promise<void> {
  const config = loadConfig(process.env)
  const log = createLogger(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)
  // A fault that nobody caught must be seen, and must not end the calls of others.
  process.on('uncaughtException', (error) => log.error({ error }, 'uncaught exception'))
  process.on('unhandledRejection', (error) => log.error({ error }, 'unhandled rejection'))
  const started = createApp(config, { log })
  stopOnSignal(started, (signal) =>
    log.info({ signal, drainSeconds: config.drainSeconds }, 'stopping'),
  )
  const app = await started
  const sip = app.sipPort !== undefined && { sipPort: app.sipPort }
  log.info({ url: app.url, docs: `${app.url}/docs`, ...sip }, 'listening')
}

/** Drains and ends the process at the first SIGTERM or SIGINT; ends it at once at the second. */
function stopOnSignal(started: Promise<App>, onStop: (signal: string) => void): void {
  let isStopping = false
  const stop = (signal: string) => {
    if (isStopping) process.exit(1)
    isStopping = true
    onStop(signal)
    started
      .then((app) => app.close())
      .then(() => process.exit(0))
      .catch(refuseToStart)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

main().catch(refuseToStart)
