/** Has a call recorded, draws both sides of it when it is over, and downloads the recording. */
interface Recording {
  file: string
  durationMs: number
  peaks?: { left: number[]; right: number[] }
}

const [format = 'ogg'] = process.argv.slice(2)
const socketUrl = new URL(process.env['BUNPBX_URL'] ?? 'ws://localhost:8080/call')
const id = `recorded-${Date.now()}`
socketUrl.searchParams.set('id', id)
const ws = new WebSocket(socketUrl)
const send = (command: object) => ws.send(JSON.stringify(command))

ws.onopen = () => {
  send({ command: 'invite', option: { codec: 'pcm', recorder: { format } } })
  send({ command: 'tts', text: 'This call is recorded. Please hum.', playId: 'notice' })
}
ws.onmessage = async ({ data }) => {
  if (typeof data !== 'string') return
  console.log(data)
  const { event, playId } = JSON.parse(data)
  if (event !== 'trackEnd' || playId !== 'notice') return
  for (let i = 0; i < 100; i++) {
    ws.send(hum(i * 320, 320))
    await Bun.sleep(20)
  }
  send({ command: 'hangup' })
}
ws.onerror = () => console.error(`nobody answers at ${socketUrl}: is the gateway running?`)
ws.onclose = async ({ code }) => {
  if (code !== 1000) return
  // The file is complete a moment after the call is over, and then the record has its peaks.
  let recording = await readRecording()
  while (recording?.peaks === undefined) {
    await Bun.sleep(100)
    recording = await readRecording()
  }
  const { file, durationMs, peaks } = recording
  console.log(`left, the caller  ${draw(peaks.left)}\nright, our side   ${draw(peaks.right)}`)
  await Bun.write(file, await get(`/calls/${id}/recording`))
  console.log(`${file}: ${(durationMs / 1_000).toFixed(1)} seconds`)
}

/** What the call's record says of the recording. */
async function readRecording(): Promise<Recording | undefined> {
  const call = (await (await get(`/calls/${id}`)).json()) as { recording?: Recording }
  return call.recording
}

/** A file of the server, with the API key that the URL of the socket may hold. */
function get(path: string): Promise<Response> {
  const url = new URL(path, socketUrl.href.replace(/^ws/, 'http'))
  const token = socketUrl.searchParams.get('token')
  return fetch(url, { headers: token === null ? {} : { authorization: `Bearer ${token}` } })
}

/** A caller who hums: 16-bit PCM at 16 kHz. */
function hum(position: number, samples: number): Int16Array {
  const angle = (2 * Math.PI * 220) / 16_000
  return Int16Array.from({ length: samples }, (_, i) => 8_000 * Math.sin(angle * (position + i)))
}

/** Peaks of 0 to 255 as sixty characters. */
function draw(peaks: number[]): string {
  return Array.from({ length: 60 }, (_, i) => {
    const [from, to] = [i, i + 1].map((edge) => Math.floor((edge * peaks.length) / 60))
    return ' ▁▂▃▄▅▆▇█'[Math.ceil(Math.max(0, ...peaks.slice(from, to)) / 32)]
  }).join('')
}

export {}
