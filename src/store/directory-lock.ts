import { join } from 'node:path'
import Database from 'better-sqlite3'
import { StoreError } from './store-error.ts'

/**
 * Keeps a second process out of a data directory: it would take the live calls of the first one for
 * the left-overs of a crash. The lock is SQLite's own on a file of its own, so that the system gives
 * it back however the process ends.
 */
export class DirectoryLock {
  readonly #database: Database.Database

  /** @throws {StoreError} `in_use` */
  constructor(directory: string) {
    this.#database = new Database(join(directory, 'bunpbx.lock'), { timeout: 0 })
    try {
      this.#database.exec('BEGIN EXCLUSIVE')
    } catch (cause) {
      this.#database.close()
      const message = `DATA_DIR: ${directory} is in use by another BunPBX; stop it or set DATA_DIR`
      throw new StoreError('in_use', message, { cause })
    }
  }

  /** Lets others in. Harmless to call twice. */
  release(): void {
    this.#database.close()
  }
}
