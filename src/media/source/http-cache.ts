import { z } from 'zod'
import { CacheMeta, isFresh, metaOf, renew, validators } from './cache-meta.ts'
import type { HttpAnswer } from './http-request.ts'

/** Where bodies are kept; a `DiskCache`. Neither call rejects. */
export interface ByteCache {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, content: Uint8Array): Promise<void>
}

/** Asks over the network, with headers that make the question conditional. */
export type ConditionalGet = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<HttpAnswer>

interface Entry {
  readonly meta: CacheMeta
  readonly body: Uint8Array
}

const MAX_BODY_BYTES = 20 * 1024 * 1024
const META_LENGTH_BYTES = 4
const PIECE_BYTES = 64 * 1024

/**
 * Keeps what servers let it keep (RFC 9111, as the private cache of one user): fresh files are not
 * asked for again, others are revalidated. A file is kept once it has been read to its end.
 */
export class HttpCache {
  readonly stats = { hits: 0, revalidated: 0, misses: 0 }
  readonly #cache: ByteCache
  readonly #get: ConditionalGet
  /** Entries that are being played, so that a hundred calls share one copy in memory. */
  readonly #inUse = new Map<string, WeakRef<Entry>>()
  readonly #forgotten = new FinalizationRegistry<string>((key) => {
    if (this.#inUse.get(key)?.deref() === undefined) this.#inUse.delete(key)
  })
  /** What is being collected; of several downloads of one URL only one is. */
  readonly #collecting = new Set<string>()

  constructor(cache: ByteCache, get: ConditionalGet) {
    this.#cache = cache
    this.#get = get
  }

  /** The answer for `url`, one hop of it. Throws `MediaError`. */
  async get(url: URL, signal: AbortSignal): Promise<HttpAnswer> {
    const key = keyOf(url)
    const kept = await this.#find(key)
    if (kept !== undefined && isFresh(kept.meta)) {
      this.stats.hits += 1
      return answerFrom(kept)
    }
    const answer = await this.#get(url, validators(kept?.meta), signal)
    if (answer.status === 304 && kept !== undefined) {
      answer.discard()
      return answerFrom(this.#renew(key, kept, answer))
    }
    this.stats.misses += 1
    const meta = metaOf(answer)
    if (meta === undefined || this.#collecting.has(key)) return answer
    return { ...answer, body: this.#collect(key, meta, answer.body) }
  }

  #renew(key: string, kept: Entry, answer: HttpAnswer): Entry {
    this.stats.revalidated += 1
    const entry = { meta: renew(kept.meta, answer), body: kept.body }
    // Writing it all again pays only where it saves asking again.
    if (isFresh(entry.meta)) void this.#put(key, entry)
    return entry
  }

  async #find(key: string): Promise<Entry | undefined> {
    const shared = this.#inUse.get(key)?.deref()
    if (shared !== undefined) return shared
    const bytes = await this.#cache.get(key)
    const entry = bytes === undefined ? undefined : unpack(bytes)
    if (entry !== undefined) this.#share(key, entry)
    return entry
  }

  #share(key: string, entry: Entry): void {
    this.#inUse.set(key, new WeakRef(entry))
    this.#forgotten.register(entry, key)
  }

  /** Passes the body on and keeps it once it is complete. */
  async *#collect(
    key: string,
    meta: CacheMeta,
    body: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const pieces: Uint8Array[] = []
    let bytes = 0
    this.#collecting.add(key)
    try {
      for await (const piece of body) {
        bytes += piece.length
        if (bytes <= MAX_BODY_BYTES) pieces.push(piece.slice())
        else pieces.length = 0
        yield piece
      }
      if (bytes <= MAX_BODY_BYTES) void this.#put(key, { meta, body: Buffer.concat(pieces) })
    } finally {
      this.#collecting.delete(key)
    }
  }

  async #put(key: string, entry: Entry): Promise<void> {
    this.#share(key, entry)
    await this.#cache.put(key, pack(entry))
  }
}

/** The URL without what stays with the client. */
function keyOf({ href, hash }: URL): string {
  return hash === '' ? href : href.slice(0, -hash.length)
}

function answerFrom(entry: Entry): HttpAnswer {
  return { status: 200, headers: {}, body: inPieces(entry), discard: () => undefined }
}

/** Holds on to the entry, not only its body, so that it stays shared while it is read. */
async function* inPieces(entry: Entry): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < entry.body.length; at += PIECE_BYTES) {
    yield entry.body.subarray(at, at + PIECE_BYTES)
  }
}

/**
 * An entry in bytes:
 *
 *   ┌─────────────┬───────────┬──────┐
 *   │ length (u32)│ meta, JSON│ body │
 *   └─────────────┴───────────┴──────┘
 */
function pack({ meta, body }: Entry): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(meta))
  const length = new Uint8Array(META_LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, text.length)
  return Buffer.concat([length, text, body])
}

const PackedMeta = z
  .string()
  .transform((text) => JSON.parse(text) as unknown)
  .pipe(CacheMeta)

/** Undefined for what another version of this program may have kept. */
function unpack(bytes: Uint8Array): Entry | undefined {
  if (bytes.length < META_LENGTH_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const bodyAt = META_LENGTH_BYTES + view.getUint32(0)
  try {
    const text = new TextDecoder().decode(bytes.subarray(META_LENGTH_BYTES, bodyAt))
    return { meta: PackedMeta.parse(text), body: bytes.subarray(bodyAt) }
  } catch {
    return undefined
  }
}
