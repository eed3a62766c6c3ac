import { describe, expect, test } from 'bun:test'
import { configDoc } from '../scripts/config-doc.ts'
import { protocolDoc, protocolSchema } from '../scripts/protocol-doc.ts'
import { LAYERS } from './support/layers.ts'

const read = (path: string) => Bun.file(`${import.meta.dir}/../${path}`).text()

describe('documents', () => {
  test('docs/protocol.md is current (bun run docs)', async () => {
    const page = await read('docs/protocol.md')
    expect(protocolDoc(page)).toBe(page)
  })

  test('docs/protocol.schema.json is current (bun run docs)', async () => {
    expect(await read('docs/protocol.schema.json')).toBe(protocolSchema())
  })

  test('docs/operations.md is current (bun run docs)', async () => {
    const page = await read('docs/operations.md')
    expect(configDoc(page)).toBe(page)
  })

  test('docs/architecture.md shows the layers that the test enforces', async () => {
    const page = await read('docs/architecture.md')
    const rows = [...page.matchAll(/^\| `([a-z]+)` \| .* \| (.*?) ?\|$/gm)].map(
      ([, layer, cell]) => [
        layer as string,
        [...(cell as string).matchAll(/`([^`]+)`/g)].map(([, name]) => name as string),
      ],
    )
    expect(Object.fromEntries(rows) as unknown).toEqual(LAYERS)
  })

  test('every link from a document to a file of ours leads somewhere', async () => {
    const pages = [...new Bun.Glob('{*.md,docs/**/*.md,bench/*.md,examples/**/*.md}').scanSync('.')]
    const broken: string[] = []
    for (const page of pages) {
      for (const [, link] of (await read(page)).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
        const target = new URL(link as string, `file:///${page}`).pathname.slice(1)
        const exists = await Bun.file(target).exists()
        const isFolder = [...new Bun.Glob(`${target}/*`).scanSync('.')].length > 0
        if (!exists && !isFolder) broken.push(`${page}: ${link}`)
      }
    }
    expect(broken).toEqual([])
  })

  test('every file of ours that a document names exists', async () => {
    const pages = ['README.md', 'CONTRIBUTING.md', ...new Bun.Glob('docs/*.md').scanSync('.')]
    const missing: string[] = []
    for (const page of pages) {
      for (const [, path] of (await read(page)).matchAll(/`((?:src|bench|scripts)\/[\w./*-]+)`/g)) {
        const found = [path as string, `${path}/*`].flatMap((glob) => [
          ...new Bun.Glob(glob).scanSync('.'),
        ])
        if (found.length === 0) missing.push(`${page}: ${path}`)
      }
    }
    expect(missing).toEqual([])
  })
})
