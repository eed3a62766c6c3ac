import { z } from 'zod'
import { CallPage, CallQuery, CallRecord } from '#protocol/call-record.ts'
import { CallSocketQuery } from '#protocol/call-socket-query.ts'
import { Command } from '#protocol/command.ts'
import { CallEvent } from '#protocol/event.ts'
import { toJsonSchema } from '#protocol/json-schema.ts'
import manifest from '../../package.json' with { type: 'json' }
import { IceServer } from './ice-servers.ts'
import { Problem, type ProblemStatus } from './problem.ts'
import { EventsPage, EventsQuery, Health, LiveCalls, Readiness } from './rest-schema.ts'

/** One operation of the API. */
export interface Operation {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly group: 'Calls' | 'History' | 'WebRTC' | 'Operations'
  readonly summary: string
  readonly query?: z.ZodObject
  /** Schema of the 200 answer as JSON; text of another kind otherwise. */
  readonly answer?: z.ZodType
  readonly contentType?: string
  /** A status that comes with the same body as 200. */
  readonly otherStatus?: number
  readonly isWebSocket?: boolean
  readonly isOpen?: boolean
  readonly problems: readonly ProblemStatus[]
}

const socket = { method: 'get', group: 'Calls', query: CallSocketQuery, isWebSocket: true } as const

/** Every route of the server; a test compares it with what Hono knows. */
export const OPERATIONS: readonly Operation[] = [
  {
    ...socket,
    path: '/call',
    summary: 'Opens a call whose audio travels on this WebSocket.',
    problems: [400, 401, 403, 409, 426, 503],
  },
  {
    ...socket,
    path: '/call/webrtc',
    summary: 'Opens a WebRTC call. Not built yet.',
    problems: [501],
  },
  {
    ...socket,
    path: '/call/sip',
    summary: 'Opens a SIP call, or waits for one; 503 while SIP is off.',
    problems: [400, 401, 403, 409, 426, 503],
  },
  {
    method: 'get',
    path: '/call/lists',
    group: 'Calls',
    summary: 'Lists the live calls.',
    answer: LiveCalls,
    problems: [401],
  },
  {
    method: 'post',
    path: '/call/kill/{id}',
    group: 'Calls',
    summary: 'Ends a live call.',
    answer: z.literal(true),
    problems: [401, 404],
  },
  {
    method: 'get',
    path: '/iceservers',
    group: 'WebRTC',
    summary: 'STUN and TURN servers for the browser.',
    answer: z.array(IceServer),
    problems: [401],
  },
  {
    method: 'get',
    path: '/calls',
    group: 'History',
    summary: 'Calls, the latest first, a page at a time.',
    query: CallQuery,
    answer: CallPage,
    problems: [400, 401, 503],
  },
  {
    method: 'get',
    path: '/calls/{id}',
    group: 'History',
    summary: 'One call, by session id (the latest with it) or record id.',
    answer: CallRecord,
    problems: [401, 404, 503],
  },
  {
    method: 'get',
    path: '/calls/{id}/events',
    group: 'History',
    summary: 'Commands and events of a call, a page at a time.',
    query: EventsQuery,
    answer: EventsPage,
    problems: [400, 401, 404, 503],
  },
  {
    method: 'get',
    path: '/calls/{id}/events.jsonl',
    group: 'History',
    summary: 'All commands and events of a call, one JSON object per line.',
    contentType: 'application/x-ndjson',
    problems: [401, 404, 503],
  },
  {
    method: 'get',
    path: '/calls/{id}/recording',
    group: 'History',
    summary:
      'The recording of a call, whole or a range of bytes; of a live call, what there is of it.',
    contentType: 'audio/wav',
    otherStatus: 206,
    problems: [401, 404, 416, 503],
  },
  {
    method: 'get',
    path: '/health',
    group: 'Operations',
    summary: 'Whether the process answers.',
    answer: Health,
    isOpen: true,
    problems: [],
  },
  {
    method: 'get',
    path: '/ready',
    group: 'Operations',
    summary: 'Whether new calls should come here; 503 with the same body when not.',
    answer: Readiness,
    otherStatus: 503,
    isOpen: true,
    problems: [],
  },
  {
    method: 'get',
    path: '/metrics',
    group: 'Operations',
    summary: 'Figures in the Prometheus text format.',
    contentType: 'text/plain; version=0.0.4',
    problems: [401],
  },
  {
    method: 'get',
    path: '/openapi.json',
    group: 'Operations',
    summary: 'This document.',
    contentType: 'application/json',
    isOpen: true,
    problems: [],
  },
  {
    method: 'get',
    path: '/docs',
    group: 'Operations',
    summary: 'The same for people.',
    contentType: 'text/html',
    isOpen: true,
    problems: [],
  },
]

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of the whole API, commands and events of the WebSocket included. */
export function createOpenApi(): Json {
  const components = new Components()
  const paths: Record<string, Json> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describe(operation, components),
    }
  }
  components.add('Command', Command)
  components.add('CallEvent', CallEvent)
  return {
    openapi: '3.1.0',
    info: {
      title: 'BunPBX',
      version: manifest.version,
      description: manifest.description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'apiKey', in: 'query', name: 'token' },
      },
    },
    security: [{ bearer: [] }, { token: [] }, {}],
  }
}

