/**
 * `npm start` and `npm test` on a machine that has only Node and npm, and `bun run start` and
 * `bun run test` on one that has only Bun: finds the pinned Bun or brings it, installs the
 * dependencies when the lock file is newer, and runs the server or the tests.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const version = engines.bun
const own = join(root, '.bun')

const say = (line) => process.stderr.write(`bunpbx: ${line}\n`)

function fail(line) {
  say(line)
  process.exit(1)
}

/** Whether `path` is the pinned Bun. */
function isPinned(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 && stdout.trim() === version
}

/** The binary packages that fit this machine, the likeliest first. */
function packages() {
  const { platform, arch } = process
  if (!['linux', 'darwin'].includes(platform) || !['x64', 'arm64'].includes(arch)) {
    fail(`Bun has no build for ${platform} ${arch} that BunPBX runs on; use Linux, macOS or Docker`)
  }
  const cpu = arch === 'arm64' ? 'aarch64' : 'x64'
  const isMusl = platform === 'linux' && existsSync('/etc/alpine-release')
  const name = `@oven/bun-${platform}-${cpu}${isMusl ? '-musl' : ''}`
  return cpu === 'x64' ? [name, `${name}-baseline`] : [name]
}

/** Brings the pinned Bun from the npm registry into `.bun`, without running an install script. */
function bringBun() {
  for (const name of packages()) {
    say(`installing Bun ${version} (${name}, about 35 MB) …`)
    const args = ['install', '--prefix', own, '--no-save', '--no-package-lock', '--ignore-scripts']
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--force']
    const { status } = spawnSync('npm', [...args, ...quiet, `${name}@${version}`], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const path = join(own, 'node_modules', name, 'bin', 'bun')
    // A processor without AVX2 cannot run the first one.
    if (status === 0 && isPinned(path)) return path
  }
  return fail(
    `could not install Bun ${version} from npm: is the registry reachable? Or install it from https://bun.sh`,
  )
}

function findBun() {
  const installed = packages().map((name) => join(own, 'node_modules', name, 'bin', 'bun'))
  const candidates = [process.versions.bun ? process.execPath : 'bun', ...installed]
  return candidates.find(isPinned) ?? bringBun()
}

/** Installs what the lock file says, unless that has been done since it changed. */
function installDependencies(bun) {
  const mark = join(root, 'node_modules', '.bunpbx-installed')
  const lock = join(root, 'bun.lock')
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return
  say('installing the dependencies …')
  const { status } = spawnSync(bun, ['install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) fail('could not install the dependencies: is the npm registry reachable?')
  writeFileSync(mark, `${version}\n`)
}

function run(bun, args) {
  // Commands that tests and hooks start find the same Bun.
  const env = { ...process.env, PATH: `${dirname(bun)}:${process.env.PATH ?? ''}` }
  const child = spawn(bun, args, { cwd: root, stdio: 'inherit', env })
  // A terminal sends its signals to the whole group; anything else only to us.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal)
    })
  }
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + 15))
}

const [task, ...rest] = process.argv.slice(2)
const bun = findBun()
installDependencies(bun)
if (task === 'start') run(bun, ['src/main.ts', ...rest])
else if (task === 'test') run(bun, ['test', ...rest])
else fail(`usage: launch.mjs start | test (not ${task})`)
