import { rm, stat } from 'node:fs/promises'
import { findInside } from '#core/inside.ts'
import { repairRecording } from '#media/recorder/repair-recording.ts'
import type { CallStore } from '#store/call-store.ts'
import type { KeptRecording, RecordingsQuery } from '#store/store-message.ts'

const DAY_MS = 86_400_000
const PAGE = 500

export interface KeeperOptions {
  /** Where the recordings lie. */
  readonly directory: string
  /** 0 keeps them for ever. */
  readonly retentionDays: number
  /** For the log. */
  readonly onFault: (message: string) => void
}

/**
 * Looks after recordings whose calls are over: makes whole what a crash cut short, once, and deletes
 * what is older than it may be, at the start and every day. Only touches files that the record of a
 * call names.
 */
export class RecordingKeeper {
  readonly stats = { repaired: 0, deleted: 0 }
  readonly #store: Pick<CallStore, 'recordings' | 'setRecording'>
  readonly #options: KeeperOptions
  readonly #timer: ReturnType<typeof setInterval> | undefined
  #work: Promise<void>
  #isClosed = false

  constructor(store: Pick<CallStore, 'recordings' | 'setRecording'>, options: KeeperOptions) {
    this.#store = store
    this.#options = options
    const startedAt = Date.now()
    this.#work = this.#run(() => this.#repairAll(startedAt))
    if (options.retentionDays === 0) return
    const clean = () => {
      this.#work = this.#work.then(() => this.#run(() => this.#deleteOld()))
    }
    clean()
    this.#timer = setInterval(clean, DAY_MS)
  }

  /** Resolves when what is due now has been done. */
  get finished(): Promise<void> {
    return this.#work
  }

  /** Resolves when nothing is under way. Harmless to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await this.#work
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.onFault(`recordings could not be looked after: ${error}`)
    }
  }

  /** Not those of calls that have begun since: one that has just ended is still being written. */
  async #repairAll(incompleteBefore: number): Promise<void> {
    await this.#each({ incompleteBefore }, async ({ recordId, recording }) => {
      const path = await findInside(this.#options.directory, recording.file)
      const totals = path === undefined ? undefined : await repairRecording(path)
      this.#store.setRecording(recordId, totals && { ...recording, ...totals })
      if (totals !== undefined) this.stats.repaired += 1
    })
  }

  async #deleteOld(): Promise<void> {
    const endedBefore = Date.now() - this.#options.retentionDays * DAY_MS
    await this.#each({ endedBefore }, async ({ recordId, recording }) => {
      const path = await findInside(this.#options.directory, recording.file)
      if (path !== undefined) {
        // A file that is younger than its call was put back, or belongs to another call, which was
        // given the same name: it has its time too.
        if ((await stat(path)).mtimeMs >= endedBefore + DAY_MS) return
        await rm(path, { force: true })
        this.stats.deleted += 1
      }
      this.#store.setRecording(recordId, undefined)
    })
  }

  /** One recording that cannot be looked after must not keep the others from it. */
  async #each(
    which: RecordingsQuery['which'],
    look: (kept: KeptRecording) => Promise<void>,
  ): Promise<void> {
    let after = ''
    while (!this.#isClosed) {
      const page = await this.#store.recordings({ which, after, limit: PAGE })
      for (const kept of page) await this.#run(() => look(kept))
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      after = last.recordId
    }
  }
}
