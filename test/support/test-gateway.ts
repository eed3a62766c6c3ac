import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, type AppDeps, createApp } from '#app/app.ts'
import { loadConfig } from '#config/config.ts'
import { createLogger } from '#core/log.ts'

export interface TestGateway extends AsyncDisposable {
  readonly app: App
  readonly url: string
  readonly directory: string
  readonly mediaDirectory: string
}

/** The real thing on a free port of the loopback, with a directory of its own. */
export async function startGateway(
  env: Record<string, string> = {},
  overrides: Partial<AppDeps> = {},
): Promise<TestGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'bunpbx-test-'))
  const mediaDirectory = join(import.meta.dir, '../fixtures/play')
  const config = loadConfig({
    PORT: '0',
    DATA_DIR: directory,
    MEDIA_DIR: mediaDirectory,
    DRAIN_SECONDS: '0',
    ...env,
  })
  const app = await createApp(config, { log: createLogger('silent'), ...overrides })
  return {
    app,
    url: app.url,
    directory,
    mediaDirectory,
    async [Symbol.asyncDispose]() {
      await app.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
