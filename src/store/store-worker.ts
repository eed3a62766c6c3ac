/** The Worker that owns the database. Speaks `StoreRequest` and `StoreReply`, as JSON. */
import { CallDatabase } from './call-database.ts'
import { StoreError } from './store-error.ts'
import type { StoreRead, StoreReply, StoreRequest, StoreWrite } from './store-message.ts'

declare const self: Worker

let database: CallDatabase | undefined
/** What to open again, should the first attempt of a Worker that replaces another fail. */
let place: Extract<StoreRequest, { type: 'open' }> | undefined

const reply = (message: StoreReply) => self.postMessage(JSON.stringify(message))

const failure = (error: unknown) =>
  error instanceof StoreError
    ? { code: error.code, message: error.message }
    : {
        code: 'read_failed' as const,
        message: error instanceof Error ? error.message : String(error),
      }

function read(request: StoreRead): unknown {
  if (database === undefined) throw new StoreError('unavailable', 'the database is not open')
  switch (request.kind) {
    case 'list':
      return database.list(request.query)
    case 'get':
      return database.get(request.query.id) ?? null
    case 'events':
      return database.events(request.query)
    case 'recordings':
      return database.recordings(request.query)
  }
}

function open(request: Extract<StoreRequest, { type: 'open' }>): CallDatabase {
  const opened = new CallDatabase(request.path, request.migrations)
  if (!request.isReopened) opened.closeInterrupted()
  return opened
}

function write(writes: readonly StoreWrite[]): number {
  if (database === undefined && place !== undefined) database = open(place)
  if (database === undefined) throw new StoreError('unavailable', 'the database is not open')
  return database.write(writes)
}

function answer(request: StoreRequest): StoreReply {
  switch (request.type) {
    case 'open':
      try {
        place = request
        database = open(request)
        return { type: 'opened' }
      } catch (error) {
        return { type: 'opened', failure: failure(error) }
      }
    case 'write':
      try {
        return { type: 'written', refused: write(request.writes) }
      } catch (error) {
        return { type: 'written', refused: 0, failure: failure(error) }
      }
    case 'read':
      try {
        return { type: 'read', id: request.id, result: read(request.read) }
      } catch (error) {
        return { type: 'read', id: request.id, failure: failure(error) }
      }
    case 'close':
      database?.close()
      database = undefined
      place = undefined
      return { type: 'closed' }
  }
}

self.onmessage = ({ data }: MessageEvent<string>) => reply(answer(JSON.parse(data)))
