import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '..')
const read = (path: string) => Bun.file(join(ROOT, path)).text()

/** What the Dockerfile copies from the build context, stage for stage. */
async function copied(): Promise<string[]> {
  const lines = (await read('Dockerfile')).matchAll(/^COPY (?!--from)(.+) \S+$/gm)
  return [...lines].flatMap(([, sources]) => (sources as string).split(' '))
}

describe('the Docker image', () => {
  let image: string
  beforeAll(async () => {
    image = await mkdtemp(join(tmpdir(), 'bunpbx-image-'))
    for (const path of await copied()) {
      await cp(join(ROOT, path), join(image, path), { recursive: true })
    }
    await symlink(join(ROOT, 'node_modules'), join(image, 'node_modules'))
  })
  afterAll(() => rm(image, { recursive: true, force: true }))

  test('is built from files that .dockerignore lets through', async () => {
    const allowed = (await read('.dockerignore')).split('\n').map((line) => line.replace('!', ''))
    expect(allowed).toEqual(expect.arrayContaining(await copied()))
    expect(await readdir(ROOT)).toEqual(expect.arrayContaining(await copied()))
  })

  test('holds all that the server needs to start and to show its page', async () => {
    const environment = { ...process.env, PORT: '0', DATA_DIR: join(image, 'data'), HOST: '' }
    const server = Bun.spawn([process.execPath, 'src/main.ts'], {
      cwd: image,
      env: { ...environment, LOG_LEVEL: 'info' },
      stdout: 'pipe',
      stderr: 'inherit',
    })
    try {
      const page = await fetch(await docsUrl(server.stdout))
      expect(await page.text()).toStartWith('<!doctype html>')
    } finally {
      server.kill('SIGTERM')
    }
    expect(await server.exited).toBe(0)
  }, 30_000)
})

/** Where the server says its page is. */
async function docsUrl(log: ReadableStream<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of log) {
    text += new TextDecoder().decode(chunk)
    const url = /"docs":"([^"]+)"/.exec(text)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`the server has not listened: ${text}`)
}
