import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('../../../', import.meta.url).pathname

test('kernel.wasm is what `bun run kernels` makes of kernel.as.ts', async () => {
  const { scripts } = await Bun.file(join(root, 'package.json')).json()
  const folder = mkdtempSync(join(tmpdir(), 'kernel-'))
  try {
    const built = join(folder, 'kernel.wasm')
    const [, ...args] = scripts.kernels.replace(/-o \S+$/, `-o ${built}`).split(' ')
    const compiler = join(root, 'node_modules/.bin/asc')
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, compiler, ...args], { cwd: root })
    expect(stderr.toString()).not.toContain('ERROR')
    expect(exitCode).toBe(0)
    const committed = await Bun.file(join(root, 'src/speech/silero/kernel.wasm')).bytes()
    expect(Buffer.from(await Bun.file(built).bytes()).equals(Buffer.from(committed))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
