import { describe, expect, test } from 'bun:test'
import { AudioBatch } from '#media/audio-batch.ts'
import { type Judgement, Judgements } from '#speech/silero/judgements.ts'
import { SileroNetwork, WINDOW_MS, WINDOW_SAMPLES } from '#speech/silero/silero-network.ts'
import { WindowScheduler } from '#speech/silero/window-scheduler.ts'

const network = new SileroNetwork()

interface Piece {
  readonly streamId: number
  readonly windows: number
  readonly positionMs?: number
  readonly receivedAtMs?: number
}

/** Silence of so many windows, as a Worker would receive it. */
function receive(scheduler: WindowScheduler, ...pieces: Piece[]): void {
  for (const { streamId, windows, positionMs = 0, receivedAtMs = 0 } of pieces) {
    const samples = new Int16Array(windows * WINDOW_SAMPLES)
    const record = { streamId, sampleRate: 16_000, positionMs, receivedAtMs, samples }
    for (let from = 0; from < samples.length; ) {
      const batch = new AudioBatch()
      batch.clear()
      from += batch.add(record, from)
      scheduler.receive(batch)
    }
  }
}

function end(scheduler: WindowScheduler, streamId: number): void {
  const batch = new AudioBatch()
  batch.clear()
  batch.addEnd(streamId)
  scheduler.receive(batch)
}

function run(scheduler: WindowScheduler, capacity = 1000): Judgement[] {
  const list = Judgements.withCapacity(capacity)
  scheduler.run(list, 60_000)
  const packed = Judgements.fromBuffer(list.toBuffer())
  return Array.from({ length: packed.length }, (_, index) => packed.at(index))
}

describe('WindowScheduler', () => {
  test('judges every window with its stream, place and time of arrival', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    receive(
      scheduler,
      { streamId: 5, windows: 1, receivedAtMs: 10 },
      { streamId: 5, windows: 1, positionMs: WINDOW_MS, receivedAtMs: 20 },
    )
    const place = run(scheduler).map(({ streamId, startMs, receivedAtMs }) => [
      streamId,
      startMs,
      receivedAtMs,
    ])
    expect(place).toEqual([
      [5, 0, 10],
      [5, WINDOW_MS, 20],
    ])
    expect(scheduler.hasWork).toBe(false)
  })

  test('a stream with a backlog waits for its turn like any other', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    receive(
      scheduler,
      { streamId: 1, windows: 100 },
      { streamId: 2, windows: 2 },
      { streamId: 3, windows: 1 },
    )
    const order = run(scheduler).map(({ streamId }) => streamId)
    expect(order.slice(0, 6)).toEqual([1, 2, 3, 1, 2, 1])
    expect(order).toHaveLength(103)
  })

  test('goes on where a full list of results stopped it', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    receive(scheduler, { streamId: 1, windows: 2 }, { streamId: 2, windows: 2 })
    expect(run(scheduler, 3).map(({ streamId }) => streamId)).toEqual([1, 2, 1])
    expect(scheduler.queuedWindows).toBe(1)
    expect(run(scheduler, 3).map(({ streamId }) => streamId)).toEqual([2])
  })

  test('stops when its time is up', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    receive(scheduler, { streamId: 1, windows: 50 })
    const list = Judgements.withCapacity(100)
    scheduler.run(list, 0)
    expect(list.length).toBe(1)
    expect(scheduler.queuedWindows).toBe(49)
  })

  test('drops the oldest audio of a stream beyond its bound; the rest keeps its place', () => {
    const scheduler = new WindowScheduler(network, 10 * WINDOW_MS)
    receive(scheduler, { streamId: 1, windows: 25 }, { streamId: 2, windows: 5 })
    expect(scheduler.stats.droppedWindows).toBe(15)
    const starts = run(scheduler).filter(({ streamId }) => streamId === 1)
    expect(starts.map(({ startMs }) => startMs / WINDOW_MS)).toEqual(
      Array.from({ length: 10 }, (_, index) => 15 + index),
    )
  })

  test('starts a stream anew after a gap, at the place where it goes on', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    receive(scheduler, { streamId: 1, windows: 1 }, { streamId: 1, windows: 2, positionMs: 1000 })
    expect(run(scheduler).map(({ startMs }) => startMs)).toEqual([1000, 1000 + WINDOW_MS])
    expect(scheduler.stats.droppedWindows).toBe(1)
    expect(scheduler.streamCount).toBe(1)
  })

  test('forgets a stream that has ended, with what it had waiting', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    receive(scheduler, { streamId: 1, windows: 5 })
    end(scheduler, 1)
    end(scheduler, 1)
    expect([scheduler.streamCount, scheduler.queuedWindows]).toEqual([0, 0])
    expect(run(scheduler)).toEqual([])
  })

  test('hears the same at 8 kHz, and goes on when the rate changes', () => {
    const scheduler = new WindowScheduler(network, 30_000)
    const batch = new AudioBatch()
    batch.clear()
    let positionMs = 0
    for (let frame = 0; frame < 40; frame += 1) {
      const sampleRate = frame < 20 ? 8000 : 24_000
      const samples = new Int16Array(sampleRate / 50)
      batch.add({ streamId: 1, sampleRate, positionMs, receivedAtMs: 0, samples }, 0)
      positionMs += 20
    }
    scheduler.receive(batch)
    const starts = run(scheduler).map(({ startMs }) => startMs)
    // 800 ms are 25 windows; a resampler may still hold the last few samples.
    expect(starts.length).toBeGreaterThanOrEqual(24)
    expect(starts).toEqual(Array.from({ length: starts.length }, (_, index) => index * WINDOW_MS))
  })
})