function describe(operation: Operation, components: Components): Json {
  const { summary, group, path, query, problems } = operation
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(query === undefined ? [] : queryParameters(query)),
  ]
  const problem = {
    description: 'See the detail.',
    content: { 'application/problem+json': { schema: components.refer(Problem) } },
  }
  const refused = [...problems, 'default'].map((status) => [status, problem])
  return {
    operationId: operationId(operation),
    summary,
    tags: [group],
    ...(parameters.length > 0 && { parameters }),
    ...(operation.isOpen === true && { security: [{}] }),
    responses: { ...success(operation, components), ...Object.fromEntries(refused) },
  }
}

/** A name for generated clients: `GET /calls/{id}/events` is `getCallsByIdEvents`. */
function operationId({ method, path }: Operation): string {
  const words = path.replaceAll(/\{(\w+)\}/g, 'by/$1').split(/[^A-Za-z]+/)
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
}

function success(operation: Operation, components: Components): Json {
  const { isWebSocket, answer, contentType, otherStatus } = operation
  if (isWebSocket === true) {
    const description =
      'Switches to a WebSocket: commands up (`Command`), events down (`CallEvent`), audio as binary messages.'
    return { 101: { description } }
  }
  if (answer !== undefined) {
    const content = { 'application/json': { schema: components.refer(answer) } }
    const response = { description: 'As asked.', content }
    return { 200: response, ...(otherStatus !== undefined && { [otherStatus]: response }) }
  }
  if (contentType === undefined) return {}
  const content = { [contentType]: { schema: { type: 'string' } } }
  const response = { description: 'As asked.', content }
  return { 200: response, ...(otherStatus !== undefined && { [otherStatus]: response }) }
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = toJsonSchema(query) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name) && schema['default'] === undefined,
    ...(description !== undefined && { description }),
    schema,
  }))
}

/** Collects schemas that carry an id, so that each stands once in the document. */
class Components {
  readonly schemas: Record<string, unknown> = {}

  /** The schema in place, its named parts as references. */
  refer(schema: z.ZodType): Json {
    const id = schema.meta()?.['id'] as string | undefined
    if (id === undefined) return this.#take({ ...toJsonSchema(schema) })
    this.add(id, schema)
    return { $ref: `#/components/schemas/${id}` }
  }

  add(name: string, schema: z.ZodType): void {
    this.schemas[name] ??= this.#take({ ...toJsonSchema(schema) })
  }

  /** Moves the definitions inside `json` to the components. */
  #take(json: Json): Json {
    const { $schema: _, $defs = {}, id: _id, ...rest } = json
    for (const [name, definition] of Object.entries($defs as Record<string, Json>)) {
      this.schemas[name] ??= this.#take(definition)
    }
    return JSON.parse(JSON.stringify(rest).replaceAll('#/$defs/', '#/components/schemas/')) as Json
  }
}
