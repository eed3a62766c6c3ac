import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface DiskCacheOptions {
  /** Told of a directory that cannot be used, at most once a minute. */
  readonly onFault?: (message: string) => void
}

/** SHA-256 of the content, in front of it: an entry that was cut off is a miss, not a noise. */
const CHECKSUM_BYTES = 32
const FAULT_REPORT_MS = 60_000
const ENTRY_NAME = /^[0-9a-f]{64}$/

/**
 * Content by key in a directory, no more of it than `maxBytes`; what was not used for longest goes
 * first. Never rejects: a disk that is full or broken makes misses, and is counted and reported.
 * Belongs to one process; a size of 0 keeps nothing.
 */
export class DiskCache {
  readonly stats = { hits: 0, misses: 0, evictions: 0, faults: 0 }
  readonly #directory: string
  readonly #maxBytes: number
  readonly #onFault: (message: string) => void
  /** Size by name; the one not used for longest is the first. */
  readonly #entries = new Map<string, number>()
  readonly #ready: Promise<void>
  /** Settles when the entries are again what lies on the disk. */
  #lastChange: Promise<unknown> = Promise.resolve()
  #bytes = 0
  #reportedAtMs = -Infinity

  constructor(directory: string, maxBytes: number, options: DiskCacheOptions = {}) {
    this.#directory = directory
    this.#maxBytes = maxBytes
    this.#onFault = options.onFault ?? (() => undefined)
    this.#ready = maxBytes > 0 ? this.#scan() : Promise.resolve()
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes
  }

  /** The content of `key`, or undefined. */
  async get(key: string): Promise<Uint8Array | undefined> {
    await this.#ready
    const name = nameOf(key)
    const content = this.#entries.has(name) ? await this.#read(name) : undefined
    if (content === undefined) {
      this.stats.misses += 1
      return undefined
    }
    this.stats.hits += 1
    // It may have been given up while it was being read.
    if (this.#entries.has(name)) this.#remember(name, content.length + CHECKSUM_BYTES)
    // The time on disk only matters for the order after a restart.
    const now = new Date()
    void utimes(join(this.#directory, name), now, now).catch(() => undefined)
    return content
  }

  /** Keeps `content` under `key`, in place of what was there. */
  async put(key: string, content: Uint8Array): Promise<void> {
    await this.#ready
    const bytes = content.length + CHECKSUM_BYTES
    if (bytes > this.#maxBytes) return
    const name = nameOf(key)
    const temporary = join(this.#directory, `${name}.${randomUUID()}`)
    try {
      await writeFile(temporary, Buffer.concat([checksum(content), content]))
      await this.#inTurn(async () => {
        await rename(temporary, join(this.#directory, name))
        this.#remember(name, bytes)
        await this.#evict()
      })
    } catch (error) {
      this.#fault(error)
      await rm(temporary, { force: true }).catch(() => undefined)
    }
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    try {
      const file = await readFile(join(this.#directory, name))
      const content = file.subarray(CHECKSUM_BYTES)
      if (checksum(content).equals(file.subarray(0, CHECKSUM_BYTES))) return content
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') this.#fault(error)
    }
    await this.#inTurn(() => this.#remove(name))
    return undefined
  }

  /** Runs `change`, which renames or removes entries, when the one before it is done. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#lastChange.then(change)
    this.#lastChange = turn.catch(() => undefined)
    return turn
  }

  async #evict(): Promise<void> {
    while (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#entries.keys()
      if (oldest === undefined) return
      this.stats.evictions += 1
      await this.#remove(oldest)
    }
  }

  async #remove(name: string): Promise<void> {
    this.#forget(name)
    await rm(join(this.#directory, name), { force: true }).catch(() => undefined)
  }

  #remember(name: string, bytes: number): void {
    this.#forget(name)
    this.#entries.set(name, bytes)
    this.#bytes += bytes
  }

  #forget(name: string): void {
    this.#bytes -= this.#entries.get(name) ?? 0
    this.#entries.delete(name)
  }

  /** Takes over what a process before this one left. */
  async #scan(): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true })
      const found = await Promise.all(
        (await readdir(this.#directory)).map((name) => this.#adopt(name)),
      )
      found.sort((one, other) => one.mtimeMs - other.mtimeMs)
      for (const { name, size } of found) if (size > 0) this.#remember(name, size)
    } catch (error) {
      this.#fault(error)
    }
    await this.#evict()
  }

  /** What a file of the directory is; one that is no entry is removed and has no size. */
  async #adopt(name: string): Promise<{ name: string; size: number; mtimeMs: number }> {
    const path = join(this.#directory, name)
    if (ENTRY_NAME.test(name)) {
      const { size, mtimeMs } = await stat(path)
      return { name, size, mtimeMs }
    }
    await rm(path, { force: true })
    return { name, size: 0, mtimeMs: 0 }
  }

  #fault(error: unknown): void {
    this.stats.faults += 1
    if (performance.now() - this.#reportedAtMs < FAULT_REPORT_MS) return
    this.#reportedAtMs = performance.now()
    const detail = error instanceof Error ? error.message : String(error)
    this.#onFault(`the cache ${this.#directory} cannot be used: ${detail}`)
  }
}

function nameOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function checksum(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}
