import { join } from 'node:path'
import { Histogram } from '#core/histogram.ts'
import { within } from '#core/within.ts'
import type { CallEventRecord, CallPage, CallQuery, CallRecord } from '#protocol/call-record.ts'
import { DirectoryLock } from './directory-lock.ts'
import { prepareDirectory } from './prepare-directory.ts'
import { StoreError } from './store-error.ts'
import type {
  KeptRecording,
  RecordingsQuery,
  StoreReads,
  StoreReply,
  StoreRequest,
  StoreWrite,
} from './store-message.ts'

const MIGRATIONS = new URL('../../migrations', import.meta.url).pathname
const LATENCY_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 2]
/** Rows written in one transaction. */
const MAX_BATCH = 1_000
/** Rows that wait while the database fails; the oldest go first. */
const MAX_WAITING = 20_000
/** And so many characters of them, for a call that says a lot. */
const MAX_WAITING_CHARS = 64 * 1024 * 1024
/** A batch that takes longer is no longer waited for by the events in it. */
const STALL_MS = 2_000
const RETRY_MS = 1_000
const FAULT_REPORT_MS = 60_000
const OPEN_TIMEOUT_MS = 30_000
const CLOSE_TIMEOUT_MS = 10_000
/** Rows that one request for events may return. */
const MAX_EVENTS = 1_000

export interface CallStoreOptions {
  /** Where the database file is, or will be made. */
  readonly directory: string
  /** Told of a failing database, at most once a minute, and of its recovery. */
  readonly onFault?: (message: string) => void
}

interface Waiting {
  /** As JSON, made when it was given, so that nobody can change it later; absent if it has none. */
  readonly json: string | undefined
  readonly queuedMs: number
  /** Also those of older rows that were dropped: they are called in order, and none is lost. */
  readonly onStored: (() => void)[]
}

interface PendingRead {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: StoreError) => void
}

/**
 * Remembers calls in SQLite, in a Worker, so that neither an insert nor a checkpoint ever stands
 * between a frame and its time. Writes go in order, one transaction at a time; what comes while one
 * is under way makes the next. While the database fails, rows wait and calls go on.
 */
export class CallStore {
  /** Seconds from `append` to the row being in the database. */
  readonly latency = new Histogram(LATENCY_SECONDS)
  readonly stats = { written: 0, failures: 0, dropped: 0, stalls: 0, restarts: 0 }
  readonly #lock: DirectoryLock
  readonly #path: string
  readonly #onFault: (message: string) => void
  #worker: Worker
  #waiting: Waiting[] = []
  #waitingChars = 0
  /** How many of the first waiting rows are with the Worker. */
  #inFlight = 0
  #isScheduled = false
  #isFailing = false
  /** Whether `onFault` was told of the failure that is on. */
  #isReported = false
  #isClosed = false
  #reportedAtMs = -Infinity
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #stallTimer: ReturnType<typeof setTimeout> | undefined
  readonly #reads = new Map<number, PendingRead>()
  #nextRead = 0
  #onOpened: (reply: StoreReply) => void = () => undefined
  #onClosed: () => void = () => undefined
  #onIdle: (() => void) | undefined

  private constructor(options: CallStoreOptions, lock: DirectoryLock) {
    this.#lock = lock
    this.#path = join(options.directory, 'bunpbx.db')
    this.#onFault = options.onFault ?? (() => undefined)
    this.#worker = this.#createWorker()
  }

  /**
   * Opens the database in `directory`, makes it where there is none, and migrates it.
   *
   * @throws {StoreError} with a message that says what is wrong with the directory or the file.
   */
  static async open(options: CallStoreOptions): Promise<CallStore> {
    prepareDirectory(options.directory)
    const store = new CallStore(options, new DirectoryLock(options.directory))
    try {
      await store.#open()
    } catch (error) {
      store.#isClosed = true
      store.#worker.terminate()
      store.#lock.release()
      throw error
    }
    return store
  }

  /** False while rows cannot be written. */
  get isHealthy(): boolean {
    return !this.#isFailing
  }

  /** Rows that are not in the database yet. */
  get queued(): number {
    return this.#waiting.length
  }

  begin(record: CallRecord): void {
    this.#enqueue({ op: 'begin', record })
  }

  append(event: CallEventRecord, onStored?: () => void): void {
    this.#enqueue({ op: 'append', event }, onStored)
  }

  finish(record: CallRecord): void {
    this.#enqueue({ op: 'finish', record })
  }

