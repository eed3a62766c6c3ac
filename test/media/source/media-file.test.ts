import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMediaFile } from '#media/source/media-file.ts'
import { rejection } from '../../support/rejection.ts'

let root: string
let media: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'media-file-'))
  media = join(root, 'media')
  await mkdir(join(media, 'prompts'), { recursive: true })
  await mkdir(join(root, 'media-private'))
  await Bun.write(join(media, 'prompts/hello world.wav'), 'hello')
  await Bun.write(join(root, 'secret.wav'), 'secret')
  await Bun.write(join(root, 'media-private/x.wav'), 'secret')
  await symlink('prompts/hello world.wav', join(media, 'inside.wav'))
  await symlink('../secret.wav', join(media, 'outside.wav'))
  await symlink(root, join(media, 'up'))
  await symlink('loop.wav', join(media, 'loop.wav'))
})

afterAll(() => rm(root, { recursive: true }))

async function read(name: string, directory = media): Promise<string> {
  let text = ''
  for await (const chunk of await openMediaFile(directory, name)) text += Buffer.from(chunk)
  return text
}

describe('openMediaFile', () => {
  test('reads a file, in a folder or over a link that stays inside', async () => {
    expect(await read('prompts/hello world.wav')).toBe('hello')
    expect(await read('./prompts//hello world.wav')).toBe('hello')
    expect(await read('inside.wav')).toBe('hello')
  })

  test.each([
    ['../secret.wav', 'forbidden'],
    ['prompts/../../secret.wav', 'forbidden'],
    ['prompts/../inside.wav', 'forbidden'],
    ['..\\secret.wav', 'forbidden'],
    ['..', 'forbidden'],
    ['/etc/passwd', 'forbidden'],
    ['outside.wav', 'forbidden'],
    ['up/secret.wav', 'forbidden'],
    ['up/media-private/x.wav', 'forbidden'],
    ['', 'forbidden'],
    ['inside.wav\0.mp3', 'forbidden'],
    ['nope.wav', 'not_found'],
    ['inside.wav/x', 'not_found'],
    ['loop.wav', 'not_found'],
    ['prompts', 'not_found'],
    ['%2e%2e/secret.wav', 'not_found'],
    ['x'.repeat(5000), 'not_found'],
  ])('does not open %p: %s', async (name, code) => {
    expect(await rejection(read(name))).toMatchObject({ name: 'MediaError', code })
  })

  test.skipIf(!Bun.which('mkfifo'))('does not wait for a pipe (needs mkfifo)', async () => {
    const { exitCode } = Bun.spawnSync(['mkfifo', join(media, 'pipe.wav')])
    expect(exitCode).toBe(0)
    expect(await rejection(read('pipe.wav'))).toMatchObject({ code: 'not_found' })
  })

  test('finds nothing where there is no MEDIA_DIR', async () => {
    const refused = read('inside.wav', join(root, 'none'))
    expect(await rejection(refused)).toMatchObject({ code: 'not_found' })
  })
})
