import { describe, expect, test } from 'bun:test'
import { cp, readdir } from 'node:fs/promises'
import { relative } from 'node:path'
import Database from 'better-sqlite3'
import { getTableColumns } from 'drizzle-orm'
import { CallDatabase } from '#store/call-database.ts'
import { callEvents, calls } from '#store/schema.ts'
import { MIGRATIONS, temporaryDirectory } from './store-fixtures.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const DRIZZLE_KIT = `${ROOT}node_modules/drizzle-kit/bin.cjs`

describe('migrations', () => {
  test('fit the schema: drizzle-kit finds nothing to generate', async () => {
    await using directory = await temporaryDirectory()
    await cp(MIGRATIONS, directory.path, { recursive: true })
    const list = async () => (await readdir(directory.path, { recursive: true })).sort()
    const before = await list()
    // A path relative to the root, because drizzle-kit puts `./` before what it is given.
    const out = relative(ROOT, directory.path)
    const options = ['--dialect', 'sqlite', '--schema', './src/store/schema.ts', '--out', out]
    const kit = Bun.spawn(['bun', DRIZZLE_KIT, 'generate', ...options], {
      cwd: ROOT,
      stdout: 'pipe',
      stderr: 'pipe',
    })
    expect(await kit.exited).toBe(0)
    expect(await new Response(kit.stdout).text()).toContain('No schema changes')
    expect(await list()).toEqual(before)
  })

  test('make tables with the columns of the schema', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/bunpbx.db`
    new CallDatabase(path, MIGRATIONS).close()
    const sqlite = new Database(path, { readonly: true })
    const found = (table: string) =>
      (sqlite.pragma(`table_info(${table})`) as { name: string; notnull: number }[]).map(
        ({ name, notnull }) => ({ name, notNull: notnull === 1 }),
      )
    const wanted = (table: typeof calls | typeof callEvents) =>
      Object.values(getTableColumns(table)).map(({ name, notNull }) => ({ name, notNull }))
    expect(found('calls')).toEqual(wanted(calls))
    expect(found('call_events')).toEqual(wanted(callEvents))
    sqlite.close()
  })

  test('are only applied once', async () => {
    await using directory = await temporaryDirectory()
    const path = `${directory.path}/bunpbx.db`
    for (let i = 0; i < 2; i += 1) new CallDatabase(path, MIGRATIONS).close()
    const sqlite = new Database(path, { readonly: true })
    const applied = sqlite.prepare('SELECT count(*) AS n FROM __drizzle_migrations').get()
    const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql'))
    expect(applied).toEqual({ n: files.length })
    sqlite.close()
  })
})
