import Database from 'better-sqlite3'
import {
  type AnyColumn,
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  isNotNull,
  lt,
  ne,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate } from 'drizzle-orm/better-sqlite3/migrator'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type {
  CallEventRecord,
  CallPage,
  CallQuery,
  CallRecord,
  RecordingRecord,
} from '#protocol/call-record.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { callEvents, calls } from './schema.ts'
import { StoreError } from './store-error.ts'
import type { EventsQuery, KeptRecording, RecordingsQuery, StoreWrite } from './store-message.ts'

/** How long to wait for another process that has the database locked. */
const BUSY_TIMEOUT_MS = 2_000

type CallRow = typeof calls.$inferSelect
type ListedRow = Omit<CallRow, 'recordingPeaks'>

/** What a page of history shows of each call. */
const { recordingPeaks: _, ...LISTED } = getTableColumns(calls)

/**
 * The database of calls, in the thread of whoever makes it (in the server: a Worker). Synchronous.
 */
export class CallDatabase {
  readonly #sqlite: Database.Database
  readonly #db: BetterSQLite3Database
  readonly #insertEvent: (event: CallEventRecord) => void
  readonly #upsertCall: (record: CallRecord) => void

  /**
   * Opens the file, or makes it, and brings its schema up to date.
   *
   * @throws {StoreError} `cannot_open`, `newer_schema`
   */
  constructor(path: string, migrationsFolder: string) {
    this.#sqlite = open(path)
    this.#db = drizzle(this.#sqlite)
    try {
      refuseNewer(this.#sqlite, path, migrationsFolder)
      migrate(this.#db, { migrationsFolder })
    } catch (error) {
      this.#sqlite.close()
      if (error instanceof StoreError) throw error
      throw cannotOpen(path, error)
    }
    this.#insertEvent = this.#prepareInsertEvent()
    this.#upsertCall = this.#prepareUpsertCall()
  }

  /**
   * Writes in one transaction; writing the same again changes nothing. A row that SQLite will never
   * take is left out, so that it cannot hold up the rows behind it; when the file cannot be written
   * nothing is, and it throws.
   *
   * @returns how many rows were left out.
   */
  write(writes: readonly StoreWrite[]): number {
    try {
      this.#db.transaction(() => {
        for (const write of writes) this.#writeRow(write)
      })
      return 0
    } catch (error) {
      if (!isFaultOfRow(error)) throw error
      return this.#writeOneByOne(writes)
    }
  }

  /** @throws {StoreError} `bad_cursor` */
  list(query: CallQuery): CallPage {
    const rows = this.#db
      .select(LISTED)
      .from(calls)
      .where(and(...filters(query)))
      .orderBy(desc(calls.startedAt), desc(calls.recordId))
      .limit(query.limit + 1)
      .all()
    const page = rows.slice(0, query.limit).map(toRecord)
    const last = page.at(-1)
    if (rows.length <= query.limit || last === undefined) return { calls: page }
    return { calls: page, next: encodeCursor(last) }
  }

  /** The call with that record id, else the latest with that session id. */
  get(id: string): CallRecord | undefined {
    const row =
      this.#db.select().from(calls).where(eq(calls.recordId, id)).get() ??
      this.#db.select().from(calls).where(eq(calls.id, id)).orderBy(desc(calls.startedAt)).get()
    return row === undefined ? undefined : toRecord(row)
  }

  events({ recordId, after, limit }: EventsQuery): CallEventRecord[] {
    return this.#db
      .select()
      .from(callEvents)
      .where(and(eq(callEvents.recordId, recordId), gt(callEvents.sequence, after)))
      .orderBy(asc(callEvents.sequence))
      .limit(limit)
      .all() as CallEventRecord[]
  }

  recordings({ which, after, limit }: RecordingsQuery): KeptRecording[] {
    const chosen =
      'incompleteBefore' in which
        ? and(
            sql`json_extract(${calls.recording}, '$.durationMs') IS NULL`,
            lt(calls.startedAt, which.incompleteBefore),
          )
        : lt(calls.endedAt, which.endedBefore)
    return this.#db
      .select({ recordId: calls.recordId, recording: calls.recording })
      .from(calls)
      .where(
        and(
          isNotNull(calls.recording),
          ne(calls.state, 'active'),
          gt(calls.recordId, after),
          chosen,
        ),
      )
      .orderBy(asc(calls.recordId))
      .limit(limit)
      .all() as KeptRecording[]
  }

  close(): void {
    if (!this.#sqlite.open) return
    try {
      this.#sqlite.pragma('wal_checkpoint(TRUNCATE)')
    } catch {
      // What a full disk keeps out of the database file stays in the log beside it.
    }
    this.#sqlite.close()
  }

  /** Closes the records of calls that a process before this one left open. */
  closeInterrupted(): void {
    const lastEvent = sql`(SELECT max(at) FROM call_events WHERE call_events.record_id = calls.record_id)`
    this.#db
      .update(calls)
      .set({ state: 'interrupted', endedAt: sql`coalesce(${lastEvent}, started_at)` })
      .where(eq(calls.state, 'active'))
      .run()
  }

  #writeRow(write: StoreWrite): void {
    switch (write.op) {
      case 'append':
        this.#insertEvent(write.event)
        break
      case 'begin':
      case 'finish':
        this.#upsertCall(write.record)
        break
      case 'recording':
        this.#setRecording(write.recordId, write.recording)
        break
      case 'mark':
        break
    }
  }

