import type { Playback } from '../playback.ts'
import { MediaError } from './media-error.ts'
import type { MediaHandlers } from './media-library.ts'

/** A longer loop would be too much memory for what nobody listens to. */
const MAX_SECONDS = 120
/** All loops together: calls whose URLs all differ, for they are signed, share none. */
const MAX_BYTES = 512 * 1024 * 1024
/** A shorter loop is repeated to this length: to begin anew costs time on the live path. */
const MIN_SECONDS = 1
/** How much of the end is laid over the beginning, so that the seam is not heard. */
const SEAM_MS = 20
/** How often decoded audio is taken over; the decoder is at most two seconds ahead. */
const DRAIN_MS = 20

/** A loop that a call holds. */
export interface Loop {
  /** All of it, mono, shape (n), at least a second; shared with other calls: not to be changed. */
  readonly samples: Promise<Int16Array>
  /** The call needs it no more. Harmless to call twice. */
  release(): void
}

interface Entry {
  readonly samples: Promise<Int16Array>
  readonly cancel: () => void
  users: number
  /** Memory it takes. */
  bytes: number
}

export interface LoopLibraryOptions {
  /** How much memory all loops may take together. */
  readonly maxBytes?: number
}

type OpenFile = (url: string, sampleRate: number, handlers: MediaHandlers) => Playback

/** Files that are looped under calls, decoded once for all calls that use them at one time. */
export class LoopLibrary {
  readonly #open: OpenFile
  readonly #maxBytes: number
  readonly #entries = new Map<string, Entry>()

  constructor(open: OpenFile, { maxBytes = MAX_BYTES }: LoopLibraryOptions = {}) {
    this.#open = open
    this.#maxBytes = maxBytes
  }

  /** Loops in memory. */
  get size(): number {
    return this.#entries.size
  }

  /** `samples` rejects with a `MediaError` where the file cannot be had or there is no room for it. */
  acquire(url: string, sampleRate: number): Loop {
    const key = `${sampleRate} ${url}`
    const entry = this.#entries.get(key) ?? this.#load(key, url, sampleRate)
    entry.users += 1
    let isHeld = true
    return {
      samples: entry.samples,
      release: () => {
        if (!isHeld) return
        isHeld = false
        entry.users -= 1
        if (entry.users === 0) this.#forget(key, entry)
      },
    }
  }

  #load(key: string, url: string, sampleRate: number): Entry {
    const { promise, resolve, reject } = Promise.withResolvers<Int16Array>()
    const playback = this.#open(url, sampleRate, { onError: reject })
    const collector = new Collector(playback, sampleRate)
    const timer = setInterval(() => {
      try {
        const samples = collector.collect()
        entry.bytes = samples?.byteLength ?? collector.bytes
        this.#checkRoom()
        if (samples === undefined) return
        clearInterval(timer)
        resolve(samples)
      } catch (error) {
        reject(error)
      }
    }, DRAIN_MS)
    const cancel = () => {
      clearInterval(timer)
      collector.close()
    }
    const entry: Entry = { samples: promise, cancel, users: 0, bytes: 0 }
    // A file that failed is tried again by the next call.
    promise.catch(() => this.#forget(key, entry))
    this.#entries.set(key, entry)
    return entry
  }

  #checkRoom(): void {
    let bytes = 0
    for (const entry of this.#entries.values()) bytes += entry.bytes
    if (bytes <= this.#maxBytes) return
    throw new MediaError('too_large', 'url: the loops of all calls take too much memory already')
  }

  #forget(key: string, entry: Entry): void {
    entry.cancel()
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
  }
}

/** Takes a playback in as fast as it comes. */
class Collector {
  readonly #playback: Playback
  readonly #sampleRate: number
  readonly #chunk: Int16Array
  /** Given up when all is done, for a call keeps the collector as long as its loop. */
  #chunks: Int16Array[] = []
  #length = 0

  constructor(playback: Playback, sampleRate: number) {
    this.#playback = playback
    this.#sampleRate = sampleRate
    this.#chunk = new Int16Array(sampleRate / 10)
  }

  /** Memory taken so far. */
  get bytes(): number {
    return this.#length * Int16Array.BYTES_PER_ELEMENT
  }

  /**
   * The loop, once the playback has ended; undefined before.
   *
   * @throws {MediaError} if it is too long, or nothing.
   */
  collect(): Int16Array | undefined {
    for (;;) {
      const count = this.#playback.read(this.#chunk)
      if (count === 0) break
      this.#chunks.push(this.#chunk.slice(0, count))
      this.#length += count
      if (this.#length > MAX_SECONDS * this.#sampleRate) {
        throw new MediaError('too_large', `url: a loop may be ${MAX_SECONDS} seconds long`)
      }
    }
    if (!this.#playback.isFinished) return undefined
    if (this.#length === 0) throw new MediaError('decode', 'url: there is no audio in the file')
    const all = concat(this.#chunks, this.#length)
    this.#chunks = []
    return this.#repeat(this.#closeSeam(all))
  }

  close(): void {
    this.#chunks = []
    this.#playback.close()
  }

  #closeSeam(all: Int16Array): Int16Array {
    const seam = Math.min((this.#sampleRate * SEAM_MS) / 1000, all.length >> 1)
    const loop = all.slice(0, all.length - seam)
    for (let i = 0; i < seam; i += 1) {
      const share = (i + 1) / (seam + 1)
      loop[i] = all[i]! * share + all[loop.length + i]! * (1 - share)
    }
    return loop
  }

  #repeat(loop: Int16Array): Int16Array {
    const times = Math.ceil((MIN_SECONDS * this.#sampleRate) / loop.length)
    if (times === 1) return loop
    return concat(new Array<Int16Array>(times).fill(loop), times * loop.length)
  }
}

function concat(parts: readonly Int16Array[], length: number): Int16Array {
  const all = new Int16Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
