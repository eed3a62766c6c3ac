import { Hono } from 'hono'
import type { z } from 'zod'
import type { CallRegistry } from '#call/call-registry.ts'
import { type CallEventRecord, CallQuery, type CallRecord } from '#protocol/call-record.ts'
import type { CallStore } from '#store/call-store.ts'
import { StoreError } from '#store/store-error.ts'
import type { IceServers } from './ice-servers.ts'
import { ProblemError } from './problem.ts'
import { recordingResponse } from './recording-response.ts'
import { EventsQuery } from './rest-schema.ts'

/** How many events are read at once for a dump, so that a long call never sits in memory whole. */
const DUMP_PAGE = 1_000

export interface RestDeps {
  readonly registry: CallRegistry
  readonly store: Pick<CallStore, 'list' | 'get' | 'events'>
  readonly iceServers: IceServers
  /** Where the recordings lie. */
  readonly recordingsDir: string
}

/** The REST side of the API: live calls, the history of calls, ICE servers. */
export function createRestRoutes(deps: RestDeps): Hono {
  const { registry, store, iceServers, recordingsDir } = deps
  const routes = new Hono()
  routes.get('/call/lists', (context) => context.json({ calls: registry.list() }))

  routes.post('/call/kill/:id', (context) => {
    const id = context.req.param('id')
    if (!registry.kill(id)) throw new ProblemError(404, `no live call has the id "${id}"`)
    return context.json(true)
  })

  routes.get('/iceservers', async (context) => context.json(await iceServers.list()))

  routes.get('/calls', async (context) => {
    const query = parseQuery(CallQuery, context.req.query())
    return context.json(await fromStore(store.list(query)))
  })

  routes.get('/calls/:id', async (context) =>
    context.json(await findCall(store, context.req.param('id'))),
  )

  routes.get('/calls/:id/events', async (context) => {
    const { after, limit } = parseQuery(EventsQuery, context.req.query())
    const { recordId } = await findCall(store, context.req.param('id'))
    const events = await fromStore(store.events(recordId, { after, limit }))
    const next = events.length < limit ? undefined : events.at(-1)?.sequence
    return context.json({ events, next })
  })

  routes.get('/calls/:id/events.jsonl', async (context) => {
    const { recordId } = await findCall(store, context.req.param('id'))
    return new Response(dump(store, recordId), {
      headers: { 'content-type': 'application/x-ndjson' },
    })
  })

  routes.get('/calls/:id/recording', async (context) => {
    const { id, recording } = await findCall(store, context.req.param('id'))
    if (recording === undefined) throw new ProblemError(404, `the call "${id}" has no recording`)
    return recordingResponse(recordingsDir, recording, context.req.raw)
  })
  return routes
}

/** All events of a call as JSON Lines, read page by page as the client takes them. */
function dump(store: RestDeps['store'], recordId: string): ReadableStream<string> {
  let after = -1
  return new ReadableStream({
    async pull(controller) {
      const events = await store.events(recordId, { after, limit: DUMP_PAGE })
      const last = events.at(-1)
      if (last === undefined) {
        controller.close()
        return
      }
      after = last.sequence
      controller.enqueue(events.map(toLine).join(''))
      if (events.length < DUMP_PAGE) controller.close()
    },
  })
}

const toLine = (event: CallEventRecord) => `${JSON.stringify(event)}\n`

async function findCall(store: RestDeps['store'], id: string): Promise<CallRecord> {
  const record = await fromStore(store.get(id))
  if (record === undefined) throw new ProblemError(404, `no call has the id "${id}"`)
  return record
}

async function fromStore<T>(result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const status = error.code === 'bad_cursor' ? 400 : 503
    throw new ProblemError(status, error.message, {}, { cause: error })
  }
}

/** @throws {ProblemError} 400, naming the parameter. */
function parseQuery<T extends z.ZodType>(schema: T, query: Record<string, string>): z.infer<T> {
  const result = schema.safeParse(query)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const message = issue?.message.replace(/^Invalid input: /, '') ?? 'is not valid'
  throw new ProblemError(400, `${issue?.path.join('.')}: ${message}`)
}
