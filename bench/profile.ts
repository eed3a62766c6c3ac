/**
 * Where the time goes: the server under `bun bench/calls.ts`' load with a CPU profile of its main
 * thread, as self time per function.
 *
 *   bun bench/profile.ts [CALLS]        default 200
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
}

const directory = mkdtempSync(`${tmpdir()}/bunpbx-profile-`)
const child = Bun.spawn(
  [process.execPath, `${import.meta.dir}/calls.ts`, process.argv[2] ?? '200'],
  {
    env: { ...process.env, BENCH_PROFILE: directory },
    stdout: 'inherit',
    stderr: 'inherit',
  },
)
await child.exited
for (const file of readdirSync(directory)) {
  const profile = (await Bun.file(`${directory}/${file}`).json()) as Profile
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url } }) => {
      const where = url.replace(/^.*\/(src|node_modules)\//, '$1/')
      return [id, `${functionName || '(anonymous)'}  ${where}`]
    }),
  )
  const counts = new Map<string, number>()
  for (const sample of profile.samples) {
    const name = names.get(sample) ?? '?'
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const rows = [...counts].sort(([, a], [, b]) => b - a).slice(0, 25)
  for (const [name, count] of rows) {
    console.log(`${((100 * count) / profile.samples.length).toFixed(1).padStart(5)} %  ${name}`)
  }
}
rmSync(directory, { recursive: true })
