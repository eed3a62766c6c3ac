import { describe, expect, test } from 'bun:test'
import {
  type TimedFrame,
  TrackTimeline,
  type TrackTimelineOptions,
} from '#media/recorder/track-timeline.ts'

const RATE = 8000
const FRAME = 160
const DELAY_MS = 2000
const READ_MS = 100
const BEEP_EVERY_MS = 10_000
const BEEP = 9000
/** As in `Recording`. */
const CALLER = { jumpMs: 100, lagMs: 5 }
const OURS = { jumpMs: 5, lagMs: 25 }

type Sent = Omit<TimedFrame, 'samples' | 'sampleRate'> & { readonly arrivesMs: number }

/** Ten seconds of a sender's own time: a click of 5 ms after the first, over `background`. */
function period(background: (at: number) => number): Int16Array {
  return Int16Array.from({ length: 10 * RATE }, (_, at) =>
    at >= RATE && at < RATE + 40 ? BEEP : background(at),
  )
}

const CLICKS = period(() => 0)
/** Like speech that is never quiet. */
const NOISY = period((at) => Math.round(1000 * Math.sin(at * 0.3)))

interface Stream {
  /** In order of arrival; the index of the frame is `position / FRAME`. */
  readonly frames: Iterable<Sent>
  /** What is sent, over and over. */
  readonly samples?: Int16Array | ((position: number) => Int16Array)
  readonly options?: TrackTimelineOptions
}

/** Where in the recording clicks begin, as samples at `toRate`; the clock is virtual. */
function record({ frames, samples = CLICKS, options = CALLER }: Stream, ms: number, toRate = RATE) {
  const timeline = new TrackTimeline(toRate, options)
  const found: number[] = []
  const out = new Int16Array((toRate * READ_MS) / 1000)
  const coming = frames[Symbol.iterator]()
  let next = coming.next()
  let read = 0
  let lastLoud = -toRate
  for (let nowMs = 0; nowMs <= ms; nowMs += READ_MS) {
    for (; next.done !== true && next.value.arrivesMs <= nowMs; next = coming.next()) {
      const { position, startMs } = next.value
      const frame = typeof samples === 'function' ? samples(position) : slice(samples, position)
      timeline.push({ position, startMs, sampleRate: RATE, samples: frame })
    }
    if (nowMs < DELAY_MS + READ_MS) continue
    timeline.read(out)
    for (let i = 0; i < out.length; i += 1) {
      if ((out[i] as number) < BEEP / 2) continue
      if (read + i - lastLoud > toRate) found.push(read + i)
      lastLoud = read + i
    }
    read += out.length
  }
  return { found, stats: timeline.stats }
}

/** The frame at `position` of what is sent over and over. */
function slice(samples: Int16Array, position: number): Int16Array {
  const at = position % samples.length
  return samples.slice(at, at + FRAME)
}

/** Frames whose audio begins at `offsetMs`, each late by `lateMs`. */
function* stream(
  seconds: number,
  lateMs: (index: number) => number = () => 0,
  { ppm = 0, offsetMs = 0 } = {},
): Generator<Sent> {
  for (let index = 0; index < seconds * 50; index += 1) {
    const trueMs = offsetMs + (index * 20) / (1 + ppm / 1e6)
    const startMs = trueMs + lateMs(index)
    yield { position: index * FRAME, startMs, arrivesMs: startMs + 20 }
  }
}

