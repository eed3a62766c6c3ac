import { heapStats } from 'bun:jsc'
import { median } from './statistics.ts'

const ROUNDS = 5
const SLICES = 40
const FRAMES_PER_SLICE = 50
/** Between slices Workers catch up, as they would in real time. */
const PAUSE_MS = 5

export interface FrameCost {
  readonly microseconds: number
  /** Bytes that a collector must take back, per frame; blocks of 16 KiB are what can be seen. */
  readonly bytes: number
}

/** Handles the next frame of one stream. */
export type OnFrame = () => void

/**
 * What one frame of one stream costs, with `streams` streams in turn, in slices of fifty frames (or
 * one per stream, if there are more) with pauses between them: the median of five rounds. What the
 * looking itself allocates is taken off.
 */
export async function frameCost(streams: number, open: () => OnFrame): Promise<FrameCost> {
  const empty = await measure(streams, () => () => undefined)
  const { microseconds, bytes } = await measure(streams, open)
  return { microseconds, bytes: Math.max(0, bytes - empty.bytes) }
}

async function measure(streams: number, open: () => OnFrame): Promise<FrameCost> {
  const legs = Array.from({ length: streams }, open)
  const turns = Math.max(1, Math.floor(FRAMES_PER_SLICE / streams))
  const frames = SLICES * turns * streams
  const microseconds: number[] = []
  const bytes: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    let spentMs = 0
    let grownBytes = 0
    Bun.gc(true)
    for (let slice = 0; slice < SLICES; slice += 1) {
      const { heapCapacity } = heapStats()
      const startedMs = performance.now()
      for (let turn = 0; turn < turns; turn += 1) {
        for (const onFrame of legs) onFrame()
      }
      spentMs += performance.now() - startedMs
      grownBytes += Math.max(0, heapStats().heapCapacity - heapCapacity)
      await Bun.sleep(PAUSE_MS)
    }
    microseconds.push((spentMs * 1000) / frames)
    bytes.push(grownBytes / frames)
  }
  return { microseconds: median(microseconds), bytes: median(bytes) }
}