  #setRecording(recordId: string, recording: RecordingRecord | undefined): void {
    const { peaks = null, ...rest } = recording ?? {}
    this.#db
      .update(calls)
      .set({ recording: recording === undefined ? null : rest, recordingPeaks: peaks })
      .where(eq(calls.recordId, recordId))
      .run()
  }

  #writeOneByOne(writes: readonly StoreWrite[]): number {
    let refused = 0
    this.#db.transaction(() => {
      for (const write of writes) {
        try {
          this.#writeRow(write)
        } catch (error) {
          if (!isFaultOfRow(error)) throw error
          refused += 1
        }
      }
    })
    return refused
  }

  #prepareInsertEvent(): (event: CallEventRecord) => void {
    const statement = this.#sqlite.prepare(
      'INSERT OR IGNORE INTO call_events (record_id, sequence, at, direction, name, data) VALUES (?, ?, ?, ?, ?, ?)',
    )
    return ({ recordId, sequence, at, direction, name, data }) => {
      statement.run(recordId, sequence, at, direction, name, JSON.stringify(data))
    }
  }

  #prepareUpsertCall(): (record: CallRecord) => void {
    return (record) => {
      const { recording: _, ...row } = { option: null, ...record }
      this.#db
        .insert(calls)
        .values(row)
        .onConflictDoUpdate({ target: calls.recordId, set: row })
        .run()
    }
  }
}

function open(path: string): Database.Database {
  try {
    const sqlite = new Database(path, { timeout: BUSY_TIMEOUT_MS })
    sqlite.pragma('journal_mode = WAL')
    // A crash of the machine may lose the last moments, a crash of the process nothing.
    sqlite.pragma('synchronous = NORMAL')
    sqlite.pragma('temp_store = MEMORY')
    return sqlite
  } catch (error) {
    throw cannotOpen(path, error)
  }
}

/** Codes of SQLite that say that the file, not the row, is the trouble; extended codes begin so. */
const FAULTS_OF_FILE =
  /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM|CORRUPT|NOTADB|PERM)/

/** Whether the row itself is at fault. Drizzle wraps what SQLite threw as `cause`. */
function isFaultOfRow(error: unknown): boolean {
  for (let it: unknown = error; it instanceof Error; it = it.cause) {
    const code = 'code' in it ? String(it.code) : ''
    if (FAULTS_OF_FILE.test(code)) return false
  }
  return true
}

function cannotOpen(path: string, cause: unknown): StoreError {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new StoreError('cannot_open', `DATA_DIR: cannot use the database ${path}: ${detail}`, {
    cause,
  })
}

/** A database that a newer version has migrated may mean something else by its columns. */
function refuseNewer(sqlite: Database.Database, path: string, migrationsFolder: string): void {
  const table = sqlite
    .prepare("SELECT 1 FROM sqlite_master WHERE name = '__drizzle_migrations'")
    .get()
  if (table === undefined) return
  const { latest } = sqlite
    .prepare('SELECT max(created_at) AS latest FROM __drizzle_migrations')
    .get() as { latest: number | null }
  const known = readMigrationFiles({ migrationsFolder }).at(-1)?.folderMillis ?? 0
  if ((latest ?? 0) <= known) return
  const message = `DATA_DIR: ${path} was made by a newer version of BunPBX; run that one`
  throw new StoreError('newer_schema', message)
}

function filters(query: CallQuery): SQL[] {
  const { type, state, caller, callee, reason, from, to, cursor } = query
  const found: (SQL | undefined)[] = [
    equals(calls.type, type),
    equals(calls.state, state),
    equals(calls.caller, caller),
    equals(calls.callee, callee),
    equals(calls.reason, reason),
    from === undefined ? undefined : gte(calls.startedAt, from),
    to === undefined ? undefined : lt(calls.startedAt, to),
  ]
  if (cursor !== undefined) {
    const last = decodeCursor(cursor)
    found.push(
      or(
        lt(calls.startedAt, last.startedAt),
        and(eq(calls.startedAt, last.startedAt), lt(calls.recordId, last.recordId)),
      ),
    )
  }
  return found.filter((filter) => filter !== undefined)
}

/** No filter at all where the value is absent. */
function equals(column: AnyColumn, value: string | undefined): SQL | undefined {
  return value === undefined ? undefined : eq(column, value)
}

/** A row without its nulls: absent is absent. */
function toRecord({ recordingPeaks = null, ...row }: ListedRow & Partial<CallRow>): CallRecord {
  const entries = Object.entries(row).filter(([, value]) => value !== null)
  const record = Object.fromEntries(entries) as CallRecord
  if (record.recording === undefined || recordingPeaks === null) return record
  const peaks = recordingPeaks as NonNullable<RecordingRecord['peaks']>
  return { ...record, recording: { ...record.recording, peaks } }
}
