import { describe, expect, test } from 'bun:test'
import type { AudioFrame } from '#audio/frame.ts'
import { Pipeline } from '#media/pipeline.ts'
import type { Processor } from '#media/processor.ts'

const frame = (...samples: number[]): AudioFrame => ({
  samples: Int16Array.from(samples),
  sampleRate: 8_000,
  position: 0,
})

const recorder = (
  name: string,
  heard: number[][] = [],
): Processor & { heard: number[][]; closed: number } => ({
  heard,
  closed: 0,
  process(received, next) {
    heard.push([...received.samples])
    next(received)
  },
  close() {
    this.closed += 1
  },
  toString: () => name,
})

const doubler: Processor = {
  process(received, next) {
    next(received)
    next(received)
  },
  close() {},
  toString: () => 'Doubler',
}

const broken: Processor = {
  process() {
    throw new Error('broken')
  },
  close() {},
  toString: () => 'Broken',
}

describe('Pipeline', () => {
  test('prints itself', () => {
    expect(String(new Pipeline([doubler, recorder('Recorder(wav)')]))).toBe(
      'Doubler -> Recorder(wav)',
    )
    expect(String(new Pipeline([]))).toBe('')
  })

  test('runs a frame through every processor in order', () => {
    const before = recorder('a')
    const after = recorder('b')
    new Pipeline([before, doubler, after]).process(frame(1, 2))
    expect(before.heard).toEqual([[1, 2]])
    expect(after.heard).toEqual([
      [1, 2],
      [1, 2],
    ])
  })

  test('bypasses a processor that throws, and reports it once', () => {
    const faults: string[] = []
    const after = recorder('after')
    const pipeline = new Pipeline([broken, after], (name) => faults.push(name))
    pipeline.process(frame(1))
    pipeline.process(frame(2))
    expect(after.heard).toEqual([[1], [2]])
    expect(faults).toEqual(['Broken'])
  })

  test('lets everybody hear silence while muted', () => {
    const heard = recorder('a')
    const pipeline = new Pipeline([heard])
    pipeline.isMuted = true
    const loud = frame(1, 2)
    pipeline.process(loud)
    pipeline.isMuted = false
    pipeline.process(loud)
    expect(heard.heard).toEqual([
      [0, 0],
      [1, 2],
    ])
  })

  test('closes its processors once and then ignores frames', () => {
    const heard = recorder('a')
    const pipeline = new Pipeline([heard])
    pipeline.close()
    pipeline.close()
    pipeline.process(frame(1))
    expect(heard.closed).toBe(1)
    expect(heard.heard).toEqual([])
  })
})
