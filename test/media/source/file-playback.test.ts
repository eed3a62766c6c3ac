import { describe, expect, test } from 'bun:test'
import { FilePlayback } from '#media/source/file-playback.ts'

const ramp = (from: number, count: number) => Int16Array.from({ length: count }, (_, i) => from + i)

function setUp(): { playback: FilePlayback; log: (number | string)[]; frame: Int16Array } {
  const log: (number | string)[] = []
  const feed = { played: (samples: number) => log.push(samples), close: () => log.push('close') }
  return { playback: new FilePlayback(8000, feed), log, frame: new Int16Array(160) }
}

describe('FilePlayback', () => {
  test('gives the samples in their order, over the seams of the pieces', () => {
    const { playback, frame } = setUp()
    playback.push(ramp(0, 1000))
    playback.push(ramp(1000, 7))
    playback.push(ramp(1007, 993))
    playback.end()
    const heard: number[] = []
    for (let count = playback.read(frame); count > 0; count = playback.read(frame)) {
      heard.push(...frame.subarray(0, count))
    }
    expect(heard).toEqual([...ramp(0, 2000)])
    expect(playback.isFinished).toBe(true)
  })

  test('begins when a tenth of a second is there, or all there is', () => {
    const { playback, frame } = setUp()
    playback.push(ramp(0, 799))
    expect(playback.read(frame)).toBe(0)
    playback.push(ramp(799, 1))
    expect(playback.read(frame)).toBe(160)
    const short = setUp().playback
    short.push(ramp(0, 100))
    expect(short.read(frame)).toBe(0)
    short.end()
    expect(short.isFinished).toBe(false)
    expect(short.read(frame)).toBe(100)
    expect(short.isFinished).toBe(true)
  })

  test('makes one gap of many, and counts it', () => {
    const { playback, frame } = setUp()
    playback.push(ramp(0, 800))
    for (let i = 0; i < 5; i += 1) expect(playback.read(frame)).toBe(160)
    for (let i = 0; i < 10; i += 1) {
      expect(playback.read(frame)).toBe(0)
      playback.push(ramp(0, 79))
    }
    expect(playback.gaps).toBe(1)
    playback.push(ramp(0, 10))
    expect(playback.read(frame)).toBe(160)
    expect(playback.gaps).toBe(1)
  })

  test('does not begin by a gap', () => {
    const { playback, frame } = setUp()
    for (let i = 0; i < 10; i += 1) playback.read(frame)
    expect(playback.gaps).toBe(0)
  })

  test('tells every quarter of a second what was read, until everything has come', () => {
    const { playback, log, frame } = setUp()
    playback.push(ramp(0, 16_000))
    for (let i = 0; i < 26; i += 1) playback.read(frame)
    expect(log).toEqual([2080, 2080])
    playback.end()
    for (let i = 0; i < 50; i += 1) playback.read(frame)
    expect(log).toEqual([2080, 2080])
  })

  test('is silent after close, and says so once', () => {
    const { playback, log, frame } = setUp()
    playback.push(ramp(0, 1600))
    playback.close()
    playback.close()
    playback.push(ramp(0, 1600))
    expect(playback.read(frame)).toBe(0)
    expect(playback.isFinished).toBe(true)
    expect(log).toEqual(['close'])
  })

  test('says nothing when it is closed at its end', () => {
    const { playback, log } = setUp()
    playback.end()
    playback.close()
    expect(log).toEqual([])
  })
})
