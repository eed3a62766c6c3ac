import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, symlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordingKeeper } from '#app/recording-keeper.ts'
import { wavHeader } from '#audio/wav-writer.ts'
import type { RecordingRecord } from '#protocol/call-record.ts'
import { CallStore } from '#store/call-store.ts'
import { callRecord } from '../support/call-record.ts'

const DAY_MS = 86_400_000
const WAV = Buffer.concat([wavHeader({ sampleRate: 8000, channels: 2 }), Buffer.alloc(32_000)])
const COMPLETE = { format: 'wav', sampleRate: 8000, bytes: 32_044, durationMs: 1000 } as const

let top: string
let directory: string
let store: CallStore
const faults: string[] = []
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'bunpbx-keeper-'))
  directory = join(top, 'recordings')
  await mkdir(directory)
  faults.length = 0
  store = await CallStore.open({ directory: top })
})
afterEach(async () => {
  await store.close()
  await rm(top, { recursive: true })
})

/** A call that ended so many days ago, and its file. */
async function keep(file: string, days: number, recording: RecordingRecord, fileDays = days) {
  const at = Date.now() - days * DAY_MS
  const record = callRecord({ id: file, state: 'ended', startedAt: at - 5000, endedAt: at })
  store.begin(record)
  store.setRecording(record.recordId, recording)
  const path = join(directory, file)
  if (!(await Bun.file(path).exists())) await Bun.write(path, WAV)
  const written = new Date(Date.now() - fileDays * DAY_MS)
  await utimes(path, written, written)
  return record.recordId
}

/** Runs the keeper once and to its end. */
async function look(retentionDays: number) {
  const onFault = (fault: string) => void faults.push(fault)
  const keeper = new RecordingKeeper(store, { directory, retentionDays, onFault })
  await keeper.finished
  await keeper.close()
  return keeper.stats
}

const left = async () => (await Array.fromAsync(new Bun.Glob('**').scan(directory))).sort()

test('deletes recordings whose calls ended too long ago, and nothing else', async () => {
  const old = await keep('old.wav', 31, { file: 'old.wav', ...COMPLETE })
  const young = await keep('young.wav', 29, { file: 'young.wav', ...COMPLETE })
  const again = await keep('again.wav', 31, { file: 'again.wav', ...COMPLETE }, 2)
  await Bun.write(join(directory, 'notes.txt'), 'not a recording')
  await utimes(join(directory, 'notes.txt'), 0, 0)
  expect(await look(30)).toEqual({ repaired: 0, deleted: 1 })
  expect(await left()).toEqual(['again.wav', 'notes.txt', 'young.wav'])
  expect(await store.get(old)).not.toHaveProperty('recording')
  expect((await store.get(again))?.recording?.file).toBe('again.wav')
  expect((await store.get(young))?.recording?.file).toBe('young.wav')
  expect(faults).toEqual([])
})

test('deletes what was put back when that is old too, and what it has just made whole', async () => {
  const id = await keep('back.wav', 90, { file: 'back.wav', ...COMPLETE }, 1)
  const cut: RecordingRecord = { file: 'cut.wav', format: 'wav', sampleRate: 8000 }
  await keep('cut.wav', 31, cut)
  expect(await look(30)).toEqual({ repaired: 1, deleted: 1 })
  expect(await left()).toEqual(['back.wav'])
  await utimes(join(directory, 'back.wav'), 0, 0)
  expect(await look(30)).toEqual({ repaired: 0, deleted: 1 })
  expect(await left()).toEqual([])
  expect(await store.get(id)).not.toHaveProperty('recording')
})

test('never deletes through a link or outside, whatever the database says', async () => {
  await Bun.write(join(top, 'other'), 'x')
  await symlink(join(top, 'other'), join(directory, 'link'))
  for (const file of ['../other', 'link', '/etc/hostname', '']) {
    const record = callRecord({ state: 'ended', endedAt: 1 })
    store.begin(record)
    store.setRecording(record.recordId, { file, ...COMPLETE })
  }
  await utimes(join(top, 'other'), 0, 0)
  expect(await look(1)).toEqual({ repaired: 0, deleted: 0 })
  expect(await Bun.file(join(top, 'other')).exists()).toBe(true)
})

test('keeps everything when it is told 0 days', async () => {
  await keep('old.wav', 3000, { file: 'old.wav', ...COMPLETE })
  expect(await look(0)).toEqual({ repaired: 0, deleted: 0 })
  expect(await left()).toEqual(['old.wav'])
})

test('leaves alone what has just been recorded and is still being written', async () => {
  const recording: RecordingRecord = { file: 'new.wav', format: 'wav', sampleRate: 8000 }
  const startedAt = Date.now() + 60_000
  const record = callRecord({ state: 'ended', startedAt, endedAt: startedAt })
  store.begin(record)
  store.setRecording(record.recordId, recording)
  expect(await look(0)).toEqual({ repaired: 0, deleted: 0 })
  expect((await store.get(record.recordId))?.recording).toEqual(recording)
})

test('makes whole what was cut short, page after page, and forgets what is gone', async () => {
  const cut: RecordingRecord = { file: 'cut.wav', format: 'wav', sampleRate: 8000 }
  const id = await keep('cut.wav', 1, cut)
  const gone = callRecord({ state: 'ended', endedAt: 1 })
  store.begin(gone)
  store.setRecording(gone.recordId, { ...cut, file: 'gone.wav' })
  for (let i = 0; i < 600; i += 1) {
    const done = callRecord({ state: 'ended', endedAt: 1 })
    store.begin(done)
    store.setRecording(done.recordId, { ...cut, file: `none-${i}.wav` })
  }
  const running = callRecord()
  store.begin(running)
  store.setRecording(running.recordId, cut)
  expect(await look(0)).toEqual({ repaired: 1, deleted: 0 })
  expect((await store.get(id))?.recording).toEqual({ file: 'cut.wav', ...COMPLETE })
  expect(await store.get(gone.recordId)).not.toHaveProperty('recording')
  expect((await store.get(running.recordId))?.recording).toEqual(cut)
  expect(
    await store.recordings({ which: { incompleteBefore: Date.now() }, after: '', limit: 10 }),
  ).toEqual([])
})
