import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallRecord } from '#protocol/call-record.ts'
import { fitSine } from '../audio/fit-sine.ts'
import { runTool, samplesOf } from '../audio/run-tool.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { WireClient } from '../support/wire.ts'

const RATE = 16_000
const FRAME_BYTES = (RATE / 50) * 2

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
})

/** 16-bit PCM of a sine. */
function tone(hz: number, ms: number, amplitude = 8000): Uint8Array {
  const samples = Int16Array.from({ length: (RATE * ms) / 1000 }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / RATE)),
  )
  return new Uint8Array(samples.buffer)
}

/** Speaks in real time for `ms`. */
async function speak(client: WireClient, pcm: Uint8Array): Promise<void> {
  const startMs = performance.now()
  for (let at = 0; at < pcm.length; at += FRAME_BYTES) {
    client.sendAudio(pcm.subarray(at, at + FRAME_BYTES))
    await Bun.sleep(Math.max(0, startMs + (at / FRAME_BYTES) * 20 - performance.now()))
  }
}

const getRecord = async (id: string) =>
  (await (await fetch(`${gateway.url}/calls/${id}`)).json()) as CallRecord

/** The record, once it says what has become of the recording. */
async function recordOf(id: string): Promise<CallRecord> {
  for (;;) {
    const record = await getRecord(id)
    if (record.recording?.durationMs !== undefined) return record
    await Bun.sleep(20)
  }
}