  /** Replaces what the call's record says of its recording; undefined: there is none any more. */
  setRecording(recordId: string, recording: CallRecord['recording']): void {
    this.#enqueue({ op: 'recording', recordId, recording })
  }

  /** @throws {StoreError} `bad_cursor`, or when the database cannot be read. */
  async list(query: CallQuery): Promise<CallPage> {
    return this.#read('list', query)
  }

  /** The call with that record id, else the latest with that session id. */
  async get(id: string): Promise<CallRecord | undefined> {
    return (await this.#read('get', { id })) ?? undefined
  }

  /** Rows of one call in order, after the sequence `after`; at most `MAX_EVENTS` at a time. */
  async events(
    recordId: string,
    { after = -1, limit = MAX_EVENTS }: { readonly after?: number; readonly limit?: number } = {},
  ): Promise<CallEventRecord[]> {
    return this.#read('events', { recordId, after, limit: Math.min(limit, MAX_EVENTS) })
  }

  /** Recordings of calls that are over, without their peaks, a page at a time. */
  async recordings(query: RecordingsQuery): Promise<KeptRecording[]> {
    return this.#read('recordings', query)
  }

  /** Writes what waits, as far as the database takes it, and ends the Worker. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    await within(this.#idle(), CLOSE_TIMEOUT_MS)
    this.#isClosed = true
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#stallTimer)
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve
    })
    this.#post({ type: 'close' })
    await within(closed, CLOSE_TIMEOUT_MS)
    this.#worker.terminate()
    this.#lock.release()
    this.#failReads('the server is stopping')
  }

  async #open(): Promise<void> {
    const opened = new Promise<StoreReply>((resolve) => {
      this.#onOpened = resolve
    })
    this.#post({ type: 'open', path: this.#path, migrations: MIGRATIONS, isReopened: false })
    const reply = await within(opened, OPEN_TIMEOUT_MS)
    if (reply === undefined) {
      throw new StoreError('cannot_open', `DATA_DIR: opening ${this.#path} takes too long`)
    }
    if (reply.type === 'opened' && reply.failure !== undefined) {
      throw new StoreError(reply.failure.code, reply.failure.message)
    }
  }

  #createWorker(): Worker {
    const worker = new Worker(new URL('./store-worker.ts', import.meta.url))
    worker.onmessage = ({ data }: MessageEvent<string>) => this.#receive(JSON.parse(data))
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.#restart(worker, event.message)
    })
    worker.addEventListener('close', () => this.#restart(worker, 'the Worker ended'))
    return worker
  }

  #enqueue(write: StoreWrite, onStored?: () => void): void {
    const json = toJson(write)
    if (json === undefined) this.stats.dropped += 1
    const callbacks = onStored === undefined ? [] : [onStored]
    this.#waiting.push({ json, queuedMs: performance.now(), onStored: callbacks })
    this.#waitingChars += json?.length ?? 0
    if (this.#waiting.length > MAX_WAITING || this.#waitingChars > MAX_WAITING_CHARS) {
      this.#dropOldest()
    }
    if (this.#isScheduled) return
    this.#isScheduled = true
    // One message for everything that this turn of the event loop brings.
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#isFailing) this.#release()
      this.#flush()
    })
  }

  /** The oldest row that is not with the Worker goes; its event is sent with the next one's. */
  #dropOldest(): void {
    const [dropped] = this.#waiting.splice(this.#inFlight, 1)
    if (dropped === undefined) return
    this.#waitingChars -= dropped.json?.length ?? 0
    this.stats.dropped += 1
    const next = this.#waiting[this.#inFlight]
    if (next !== undefined) next.onStored.unshift(...dropped.onStored)
    else this.#waiting.push({ ...dropped, json: undefined })
  }

  /** Hands the Worker the next batch, unless it is busy or the database fails. */
  #flush(): void {
    if (this.#inFlight > 0 || this.#retryTimer !== undefined || this.#isClosed) return
    if (this.#waiting.length === 0) {
      this.#onIdle?.()
      return
    }
    const batch = this.#waiting.slice(0, MAX_BATCH)
    this.#inFlight = batch.length
    const rows = batch.flatMap(({ json }) => json ?? [])
    this.#worker.postMessage(`{"type":"write","writes":[${rows.join(',')}]}`)
    this.#stallTimer = setTimeout(() => this.#stalled(), STALL_MS)
  }

