/**
 * `npm start` and `npm test` on a machine that has only Node and npm, and `bun run start` and
 * `bun run test` on one that has only Bun: finds the pinned Bun or brings it, installs the
 * dependencies when the lock file is newer, and runs the server, the tests, or with `run` any
 * other script of package.json.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { isatty } from 'node:tty'
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

/** Installs one package into `.bun` without running its scripts; tells whether that worked. */
function fetchPackage(name) {
  const stdio = ['ignore', 'ignore', 'inherit']
  const common = ['--ignore-scripts', '--force', `${name}@${version}`]
  if (process.versions.bun) {
    // A Bun of another version, perhaps on a machine without npm. The manifest keeps it in `.bun`.
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'package.json'), '{}\n')
    return (
      spawnSync(process.execPath, ['add', '--silent', ...common], { cwd: own, stdio }).status === 0
    )
  }
  const where = ['install', '--prefix', own, '--no-save', '--no-package-lock']
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  // Without a network npm would wait for more than a minute before it says so.
  const retry = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=4000']
  return (
    spawnSync('npm', [...where, ...quiet, ...retry, ...common], { cwd: root, stdio }).status === 0
  )
}

/** Brings the pinned Bun from the npm registry into `.bun`. */
function bringBun() {
  for (const name of packages()) {
    say(`installing Bun ${version} (${name}, about 35 MB) …`)
    if (!fetchPackage(name)) break
    const path = join(own, 'node_modules', name, 'bin', 'bun')
    // A processor without AVX2 cannot run the first one.
    if (isPinned(path)) return path
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
  const env = { ...process.env }
  // Commands that tests and hooks start find the same Bun.
  if (isAbsolute(bun)) env.PATH = `${dirname(bun)}${delimiter}${env.PATH ?? ''}`
  // A terminal sends Ctrl-C and its own end to the whole group; anything else comes only to us.
  // The handlers stand before the child does, so that no signal finds this process without them.
  const hasTerminal = isatty(0)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal === 'SIGTERM' || !hasTerminal) child.kill(signal)
    })
  }
  const child = spawn(bun, args, { cwd: root, stdio: 'inherit', env })
  child.on('error', ({ message }) => fail(`could not run ${bun}: ${message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

const TASKS = { start: ['src/main.ts'], test: ['test', '--timeout=20000'], run: ['run'] }

const [task, ...rest] = process.argv.slice(2)
if (!Object.hasOwn(TASKS, task)) fail('usage: launch.mjs start | test [file …] | run SCRIPT')
const bun = findBun()
installDependencies(bun)
run(bun, [...TASKS[task], ...rest])
