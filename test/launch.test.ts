import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, cp, mkdir, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NODE = Bun.which('node')
const VERSION = '9.9.9'

/** Stands in for Bun: tells its version, notes what it is asked to do, and does as `RUN` says. */
const FAKE_BUN = `#!/bin/sh
if [ "$1" = --version ]; then echo "$FAKE_VERSION"; exit; fi
echo "$@" >> calls
[ "$1" = install ] && exit 0
eval "$RUN"
`
const FAKE_NPM = `#!/bin/sh
echo "$@" >> npm-calls
exit 1
`

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-launch-'))
  await mkdir(join(directory, 'node_modules'))
  await cp(join(import.meta.dir, '../scripts/launch.mjs'), join(directory, 'scripts/launch.mjs'))
  await Bun.write(join(directory, 'package.json'), JSON.stringify({ engines: { bun: VERSION } }))
  await Bun.write(join(directory, 'bun.lock'), '{}')
  await writeProgram('path/bun', FAKE_BUN)
  await writeProgram('path/npm', FAKE_NPM)
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function writeProgram(name: string, text: string): Promise<void> {
  const path = join(directory, name)
  await Bun.write(path, text)
  await chmod(path, 0o755)
}

/** Runs the launcher on a machine whose programs are the fakes and what /bin has. */
function launch(args: readonly string[], env: Record<string, string> = {}) {
  return Bun.spawn([NODE ?? '', 'scripts/launch.mjs', ...args], {
    cwd: directory,
    env: { PATH: `${directory}/path:/bin`, FAKE_VERSION: VERSION, RUN: '', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

async function calls(): Promise<string[]> {
  return (await Bun.file(join(directory, 'calls')).text()).trim().split('\n')
}

describe.skipIf(NODE === null)('the launcher (needs node)', () => {
  test('installs the dependencies once, then only runs the server', async () => {
    expect(await launch(['start']).exited).toBe(0)
    expect(await launch(['start', '--flag']).exited).toBe(0)
    expect(await calls()).toEqual([
      'install --frozen-lockfile',
      'src/main.ts',
      'src/main.ts --flag',
    ])
  })

  test('installs again when the lock file is newer', async () => {
    expect(await launch(['test']).exited).toBe(0)
    const mark = join(directory, 'node_modules/.bunpbx-installed')
    await utimes(mark, 0, 0)
    expect(await launch(['test', 'a.test.ts']).exited).toBe(0)
    expect(await calls()).toEqual([
      'install --frozen-lockfile',
      'test --timeout=20000',
      'install --frozen-lockfile',
      'test --timeout=20000 a.test.ts',
    ])
  })

  test.each([
    ['exit 7', 7],
    ['kill -KILL $$', 137],
    ['kill -SEGV $$', 139],
  ])('ends as the program does: %s is %i', async (RUN, code) => {
    expect(await launch(['run', 'check'], { RUN }).exited).toBe(code)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('hands %s on, once', async (signal) => {
    const name = signal.slice(3)
    const RUN = `trap 'echo got; sleep 0.3; exit 3' ${name}; echo ready; while :; do sleep 0.05; done`
    const child = launch(['start'], { RUN })
    let output = ''
    for await (const chunk of child.stdout) {
      output += new TextDecoder().decode(chunk)
      if (output === 'ready\n') child.kill(signal)
    }
    expect(output).toBe('ready\ngot\n')
    expect(await child.exited).toBe(3)
  })

  test('brings the pinned Bun when the one on the PATH is another, and says why it cannot', async () => {
    const child = launch(['start'], { FAKE_VERSION: '1.0.0' })
    expect(await child.exited).toBe(1)
    const lines = (await new Response(child.stderr).text()).trim().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^bunpbx: installing Bun 9\.9\.9 \(@oven\/bun-/),
      expect.stringMatching(/^bunpbx: could not install Bun 9\.9\.9 .*registry reachable/),
    ])
    const asked = (await Bun.file(join(directory, 'npm-calls')).text()).trim().split('\n')
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/--ignore-scripts .*@oven\/bun-[a-z0-9-]+@9\.9\.9$/)
  })

  test('uses the Bun that an earlier run brought', async () => {
    const npm = [
      '#!/bin/sh',
      'for name; do :; done',
      `folder=.bun/node_modules/\${name%@*}/bin`,
      'mkdir -p $folder && cp fresh-bun $folder/bun',
    ]
    await writeProgram('path/npm', npm.join('\n'))
    await writeProgram('fresh-bun', FAKE_BUN.replace('$FAKE_VERSION', VERSION))
    for (let i = 0; i < 2; i += 1) {
      expect(await launch(['start'], { FAKE_VERSION: '1.0.0' }).exited).toBe(0)
      await rm(join(directory, 'path/npm'), { force: true })
    }
    expect(await calls()).toEqual(['install --frozen-lockfile', 'src/main.ts', 'src/main.ts'])
  })

  test('knows no other task', async () => {
    const child = launch(['toString'])
    expect(await child.exited).toBe(1)
    expect(await new Response(child.stderr).text()).toStartWith('bunpbx: usage: launch.mjs start')
  })
})
