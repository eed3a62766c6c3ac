import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FrameBatch, type FrameRecord } from '#media/denoise/frame-batch.ts'

/** The records of a batch; their samples copied, for they are borrowed. */
function readAll(buffer: ArrayBuffer): FrameRecord[] {
  const records: FrameRecord[] = []
  new FrameBatch(buffer).read((record) =>
    records.push({ ...record, samples: record.samples.slice() }),
  )
  return records
}

const record = fc.record({
  streamId: fc.nat(),
  sampleRate: fc.constantFrom(8000, 48_000),
  samples: fc.int16Array({ maxLength: 500 }),
})

describe('FrameBatch', () => {
  test('gives back what was added, in order, also when the buffer held a batch before', () => {
    const { buffer } = new FrameBatch()
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const batch = new FrameBatch(buffer)
        batch.clear()
        for (const { streamId, sampleRate, samples } of records) {
          expect(batch.add(streamId, sampleRate, samples)).toBe(true)
        }
        expect(readAll(buffer)).toEqual(records)
      }),
    )
  })

  test('takes whole frames until there is no room, and keeps those it has', () => {
    const batch = new FrameBatch(new ArrayBuffer(1024))
    batch.clear()
    const samples = new Int16Array(160).fill(7)
    expect([1, 2, 3].map((id) => batch.add(id, 8000, samples))).toEqual([true, true, false])
    expect(batch.add(4, 0, new Int16Array(0))).toBe(true)
    expect(readAll(batch.buffer).map(({ streamId }) => streamId)).toEqual([1, 2, 4])
  })
})