/** The same numbers at every run. */
function random(): () => number {
  let state = 1
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

/** Times in ms at which clicks should be, from the sender's own clock. */
const due = (seconds: number, { ppm = 0, offsetMs = 0 } = {}) =>
  Array.from(
    { length: Math.ceil((seconds - 1) / 10) },
    (_, i) => offsetMs + (1000 + i * BEEP_EVERY_MS) / (1 + ppm / 1e6),
  )

/** No frame arrives before the one that was sent before it. */
function* inOrder(frames: Iterable<Sent>): Generator<Sent> {
  let lastMs = 0
  for (const frame of frames) {
    const arrivesMs = Math.max(lastMs, frame.arrivesMs)
    lastMs = arrivesMs
    yield { ...frame, arrivesMs, startMs: arrivesMs - 20 }
  }
}

const HOUR = 3600
/** A click in the first frame of the fourth second, and no other for a minute. */
const CLICK_AT_3 = new Int16Array(60 * RATE).fill(BEEP, 3 * RATE, 3 * RATE + FRAME)

describe('an hour', () => {
  test('of ideal clocks stays aligned to the sample', () => {
    const frames = stream(HOUR, undefined, { offsetMs: 37 })
    const { found, stats } = record({ frames }, HOUR * 1000)
    expect(found).toEqual(due(HOUR - 2, { offsetMs: 37 }).map((ms) => (ms * RATE) / 1000))
    expect(stats).toEqual({ droppedFrames: 0, correctedSamples: 0 })
  })

  test('of bursts of a second stays aligned to the sample', () => {
    const burst = (index: number) => (49 - (index % 50)) * 20
    const { found } = record({ frames: stream(HOUR, burst), samples: NOISY }, HOUR * 1000)
    expect(found).toEqual(due(HOUR - 2).map((ms) => (ms * RATE) / 1000))
  })

  test('at another rate stays aligned to the sample', () => {
    const { found } = record({ frames: stream(600) }, 600_000, 48_000)
    const wanted = due(598).map((ms) => ms * 48)
    for (const [i, at] of found.entries()) expect(Math.abs(at - wanted[i]!)).toBeLessThan(24)
    expect(found).toHaveLength(wanted.length)
  })

  test.each([
    ['100 ppm fast, quiet', 100, CLICKS],
    ['100 ppm slow, quiet', -100, CLICKS],
    ['100 ppm fast, never quiet', 100, NOISY],
    ['100 ppm slow, never quiet', -100, NOISY],
  ])(
    'of a caller %s, with jitter, bursts and losses, stays within 20 ms',
    (_name, ppm, samples) => {
      const chance = random()
      const late = (index: number) => {
        const stall = index % 3000 < 40 ? (40 - (index % 3000)) * 20 : 0
        return chance() * 60 + stall
      }
      const frames = inOrder(stream(HOUR, late, { ppm, offsetMs: 100 }))
      const kept = (function* () {
        for (const frame of frames) {
          const index = frame.position / FRAME
          // Half a second in twenty is lost, and one frame in fifty, but none with a click.
          const isClick = index % 500 >= 49 && index % 500 <= 52
          const isLost = chance() < 0.02 || index % 1000 >= 975
          if (isClick || !isLost) yield frame
        }
      })()
      const { found } = record({ frames: kept, samples }, HOUR * 1000)
      const wanted = due(HOUR - 3, { ppm, offsetMs: 100 })
      expect(found).toHaveLength(wanted.length)
      const errors = found.map((at, i) => Math.abs((at * 1000) / RATE - wanted[i]!))
      expect(Math.max(...errors)).toBeLessThan(20)
    },
  )
})

/** An hour of playbacks at any time, each on a grid of its own; each begins with a loud frame. */
function playbacks(lateMs: (frame: number) => number) {
  const chance = random()
  const frames: Sent[] = []
  const begins = new Set<number>()
  const startsMs: number[] = []
  for (let startMs = 137; startMs < HOUR * 1000 - 20_000; ) {
    const count = 60 + Math.floor(chance() * 340)
    begins.add(frames.length)
    startsMs.push(startMs)
    for (let i = 0; i < count; i += 1) {
      const atMs = startMs + i * 20 + lateMs(i)
      frames.push({ position: frames.length * FRAME, startMs: atMs, arrivesMs: atMs })
    }
    startMs += count * 20 + Math.floor(chance() * chance() * 5000)
  }
  const samples = (position: number) =>
    new Int16Array(FRAME).fill(begins.has(position / FRAME) ? BEEP : 1000)
  return { frames, samples, startsMs }
}

describe('our side, in an hour', () => {
  test('stands where it was sent, to the sample', () => {
    const { frames, samples, startsMs } = playbacks(() => 0)
    const { found } = record({ frames, samples, options: OURS }, HOUR * 1000)
    const errors = found.map((at, i) => Math.abs(at / 8 - startsMs[i]!))
    expect(found).toHaveLength(startsMs.length)
    // A playback that follows another at once is no run of its own.
    expect(errors.every((error) => error <= 5)).toBe(true)
    expect(errors.filter((error) => error === 0).length).toBeGreaterThan(found.length * 0.9)
  })

  test('does not move when timers are late and the pacer catches up', () => {
    const chance = random()
    const late = (frame: number) =>
      chance() * 3 + (frame >= 50 && frame < 60 ? (60 - frame) * 10 : 0)
    const { frames, samples, startsMs } = playbacks(late)
    const { found } = record({ frames, samples, options: OURS }, HOUR * 1000)
    const errors = found.map((at, i) => Math.abs(at / 8 - startsMs[i]!))
    expect(found).toHaveLength(startsMs.length)
    expect(Math.max(...errors)).toBeLessThan(10)
  })
})

describe('a track', () => {
  test('is silent while nothing comes, and a new run is where it came', () => {
    const frames = [...stream(3), ...stream(3, undefined, { offsetMs: 12_345 })].map(
      (frame, i) => ({
        ...frame,
        position: i * FRAME,
      }),
    )
    expect(record({ frames, samples: CLICK_AT_3 }, 20_000).found).toEqual([12.345 * RATE])
  })

  test('that jumps to another position is where it came', () => {
    const frames = [...stream(3), ...stream(3, undefined, { offsetMs: 5000 })].map((frame, i) => ({
      ...frame,
      position: i < 150 ? 60 * RATE * 10_000 + i * FRAME : i * FRAME,
    }))
    expect(record({ frames, samples: CLICK_AT_3 }, 20_000).found).toEqual([5 * RATE])
  })

  test('sent all at once is kept whole, one frame after the other', () => {
    const frames = Array.from({ length: 1000 }, (_, i) => ({
      position: i * FRAME,
      startMs: 480,
      arrivesMs: 500,
    }))
    const { found } = record({ frames, samples: NOISY }, 30_000)
    // It is caught up with a little all the while.
    expect(found.map((at) => Math.round(at / RATE))).toEqual([1, 11])
  })

  test('sent all at once keeps its pauses, and the silence behind it is left out', () => {
    // Ten seconds of beeps at 5 s, silence in real time from then on, and a beep at 20 s.
    const frames = Array.from({ length: 1500 }, (_, i) => {
      const arrivesMs = 5000 + Math.max(0, i - 499) * 20
      return { position: i * FRAME, startMs: arrivesMs - 20, arrivesMs }
    })
    const isBeep = (index: number) => (index < 500 ? index % 100 === 0 : index === 1250)
    const samples = (position: number) =>
      new Int16Array(FRAME).fill(isBeep(position / FRAME) ? BEEP : 0)
    const { found } = record({ frames, samples }, 30_000)
    const offMs = found.map((at, i) => (at * 1000) / RATE - ([5, 7, 9, 11, 13, 20][i] ?? 0) * 1000)
    expect(found).toHaveLength(6)
    for (const off of offMs) expect(Math.abs(off)).toBeLessThan(100)
    expect(Math.abs(offMs.at(-1) ?? Infinity)).toBeLessThan(25)
  })

  test('is in one piece at its end, however late the last frames come', () => {
    const late = (index: number) => (index > 140 ? (index - 140) * 8 : 0)
    const frames = [...stream(3, late)]
    const ramp = Int16Array.from({ length: 3 * RATE }, (_, i) => 1000 + (i % 3000))
    const timeline = new TrackTimeline(RATE, { jumpMs: 5, lagMs: 25 })
    for (const { position, startMs } of frames) {
      const samples = ramp.slice(position, position + FRAME)
      timeline.push({ position, startMs, sampleRate: RATE, samples })
    }
    const out = new Int16Array(3 * RATE)
    timeline.read(out)
    expect(out).toEqual(ramp)
  })

  test('has no more than a minute waiting', () => {
    const timeline = new TrackTimeline(RATE, { jumpMs: 100, lagMs: 5 })
    for (let i = 0; i < 3100; i += 1) {
      const samples = new Int16Array(FRAME)
      timeline.push({ samples, sampleRate: RATE, position: i * FRAME, startMs: 0 })
    }
    expect(timeline.stats.droppedFrames).toBe(100)
  })
})
