import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskCache } from '#core/disk-cache.ts'

/** Content of an entry is 32 bytes longer on disk. */
const OVERHEAD = 32

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-cache-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value)

describe('DiskCache', () => {
  test('gives back what was put, also after a restart', async () => {
    const cache = new DiskCache(directory, 10_000)
    expect(await cache.get('a')).toBeUndefined()
    await cache.put('a', bytes(10, 7))
    expect([...(await cache.get('a'))!]).toEqual([...bytes(10, 7)])
    const again = new DiskCache(directory, 10_000)
    expect([...(await again.get('a'))!]).toEqual([...bytes(10, 7)])
    expect(again.bytes).toBe(10 + OVERHEAD)
    expect(cache.stats).toMatchObject({ hits: 1, misses: 1 })
  })

  test('keeps within its bound, and gives up what was not used for longest', async () => {
    const cache = new DiskCache(directory, 3 * (100 + OVERHEAD))
    for (const key of ['a', 'b', 'c']) await cache.put(key, bytes(100))
    await cache.get('a')
    await cache.put('d', bytes(100))
    expect(await cache.get('b')).toBeUndefined()
    for (const key of ['a', 'c', 'd']) expect(await cache.get(key)).toBeDefined()
    expect(await readdir(directory)).toHaveLength(3)
    expect(cache.stats.evictions).toBe(1)
  })

  test('keeps its bound when many are put at once', async () => {
    const cache = new DiskCache(directory, 1_000)
    await Promise.all(Array.from({ length: 50 }, (_, i) => cache.put(String(i), bytes(100))))
    expect(cache.bytes).toBeLessThanOrEqual(1_000)
    expect((await readdir(directory)).length).toBe(Math.floor(1_000 / (100 + OVERHEAD)))
  })

  test('does not count what was given up while it was being read', async () => {
    const large = 32 * 1024 * 1024
    const cache = new DiskCache(directory, large + OVERHEAD)
    await cache.put('large', bytes(large))
    await Promise.all([cache.get('large'), cache.put('small', bytes(10))])
    expect(cache.bytes).toBe(10 + OVERHEAD)
  })

  test('counts what lies on the disk, whatever is put, read and given up at once', async () => {
    const cache = new DiskCache(directory, 400)
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        Array.from({ length: 40 }, (_, i) => {
          const key = String((i * 7 + round) % 6)
          return i % 3 === 0 ? cache.get(key) : cache.put(key, bytes(60 + ((i * 11) % 60)))
        }),
      )
      const sizes = (await readdir(directory)).map((name) => Bun.file(join(directory, name)).size)
      expect(cache.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    }
  })

  test('a smaller bound after a restart is kept, the oldest go', async () => {
    const first = new DiskCache(directory, 10_000)
    for (const key of ['old', 'new']) await first.put(key, bytes(100))
    for (const [key, at] of [
      ['old', 1_000],
      ['new', 2_000],
    ] as const) {
      const name = new Bun.CryptoHasher('sha256').update(key).digest('hex')
      await utimes(join(directory, name), at, at)
    }
    const second = new DiskCache(directory, 100 + OVERHEAD)
    expect(await second.get('old')).toBeUndefined()
    expect(await second.get('new')).toBeDefined()
  })

  test('an entry that was cut off is a miss, and is removed', async () => {
    const cache = new DiskCache(directory, 10_000)
    await cache.put('a', bytes(100))
    const [name] = await readdir(directory)
    await Bun.write(join(directory, name!), bytes(50))
    expect(await cache.get('a')).toBeUndefined()
    expect(await readdir(directory)).toEqual([])
  })

  test('what is larger than the cache is not kept', async () => {
    const cache = new DiskCache(directory, 100)
    await cache.put('a', bytes(100))
    expect(await cache.get('a')).toBeUndefined()
  })

  test('a size of 0 turns it off', async () => {
    const cache = new DiskCache(join(directory, 'none'), 0)
    await cache.put('a', bytes(1))
    expect(await cache.get('a')).toBeUndefined()
    expect(await readdir(directory)).toEqual([])
  })

  test('a directory that cannot be used makes misses, and is reported once', async () => {
    const faults: string[] = []
    const cache = new DiskCache('/proc/nowhere', 1_000, {
      onFault: (fault) => void faults.push(fault),
    })
    await cache.put('a', bytes(1))
    await cache.put('b', bytes(1))
    expect(await cache.get('a')).toBeUndefined()
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain('/proc/nowhere')
    expect(cache.stats.faults).toBeGreaterThan(1)
  })

  test('clears away what a crash left half written', async () => {
    await Bun.write(join(directory, 'abc.half'), bytes(10))
    const cache = new DiskCache(directory, 1_000)
    await cache.get('a')
    expect(await readdir(directory)).toEqual([])
  })
})
