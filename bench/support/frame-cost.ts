import { median } from './statistics.ts'

const ROUNDS = 5
const SLICES = 40
const FRAMES_PER_SLICE = 50
/** Between slices Workers catch up, as they would in real time. */
const PAUSE_MS = 5

/** Handles the next frame of one stream. */
export type OnFrame = () => void

/**
 * What one frame of one stream costs, with `streams` streams in turn, in slices of fifty frames (or
 * one per stream, if there are more) with pauses between them: the median of five rounds.
 */
export async function frameMicroseconds(streams: number, open: () => OnFrame): Promise<number> {
  const legs = Array.from({ length: streams }, open)
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const { spentMs, frames } = await runRound(legs)
    rounds.push((spentMs * 1000) / frames)
  }
  return median(rounds)
}

/**
 * Bytes that one frame leaves to the collector: by how much the process grows. Says nothing unless
 * the process runs without a collector (`bytesWithoutCollector`).
 */
export async function frameBytes(streams: number, open: () => OnFrame): Promise<number> {
  const legs = Array.from({ length: streams }, open)
  for (let round = 0; round < 3; round += 1) await runRound(legs)
  const before = process.memoryUsage().rss
  let count = 0
  for (let round = 0; round < ROUNDS; round += 1) count += (await runRound(legs)).frames
  return Math.max(0, process.memoryUsage().rss - before) / count
}

/** Runs `script` with `args` in a process without a collector, and gives the number it prints. */
export function bytesWithoutCollector(script: string, ...args: string[]): number {
  const env = { ...process.env, BUN_JSC_useGC: '0' }
  const { stdout } = Bun.spawnSync([process.execPath, script, ...args], { env })
  return Number(stdout.toString().trim())
}

async function runRound(legs: readonly OnFrame[]): Promise<{ spentMs: number; frames: number }> {
  const turns = Math.max(1, Math.floor(FRAMES_PER_SLICE / legs.length))
  let spentMs = 0
  for (let slice = 0; slice < SLICES; slice += 1) {
    const startedMs = performance.now()
    for (let turn = 0; turn < turns; turn += 1) {
      for (const onFrame of legs) onFrame()
    }
    spentMs += performance.now() - startedMs
    await Bun.sleep(PAUSE_MS)
  }
  return { spentMs, frames: SLICES * turns * legs.length }
}
