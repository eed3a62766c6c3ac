import { expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findInside } from '#core/inside.ts'

test('finds what lies in the directory and nothing else', async () => {
  const top = await mkdtemp(join(tmpdir(), 'bunpbx-inside-'))
  const root = join(top, 'root')
  await mkdir(join(root, 'sub'), { recursive: true })
  await mkdir(join(top, 'root-2'))
  for (const path of ['root/a', 'root/sub/b', 'c', 'root-2/d']) await Bun.write(join(top, path), '')
  await symlink(join(top, 'c'), join(root, 'out'))
  await symlink(join(root, 'a'), join(root, 'in'))
  await symlink(root, join(top, 'alias'))
  try {
    const found = (path: string, from = root) => findInside(from, path)
    expect(await found('a')).toBe(join(root, 'a'))
    expect(await found('sub/../a')).toBe(join(root, 'a'))
    expect(await found('in')).toBe(join(root, 'a'))
    expect(await found('sub/b', join(top, 'alias'))).toBe(join(root, 'sub/b'))
    for (const path of ['out', '../c', '../root-2/d', '/etc/passwd', 'none', '', '.', 'a\0']) {
      expect(await found(path)).toBeUndefined()
    }
    expect(await found('a', join(top, 'nowhere'))).toBeUndefined()
  } finally {
    await rm(top, { recursive: true })
  }
})
