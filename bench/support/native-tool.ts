import { bytesOf, runTool, samplesOf } from '../../test/audio/run-tool.ts'
import { median } from './statistics.ts'

const ROUNDS = 5

/** Raw 16-bit mono, as a format of ffmpeg and of sox. */
const ffmpegRaw = (rate: number) => ['-f', 's16le', '-ar', `${rate}`, '-ac', '1']
const soxRaw = (rate: number) => [
  '-t',
  'raw',
  '-r',
  `${rate}`,
  '-e',
  'signed',
  '-b',
  '16',
  '-c',
  '1',
]
const quiet = ['ffmpeg', '-v', 'error', '-threads', '1']

/** `samples` at another rate by the resampler of sox (`rate -h`), without dither. */
export async function resampleBySox(samples: Int16Array, from: number, to: number) {
  const command = ['sox', '-D', ...soxRaw(from), '-', ...soxRaw(to), '-', 'rate', '-h', `${to}`]
  return samplesOf(await runTool(command, bytesOf(samples)))
}

/** `samples` at another rate by the resampler of ffmpeg as it is unless told otherwise. */
export async function resampleByFfmpeg(samples: Int16Array, from: number, to: number) {
  const command = [...quiet, ...ffmpegRaw(from), '-i', '-', ...ffmpegRaw(to), '-']
  return samplesOf(await runTool(command, bytesOf(samples)))
}

/** What ffmpeg makes of `input` between options for reading and for writing. */
export function ffmpeg(
  input: Uint8Array,
  reading: string[],
  writing: string[],
): Promise<Uint8Array> {
  return runTool([...quiet, ...reading, '-i', '-', ...writing, '-'], input)
}

/** What sox makes of `input` between options for reading and for writing. */
export function sox(input: Uint8Array, reading: string[], writing: string[]): Promise<Uint8Array> {
  return runTool(['sox', '-D', ...reading, '-', ...writing, '-'], input)
}

/**
 * Processor time of a tool for one of `count` frames, in microseconds: a long input less a short
 * one, so that its start does not count. `command` is given the path of the input.
 */
export async function microsecondsPerFrame(
  command: (path: string) => string[],
  inputs: { readonly long: string; readonly short: string; readonly frames: number },
): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const long = await processorMicroseconds(command(inputs.long))
    const short = await processorMicroseconds(command(inputs.short))
    times.push((long - short) / inputs.frames)
  }
  return median(times)
}

async function processorMicroseconds(command: string[]): Promise<number> {
  const tool = Bun.spawn(command, { stdout: 'ignore', stderr: 'ignore' })
  const code = await tool.exited
  if (code !== 0) throw new Error(`${command.join(' ')} exits with ${code}`)
  return Number(tool.resourceUsage()?.cpuTime.total ?? Number.NaN)
}
