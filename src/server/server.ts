import { join } from 'node:path'
import { Hono } from 'hono'
import type { CallRegistry } from '#call/call-registry.ts'
import type { Config } from '#config/config.ts'
import type { Logger } from '#core/log.ts'
import type { CallStore } from '#store/call-store.ts'
import { requireKey, requireOrigin } from './auth.ts'
import { createCallRoute, type ServerEnv } from './call-route.ts'
import { renderDocsPage } from './docs-page.tsx'
import { createHealthRoutes } from './health-routes.ts'
import { IceServers } from './ice-servers.ts'
import type { Fetch } from './listen.ts'
import type { Metrics } from './metrics.ts'
import { createOpenApi, OPERATIONS } from './openapi.ts'
import { ProblemError } from './problem.ts'
import { createRestRoutes } from './rest-routes.ts'

export interface ServerDeps {
  readonly config: Config
  readonly registry: CallRegistry
  readonly store: CallStore
  readonly metrics: Metrics
  readonly log: Logger
}

/** How long a client waits that was refused for want of room. */
const RETRY_AFTER_SECONDS = 5

/** All routes of the server, as one function from a request to its answer. */
export function createServer({ config, registry, store, metrics, log }: ServerDeps): Fetch {
  const app = new Hono<ServerEnv>({ strict: false })
  app.notFound((context) => notFound(context.req.method, context.req.path))
  app.onError((error, context) => {
    if (error instanceof ProblemError) return error.toResponse(context.req.path)
    log.error({ path: context.req.path, error }, 'request fault')
    return new ProblemError(500, 'the server failed; its log says why').toResponse(context.req.path)
  })
  const trustsHost = config.apiKeys.length > 0 || config.allowAnonymous
  app.use(requireOrigin(config.allowedOrigins, trustsHost))
  app.route('/', createHealthRoutes({ registry, store }))
  addDocuments(app)
  app.use(requireKey(config.apiKeys))
  addCallRoutes(app, config, registry)
  app.get('/metrics', (context) =>
    context.text(metrics.render(), 200, { 'content-type': 'text/plain; version=0.0.4' }),
  )
  const iceServers = new IceServers(config)
  const recordingsDir = join(config.dataDir, 'recordings')
  app.route('/', createRestRoutes({ registry, store, iceServers, recordingsDir }))
  return (request, env) => app.fetch(request, env)
}

/** 405 where the path is ours and the method is not, else 404. */
function notFound(method: string, path: string): Response {
  const operation = OPERATIONS.find((other) =>
    new RegExp(`^${other.path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`).test(path),
  )
  if (operation === undefined) {
    return new ProblemError(404, `there is nothing at ${path}; see /docs`).toResponse(path)
  }
  const allow = operation.method.toUpperCase()
  return new ProblemError(405, `${path} takes ${allow}, not ${method}`, { allow }).toResponse(path)
}

function addDocuments(app: Hono<ServerEnv>): void {
  const openApi = JSON.stringify(createOpenApi())
  const page = renderDocsPage()
  app.get('/', (context) => context.redirect('/docs'))
  app.get('/docs', (context) => context.html(page))
  app.get('/openapi.json', (context) =>
    context.body(openApi, 200, { 'content-type': 'application/json' }),
  )
}

function addCallRoutes(app: Hono<ServerEnv>, config: Config, registry: CallRegistry): void {
  const inviteTimeoutMs = config.inviteTimeoutSeconds * 1_000
  const options = { registry, inviteTimeoutMs, retryAfterSeconds: RETRY_AFTER_SECONDS }
  app.get('/call', createCallRoute('websocket', options))
  const sip = config.sipPort === undefined ? refuseSip : createCallRoute('sip', options)
  app.get('/call/sip', sip)
  for (const path of ['/call/webrtc']) {
    app.get(path, () => {
      throw new ProblemError(501, `${path} is not built yet; /call is`)
    })
  }
}

function refuseSip(): never {
  throw new ProblemError(503, 'SIP is off here; set SIP_PORT (usually 5060) to turn it on')
}
