import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { AudioBatch, type AudioRecord } from '#media/audio-batch.ts'

function emptyBatch(bytes?: number): AudioBatch {
  const batch = bytes === undefined ? new AudioBatch() : new AudioBatch(new ArrayBuffer(bytes))
  batch.clear()
  return batch
}

/** What another thread would read: the buffer alone crosses the border. */
function readBack(batch: AudioBatch): AudioRecord[] {
  const records: AudioRecord[] = []
  new AudioBatch(batch.buffer).read((record) =>
    records.push({ ...record, samples: record.samples.slice() }),
  )
  return records
}

const record: AudioRecord = {
  streamId: 7,
  sampleRate: 8000,
  positionMs: 40,
  receivedAtMs: 1234.5,
  samples: Int16Array.of(1, -2, 3),
}

describe('AudioBatch', () => {
  test('gives back what was added, after the buffer has changed hands', () => {
    const batch = emptyBatch()
    expect(batch.add(record, 0)).toBe(3)
    expect(batch.addEnd(8)).toBe(true)
    expect(readBack(batch)).toEqual([
      record,
      { streamId: 8, sampleRate: 0, positionMs: 0, receivedAtMs: 0, samples: new Int16Array(0) },
    ])
  })

  test('is empty again after clear', () => {
    const batch = emptyBatch()
    batch.add(record, 0)
    batch.clear()
    expect(readBack(batch)).toEqual([])
  })

  test('takes what fits and places the rest in time', () => {
    const samples = Int16Array.from({ length: 100 }, (_, index) => index)
    const first = emptyBatch(128)
    const taken = first.add({ ...record, samples }, 0)
    expect(taken).toBe(40)
    expect(first.add(record, 0)).toBe(0)
    expect(first.addEnd(1)).toBe(false)

    const second = emptyBatch()
    expect(second.add({ ...record, samples }, taken)).toBe(60)
    expect(readBack(second)).toEqual([{ ...record, positionMs: 45, samples: samples.slice(40) }])
  })

  test('any records come back as they were', () => {
    const records = fc.array(
      fc.record({
        streamId: fc.nat(),
        sampleRate: fc.constantFrom(8000, 16_000, 24_000, 48_000),
        positionMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
        receivedAtMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
        samples: fc.int16Array({ minLength: 1, maxLength: 50 }),
      }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(records, (list) => {
        const batch = emptyBatch()
        for (const each of list) expect(batch.add(each, 0)).toBe(each.samples.length)
        expect(readBack(batch)).toEqual(list)
      }),
    )
  })

  test('takes frames whole until there is no room, and keeps those it has', () => {
    const batch = new AudioBatch(new ArrayBuffer(1024))
    batch.clear()
    const samples = new Int16Array(160).fill(7)
    expect([1, 2, 3].map((id) => batch.addWhole(id, 8000, samples))).toEqual([true, true, false])
    expect(batch.addEnd(4)).toBe(true)
    const found: [number, number, number][] = []
    batch.read((record) =>
      found.push([
        record.streamId,
        record.sampleRate,
        record.samples.filter((s) => s === 7).length,
      ]),
    )
    expect(found).toEqual([
      [1, 8000, 160],
      [2, 8000, 160],
      [4, 0, 0],
    ])
  })
})