  #receive(reply: StoreReply): void {
    switch (reply.type) {
      case 'opened':
        this.#onOpened(reply)
        break
      case 'written':
        this.#written(reply)
        break
      case 'read':
        this.#readDone(reply)
        break
      case 'closed':
        this.#onClosed()
        break
    }
  }

  #written({ refused, failure }: Extract<StoreReply, { type: 'written' }>): void {
    clearTimeout(this.#stallTimer)
    const count = this.#inFlight
    this.#inFlight = 0
    if (failure !== undefined) {
      this.#failed(failure.message)
      return
    }
    if (this.#isFailing) this.#recovered()
    const nowMs = performance.now()
    const batch = this.#waiting.splice(0, count)
    this.stats.written += batch.filter(({ json }) => json !== undefined).length - refused
    this.stats.dropped += refused
    this.#flush()
    for (const waiting of batch) {
      this.#waitingChars -= waiting.json?.length ?? 0
      this.latency.observe((nowMs - waiting.queuedMs) / 1_000)
      this.#tell(waiting)
    }
  }

  /** The rows stay, the events go out, and the batch is tried again. */
  #failed(message: string): void {
    this.stats.failures += 1
    this.#isFailing = true
    this.#report(`the database cannot be written, calls go on without: ${message}`)
    this.#release()
    if (this.#isClosed) return
    this.#onIdle?.()
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined
      this.#flush()
    }, RETRY_MS)
  }

  #stalled(): void {
    this.stats.stalls += 1
    this.#isFailing = true
    this.#report('the database is stalled; calls go on without')
    this.#release()
  }

  #recovered(): void {
    this.#isFailing = false
    if (this.#isReported) this.#onFault('the database is written again')
    this.#isReported = false
  }

  /** Lets go of everything that waits to be sent, in order; each only once. */
  #release(): void {
    for (const waiting of [...this.#waiting]) this.#tell(waiting)
  }

  /** One listener that throws must not cost the others their events. */
  #tell(waiting: Waiting): void {
    for (const onStored of waiting.onStored.splice(0)) {
      try {
        onStored()
      } catch (error) {
        this.#onFault(`an event could not be sent: ${error}`)
      }
    }
  }

  /** The Worker died: a new one gets what the old one had. Writing twice does no harm. */
  #restart(worker: Worker, message: string): void {
    if (this.#isClosed || worker !== this.#worker) return
    this.stats.restarts += 1
    this.#failReads('the database Worker was restarted')
    clearTimeout(this.#stallTimer)
    this.#inFlight = 0
    this.#worker = this.#createWorker()
    this.#post({ type: 'open', path: this.#path, migrations: MIGRATIONS, isReopened: true })
    this.#failed(message)
  }

  #report(message: string): void {
    if (performance.now() - this.#reportedAtMs < FAULT_REPORT_MS) return
    this.#reportedAtMs = performance.now()
    this.#isReported = true
    this.#onFault(message)
  }

  async #read<Kind extends keyof StoreReads>(
    kind: Kind,
    query: StoreReads[Kind]['query'],
  ): Promise<StoreReads[Kind]['result']> {
    // Whoever has been told of an event finds it, and everything before it.
    if (this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#enqueue({ op: 'mark' }, resolve))
    }
    if (this.#isClosed) throw new StoreError('unavailable', 'the server is stopping')
    const id = this.#nextRead
    this.#nextRead += 1
    const result = new Promise<unknown>((resolve, reject) => {
      this.#reads.set(id, { resolve, reject })
    })
    this.#post({ type: 'read', id, read: { kind, query } as never })
    return (await result) as StoreReads[Kind]['result']
  }

  #readDone(reply: Extract<StoreReply, { type: 'read' }>): void {
    const read = this.#reads.get(reply.id)
    this.#reads.delete(reply.id)
    if ('failure' in reply) read?.reject(new StoreError(reply.failure.code, reply.failure.message))
    else read?.resolve(reply.result)
  }

  #failReads(message: string): void {
    for (const { reject } of this.#reads.values()) reject(new StoreError('unavailable', message))
    this.#reads.clear()
  }

  /** Resolves when nothing waits, or nothing of it can be written. */
  async #idle(): Promise<void> {
    if (this.#waiting.length === 0 || this.#isFailing) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  #post(request: StoreRequest): void {
    this.#worker.postMessage(JSON.stringify(request))
  }
}

/** Undefined for what JSON cannot hold: that row is lost, the call is not. */
function toJson(write: StoreWrite): string | undefined {
  try {
    return JSON.stringify(write)
  } catch {
    return
  }
}
