import type { ByteCache } from '#media/source/http-cache.ts'

/** A cache that forgets nothing. */
export class MemoryCache implements ByteCache {
  readonly entries = new Map<string, Uint8Array>()

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.entries.get(key))
  }

  put(key: string, content: Uint8Array): Promise<void> {
    this.entries.set(key, content)
    return Promise.resolve()
  }
}
