import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

/** A BunPBX of its own, in a process of its own, on its own processor where there are two. */
export interface ServerUnderTest extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** Seconds of processor time used so far, all threads, user and system. */
  cpuSeconds(): Promise<number>
  /** Resident memory in bytes. */
  rssBytes(): Promise<number>
  /** The value of a metric line that starts with `name`, summed over its labels. */
  metric(name: string): Promise<number>
}

const CLOCK_TICKS = 100
const SERVER_CPU = 0
export const LOAD_CPU = 1

/** `bun FILE` pinned to a processor, if the machine has more than one and `taskset`. */
export function pinned(cpu: number, ...command: string[]): string[] {
  const canPin = availableParallelism() > 1 && Bun.which('taskset') !== null
  return canPin ? ['taskset', '-c', String(cpu), ...command] : command
}

export async function startServer(env: Record<string, string> = {}): Promise<ServerUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'bunpbx-bench-'))
  const profile = process.env['BENCH_PROFILE']
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = Bun.spawn(pinned(SERVER_CPU, process.execPath, ...flags, 'src/main.ts'), {
    cwd: join(import.meta.dir, '../..'),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: directory,
      LOG_LEVEL: 'info',
      MAX_CALLS: '20000',
      PLAY_ALLOW_PRIVATE: 'true',
      ...env,
    },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const url = await readUrl(child.stdout)
  const { pid } = child
  return {
    url,
    pid,
    async cpuSeconds() {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
    },
    async rssBytes() {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
    },
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text()
      const lines = text.split('\n').filter((line) => line.startsWith(name))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await child.exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Reads the log until the server says where it listens, and drains the rest. */
async function readUrl(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stdout.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the server did not start:\n${text}`)
    text += decoder.decode(value, { stream: true })
    const url = /"url":"([^"]+)"/.exec(text)?.[1]
    if (url === undefined) continue
    void drain(reader)
    return url
  }
}

async function drain(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  for (;;) {
    const { done } = await reader.read()
    if (done) return
  }
}
