/** The Worker that owns the database. Speaks `StoreRequest` and `StoreReply`, as JSON. */
import { CallDatabase } from './call-database.ts'
import { StoreError } from './store-error.ts'
import type { StoreRead, StoreReply, StoreRequest } from './store-message.ts'

declare const self: Worker

let database: CallDatabase | undefined

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
  }
}

function answer(request: StoreRequest): StoreReply {
  switch (request.type) {
    case 'open':
      try {
        database = new CallDatabase(request.path, request.migrations)
        return { type: 'opened' }
      } catch (error) {
        return { type: 'opened', failure: failure(error) }
      }
    case 'write':
      try {
        if (database === undefined) throw new StoreError('unavailable', 'the database is not open')
        database.write(request.writes)
        return { type: 'written' }
      } catch (error) {
        return { type: 'written', failure: failure(error) }
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
      return { type: 'closed' }
  }
}

self.onmessage = ({ data }: MessageEvent<string>) => reply(answer(JSON.parse(data)))