const download = (id: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${gateway.url}/calls/${id}/recording`, { headers, method })

/** Both channels of a stereo WAV file. */
function channels(wav: Uint8Array): [left: Int16Array, right: Int16Array] {
  const samples = samplesOf(wav.subarray(44))
  return [samples.filter((_, i) => i % 2 === 0), samples.filter((_, i) => i % 2 === 1)]
}

/** How long it is loud. A machine that stalls may put silence between, but not lose sound. */
function loudMs(samples: Int16Array): number {
  const loud = samples.filter((sample) => Math.abs(sample) > 1000).length
  // A sine of 8000 is below 1000 for 8 % of the time.
  return (loud * 1000) / RATE / 0.92
}

/** What is beside a sine of that pitch in the purest tenth of a second, in dB. */
function residueDb(samples: Int16Array, hz: number): number {
  const windows = Array.from({ length: Math.floor(samples.length / 800) - 1 }, (_, i) =>
    samples.subarray(i * 800, i * 800 + 1600),
  )
  const loud = windows.filter((window) => loudMs(window) > 80)
  return Math.min(...loud.map((window) => fitSine(window, hz, RATE).residueDb))
}

/** A call in which the caller sounds 1000 Hz and hears one of 440 Hz; gives its WAV and its record. */
async function recordedCall(id: string, recorder: object | true = true) {
  const client = await WireClient.call(gateway.url, { recorder }, `/call?id=${id}`)
  client.send({ command: 'play', url: 'tone-440.wav' })
  await speak(client, tone(1000, 600))
  await client.hangup()
  const record = await recordOf(id)
  return { client, record, response: await download(id) }
}

describe('a recorded call', () => {
  test('has the caller left and our side right, as they were', async () => {
    const { client, record, response } = await recordedCall('both')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('audio/wav')
    const wav = await response.bytes()
    const [left, right] = channels(wav)
    expect(loudMs(left)).toBeGreaterThan(560)
    expect(loudMs(left)).toBeLessThan(640)
    expect(residueDb(left, 1000)).toBeLessThan(-40)
    // What was sent stands in the right channel, sample by sample.
    const heard = client.heardPcm()
    const start = right.findIndex((sample) => sample !== 0)
    const first = heard.findIndex((sample) => sample !== 0)
    const length = Math.min(heard.length - first, right.length - start, RATE)
    expect(length).toBeGreaterThan(RATE / 5)
    expect(right.subarray(start, start + length)).toEqual(heard.subarray(first, first + length))
    expect(residueDb(right, 440)).toBeLessThan(-30)
    expect(record).toMatchObject({
      state: 'ended',
      recording: { file: 'both.wav', format: 'wav', sampleRate: RATE, bytes: wav.length },
    })
    expect(record.recording?.durationMs).toBe(Math.round((left.length * 1000) / RATE))
    const peaks = record.recording?.peaks
    expect(peaks?.left.length).toBe(Math.ceil(left.length / (RATE / 100)))
    expect(Math.max(...(peaks?.left ?? []))).toBe(8000 >> 7)
  })

  test('says so in a page of history, without the picture', async () => {
    const { record } = await recordedCall('listed')
    const { calls } = (await (await fetch(`${gateway.url}/calls`)).json()) as {
      calls: CallRecord[]
    }
    const { peaks: _, ...rest } = record.recording ?? {}
    expect(calls.find(({ id }) => id === 'listed')?.recording).toEqual(rest as never)
  })

  test.skipIf(Bun.which('ffprobe') === null)(
    'is what ffprobe takes for it (needs ffprobe)',
    async () => {
      const { record } = await recordedCall('probed', { samplerate: 8000 })
      const path = join(gateway.directory, 'recordings/probed.wav')
      const command = ['ffprobe', '-v', 'error', '-show_streams', '-of', 'json', path]
      const probe = new TextDecoder().decode(await runTool(command, new Uint8Array()))
      const { streams } = JSON.parse(probe)
      expect(streams).toMatchObject([{ sample_rate: '8000', channels: 2, codec_name: 'pcm_s16le' }])
      const seconds = (record.recording?.durationMs ?? 0) / 1000
      expect(Number(streams[0].duration)).toBeCloseTo(seconds, 2)
    },
  )
})

test.skipIf(Bun.which('ffmpeg') === null)(
  'Opus is a tenth of the size, and ffmpeg hears it (needs ffmpeg)',
  async () => {
    const recorder = { format: 'ogg', recorderFile: 'small' }
    const { record, response } = await recordedCall('small', recorder)
    expect(response.headers.get('content-type')).toBe('audio/ogg')
    const { bytes = 0, durationMs = 0, file = '' } = record.recording ?? {}
    expect(file).toBe('small.ogg')
    expect(bytes).toBeLessThan((durationMs * 64) / 7)
    const path = join(gateway.directory, 'recordings', file)
    const command = ['ffmpeg', '-v', 'error', '-i', path, '-f', 's16le', '-ar', '16000', '-']
    const samples = samplesOf(await runTool(command, new Uint8Array()))
    const left = samples.filter((_, i) => i % 2 === 0)
    expect((left.length * 1000) / RATE).toBeCloseTo(durationMs, -1)
    expect(residueDb(left, 1000)).toBeLessThan(-15)
  },
)

describe('GET /calls/{id}/recording', () => {
  let whole: Uint8Array
  beforeAll(async () => {
    const { response } = await recordedCall('ranged')
    whole = await response.bytes()
  })

  test('says what it is and can be kept', async () => {
    const response = await download('ranged')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': String(whole.length),
      'content-disposition': `attachment; filename="ranged.wav"; filename*=UTF-8''ranged.wav`,
    })
    expect(await response.bytes()).toEqual(whole)
    const etag = response.headers.get('etag') ?? ''
    const since = response.headers.get('last-modified') ?? ''
    expect((await download('ranged', { 'if-none-match': etag })).status).toBe(304)
    expect((await download('ranged', { 'if-none-match': '"other"' })).status).toBe(200)
    expect((await download('ranged', { 'if-modified-since': since })).status).toBe(304)
  })

  test('HEAD has the same headers and no body', async () => {
    // Of a HEAD a range means nothing.
    const response = await download('ranged', { range: 'bytes=0-9' }, 'HEAD')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(whole.length))
    expect(response.headers.get('content-type')).toBe('audio/wav')
    expect(await response.bytes()).toHaveLength(0)
  })

  test.each([
    ['bytes=0-43', 0, 44],
    ['bytes=100-', 100, undefined],
    ['bytes=-50', -50, undefined],
    ['bytes=10-99999999', 10, undefined],
    ['bytes=44-44', 44, 45],
  ])('%s is a part', async (range, first, end) => {
    const response = await download('ranged', { range })
    const part = whole.slice(first, end)
    const from = first < 0 ? whole.length + first : first
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(
      `bytes ${from}-${from + part.length - 1}/${whole.length}`,
    )
    expect(response.headers.get('content-length')).toBe(String(part.length))
    expect(await response.bytes()).toEqual(part)
  })

  test('a part behind the end is 416 and says how long it is', async () => {
    const response = await download('ranged', { range: 'bytes=99999999-' })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe(`bytes */${whole.length}`)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  test('a part of what has changed is the whole', async () => {
    const headers = { range: 'bytes=0-9', 'if-range': '"other"' }
    expect((await download('ranged', headers)).status).toBe(200)
    const etag = (await download('ranged')).headers.get('etag') ?? ''
    expect((await download('ranged', { ...headers, 'if-range': etag })).status).toBe(206)
  })

  test('is 404 where the call was not recorded, or the file is gone', async () => {
    const client = await WireClient.call(gateway.url, { recorder: false }, '/call?id=plain')
    await client.hangup()
    expect((await download('plain')).status).toBe(404)
    await recordedCall('gone')
    await Bun.file(join(gateway.directory, 'recordings/gone.wav')).delete()
    const response = await download('gone')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('deleted') })
  })
})

describe('the name of the file', () => {
  test.each([
    ['../escaped'],
    ['a/../../escaped'],
    ['/tmp/escaped'],
    ['.hidden'],
    ['a//b'],
    ['a\\b'],
    ['nul\0byte'],
    ['new\nline'],
    ['x'.repeat(300)],
  ])('%p is refused, and the call goes on', async (recorderFile) => {
    const client = await WireClient.call(gateway.url, { recorder: { recorderFile } })
    expect(client.events[0]).toMatchObject({ event: 'error', sender: 'recorder', code: 400 })
    client.send({ command: 'history', speaker: 's', text: 'still here' })
    await client.sees('addHistory')
    await client.hangup()
  })

  test('never leads through a symbolic link', async () => {
    const outside = join(gateway.directory, 'outside')
    await mkdir(outside)
    await mkdir(join(gateway.directory, 'recordings'), { recursive: true })
    await symlink(outside, join(gateway.directory, 'recordings/door'))
    const recorder = { recorderFile: 'door/x' }
    const client = await WireClient.call(gateway.url, { recorder })
    expect(await client.sees('error')).toMatchObject({ sender: 'recorder', code: 400 })
    await client.hangup()
    expect(await readdir(outside)).toEqual([])
  })

  test('may have folders and the id, and gets a number when it is taken', async () => {
    const recorder = { recorderFile: 'sales/{id} é' }
    const files = []
    for (let i = 0; i < 2; i += 1) {
      const client = await WireClient.call(gateway.url, { recorder }, '/call?id=-a:b')
      await client.hangup()
      files.push((await recordOf('-a:b')).recording?.file)
      const response = await download('-a:b')
      expect(response.status).toBe(200)
      expect(response.headers.get('content-disposition')).toContain(
        "filename*=UTF-8''_-a_b%20%C3%A9",
      )
    }
    expect(files).toEqual(['sales/_-a_b é.wav', 'sales/_-a_b é-2.wav'])
  })
})

test('a muted track is recorded as silence', async () => {
  const client = await WireClient.call(gateway.url, { recorder: true }, '/call?id=muted')
  client.send({ command: 'mute' })
  client.send({ command: 'play', url: 'tone-440.wav' })
  await speak(client, tone(1000, 400))
  client.send({ command: 'unmute', trackId: 'muted' })
  client.send({ command: 'history', speaker: 's', text: 'unmuted' })
  await client.sees('addHistory')
  await speak(client, tone(1000, 400))
  await client.hangup()
  await recordOf('muted')
  const [left, right] = channels(await (await download('muted')).bytes())
  expect(loudMs(left)).toBeGreaterThan(360)
  expect(loudMs(left)).toBeLessThan(440)
  expect(right.every((sample) => sample === 0)).toBe(true)
})

const canMount = process.getuid?.() === 0 && Bun.which('mount') !== null

// Each of these takes a few seconds of audio: they run side by side.
describe.concurrent('in the long run', () => {
  test('a recording can be had while the call is live, and a player sees a whole file', async () => {
    const client = await WireClient.call(gateway.url, { recorder: {} }, '/call?id=live')
    await speak(client, tone(440, 2700))
    const response = await download('live')
    const wav = Buffer.from(await response.bytes())
    expect(response.status).toBe(200)
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44)
    expect(wav.length).toBeGreaterThan(RATE / 2)
    await client.hangup()
  })

  test.skipIf(!canMount)(
    'a disk that is full ends the recording, not the call (needs root and mount)',
    async () => {
      await using other = await startGateway()
      const directory = join(other.directory, 'recordings')
      await mkdir(directory)
      const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', directory])
      expect(mount.status).toBe(0)
      try {
        const client = await WireClient.call(other.url, { recorder: true }, '/call?id=full')
        await speak(client, tone(440, 3300))
        const error = await client.sees('error')
        expect(error).toMatchObject({ sender: 'recorder', code: 507 })
        expect(error.error).toContain('the disk is full')
        await client.hangup()
        const wav = Buffer.from(await (await fetch(`${other.url}/calls/full/recording`)).bytes())
        expect(wav.readUInt32LE(40)).toBe(wav.length - 44)
        expect(wav.length).toBeGreaterThan(16_000)
        expect(client.events.filter(({ event }) => event === 'error')).toHaveLength(1)
      } finally {
        spawnSync('umount', ['-l', directory])
      }
    },
  )

  test.skipIf(!canMount)('a disk that is read-only too (needs root and mount)', async () => {
    await using other = await startGateway()
    const directory = join(other.directory, 'recordings')
    await mkdir(directory)
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', directory])
    try {
      const client = await WireClient.call(other.url, { recorder: true }, '/call?id=ro')
      expect(await client.sees('error')).toMatchObject({ sender: 'recorder', code: 507 })
      await client.hangup()
      expect((await fetch(`${other.url}/calls/ro/recording`)).status).toBe(404)
    } finally {
      spawnSync('umount', ['-l', directory])
    }
  })
})
