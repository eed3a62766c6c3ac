import { Hono } from 'hono'
import type { CallRegistry } from '#call/call-registry.ts'
import type { CallStore } from '#store/call-store.ts'
import manifest from '../../package.json' with { type: 'json' }

export interface HealthDeps {
  readonly registry: CallRegistry
  readonly store: Pick<CallStore, 'isHealthy'>
}

/** `/health`: the process answers. `/ready`: it should get new calls. Both are open to all. */
export function createHealthRoutes({ registry, store }: HealthDeps): Hono {
  const routes = new Hono()
  routes.get('/health', (context) =>
    context.json({
      status: 'ok',
      version: manifest.version,
      uptimeSeconds: Math.round(process.uptime()),
    }),
  )
  routes.get('/ready', (context) => {
    const reasons: string[] = []
    if (registry.isDraining) reasons.push('the server is draining')
    if (!store.isHealthy) reasons.push('the database cannot be written')
    const ready = reasons.length === 0
    return context.json({ ready, reasons }, ready ? 200 : 503)
  })
  return routes
}
