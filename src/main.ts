import { loadConfig } from '#config/config.ts'
import { createLogger } from '#core/log.ts'
import { createApp } from './app.ts'

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
  const app = await createApp(config, { log })
  log.info({ url: app.url, docs: `${app.url}/docs` }, 'listening')

  let isStopping = false
  const stop = (signal: string) => {
    // A second signal means that whoever sends it does not want to wait for the drain.
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ signal, drainSeconds: config.drainSeconds }, 'stopping')
    app.close().then(
      () => process.exit(0),
      (error) => refuseToStart(error),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // A fault that nobody caught must be seen, and must not end the calls of others.
  process.on('uncaughtException', (error) => log.error({ error }, 'uncaught exception'))
  process.on('unhandledRejection', (error) => log.error({ error }, 'unhandled rejection'))
}

main().catch(refuseToStart)
