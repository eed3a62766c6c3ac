import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallRecord } from '#protocol/call-record.ts'
import { RawWebSocket } from '../support/raw-websocket.ts'
import { rejection } from '../support/rejection.ts'
import { WireClient } from '../support/wire.ts'

const ROOT = join(import.meta.dir, '../..')

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bunpbx-process-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** The server as a user starts it. */
function spawn(env: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, 'src/main.ts'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', DATA_DIR: directory, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

async function start(env: Record<string, string> = {}) {
  const child = spawn(env)
  const reader = child.stdout.getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error(await new Response(child.stderr).text())
    text += new TextDecoder().decode(value)
    const url = /"url":"([^"]+)"/.exec(text)?.[1]
    if (url !== undefined) return { child, url }
  }
}

describe('a start that cannot be', () => {
  test.each([
    [{ PORT: 'http' }, 'PORT: must be a number'],
    [{ HOST: '0.0.0.0' }, 'set API_KEYS, or ALLOW_ANONYMOUS=true'],
    [{ TTS_PROVIDER: 'nobody' }, 'TTS_PROVIDER: "nobody" is unknown; known are: flite'],
    [{ ASR_PROVIDER: 'nobody' }, 'ASR_PROVIDER: "nobody" is unknown; known are: none'],
    [{ DATA_DIR: '/proc/none' }, 'DATA_DIR: cannot write to /proc/none'],
    [{ HOST: '203.0.113.7', API_KEYS: 'k' }, 'HOST: cannot listen on 203.0.113.7'],
  ])('%o ends with 1 and one line', async (env, message) => {
    const child = spawn(env as Record<string, string>)
    expect(await child.exited).toBe(1)
    const stderr = await new Response(child.stderr).text()
    expect(stderr).toStartWith('bunpbx: ')
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('a port in use ends with 1 and says so', async () => {
    using other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('') })
    const child = spawn({ PORT: String(other.port) })
    expect(await child.exited).toBe(1)
    expect(await new Response(child.stderr).text()).toContain(
      `PORT: ${other.port} on 127.0.0.1 is in use`,
    )
  })
})

describe('SIGTERM', () => {
  test('without calls ends at once with 0', async () => {
    const { child } = await start({ DRAIN_SECONDS: '60' })
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  })

  test('lets a call finish, and refuses new ones meanwhile', async () => {
    const { child, url } = await start({ DRAIN_SECONDS: '60' })
    const client = await WireClient.call(url, {}, '/call?id=last')
    const waiting = await WireClient.connect(url)
    child.kill('SIGTERM')
    expect(await waiting.closed).toEqual({ code: 1001, reason: 'server_shutdown' })
    const error = await rejection(RawWebSocket.connect(url, '/call'))
    expect(error.message).toStartWith('HTTP/1.1 503')
    expect((await fetch(`${url}/ready`)).status).toBe(503)
    client.send({ command: 'history', speaker: 's', text: 'still talking' })
    await client.sees('addHistory')
    await client.hangup()
    expect(await child.exited).toBe(0)
  })

  test('ends a call that takes too long, with its record', async () => {
    const { child, url } = await start({ DRAIN_SECONDS: '0.2' })
    const client = await WireClient.call(url, {}, '/call?id=long')
    child.kill('SIGTERM')
    expect(await client.sees('hangup')).toMatchObject({
      reason: 'server_shutdown',
      initiator: 'system',
    })
    expect(await client.closed).toEqual({ code: 1001, reason: 'server_shutdown' })
    expect(await child.exited).toBe(0)
    const again = await start()
    const record = await (await fetch(`${again.url}/calls/long`)).json()
    expect(record).toMatchObject({ state: 'ended', reason: 'server_shutdown' })
    again.child.kill('SIGTERM')
    await again.child.exited
  })

  test('a second signal does not wait', async () => {
    const { child, url } = await start({ DRAIN_SECONDS: '60' })
    await WireClient.call(url)
    child.kill('SIGTERM')
    while ((await fetch(`${url}/ready`)).status !== 503) await Bun.sleep(10)
    child.kill('SIGTERM')
    expect(await child.exited).toBe(1)
  })
})

test('a call that a crash cut short is closed as interrupted at the next start', async () => {
  const { child, url } = await start()
  const client = await WireClient.call(url, {}, '/call?id=crashed')
  client.send({ command: 'history', speaker: 's', text: 'the last words' })
  await client.sees('addHistory')
  child.kill('SIGKILL')
  await child.exited
  const again = await start()
  expect(await (await fetch(`${again.url}/calls/crashed`)).json()).toMatchObject({
    state: 'interrupted',
  })
  const lines = await (await fetch(`${again.url}/calls/crashed/events.jsonl`)).text()
  expect(lines).toContain('the last words')
  again.child.kill('SIGTERM')
  expect(await again.child.exited).toBe(0)
})

test('a recording that a crash cut short can be read, and is made whole at the next start', async () => {
  const { child, url } = await start()
  const client = await WireClient.call(url, { recorder: true }, '/call?id=cut')
  const tone = Int16Array.from({ length: 320 }, (_, i) => 8000 * Math.sin(i * 0.2))
  const startMs = performance.now()
  for (let i = 0; i < 160; i += 1) {
    client.sendAudio(new Uint8Array(tone.buffer))
    await Bun.sleep(Math.max(0, startMs + i * 20 - performance.now()))
  }
  child.kill('SIGKILL')
  await child.exited
  const path = join(directory, 'recordings/cut.wav')
  const left = Buffer.from(await Bun.file(path).bytes())
  expect(left.readUInt32LE(40)).toBe(left.length - 44)
  expect(left.length).toBeGreaterThan(16_000)
  if (Bun.which('soxi') !== null) {
    const samples = await new Response(Bun.spawn(['soxi', '-s', path]).stdout).text()
    expect(Number(samples)).toBe((left.length - 44) / 4)
  }
  // A crash of the machine may leave half a piece, which no header knows of.
  await Bun.write(path, Buffer.concat([left, Buffer.alloc(4 * 1600 + 3)]))
  const again = await start()
  const wanted = { bytes: left.length + 6400, durationMs: (left.length + 6400 - 44) / 64 }
  for (;;) {
    const record = (await (await fetch(`${again.url}/calls/cut`)).json()) as CallRecord
    await Bun.sleep(20)
    if (record.recording?.durationMs === undefined) continue
    expect(record).toMatchObject({ state: 'interrupted', recording: wanted })
    break
  }
  const wav = await (await fetch(`${again.url}/calls/cut/recording`)).bytes()
  expect(Buffer.from(wav).readUInt32LE(40)).toBe(wanted.bytes - 44)
  if (Bun.which('soxi') !== null) {
    const samples = await new Response(Bun.spawn(['soxi', '-s', path]).stdout).text()
    expect(Number(samples)).toBe((wanted.bytes - 44) / 4)
  }
  again.child.kill('SIGTERM')
  expect(await again.child.exited).toBe(0)
}, 30_000)
