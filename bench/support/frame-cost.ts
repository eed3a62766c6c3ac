import { heapStats } from 'bun:jsc'
import { median } from './statistics.ts'

const ROUNDS = 9
const MIN_FRAMES = 2_000

export interface FrameCost {
  readonly microseconds: number
  /** Bytes that a collector must take back, per frame. */
  readonly bytes: number
}

/** Handles the next frame of one stream. */
export type OnFrame = () => void

/**
 * What one frame of one stream costs, with `streams` streams in turn: the median of nine rounds.
 * Between rounds Workers get time to catch up.
 */
export async function frameCost(streams: number, open: () => OnFrame): Promise<FrameCost> {
  const legs = Array.from({ length: streams }, open)
  const turns = Math.ceil(MIN_FRAMES / streams)
  const microseconds: number[] = []
  const bytes: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await Bun.sleep(50)
    Bun.gc(true)
    const before = allocated()
    const startedMs = performance.now()
    for (let turn = 0; turn < turns; turn += 1) {
      for (const onFrame of legs) onFrame()
    }
    microseconds.push(((performance.now() - startedMs) * 1000) / (turns * streams))
    bytes.push(Math.max(0, allocated() - before) / (turns * streams))
  }
  return { microseconds: median(microseconds), bytes: median(bytes) }
}

function allocated(): number {
  const { heapSize, extraMemorySize } = heapStats()
  return heapSize + extraMemorySize
}
