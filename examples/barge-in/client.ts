/**
 * Plays the part of a caller who interrupts: lets the gateway read a long text, speaks over it from
 * a file, and interrupts as an agent would, as soon as the gateway reports `speaking`.
 */
const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: bun client.ts SPEECH.wav (16 kHz, 16 bit, mono)')
const speech = new Uint8Array(await Bun.file(file).arrayBuffer()).subarray(44)
const FRAME_BYTES = 640

const ws = new WebSocket(process.env['BUNPBX_URL'] ?? 'ws://localhost:8080/call')
const send = (command: object) => ws.send(JSON.stringify(command))
let speakingAt = 0

ws.onopen = () => {
  send({ command: 'invite', option: { codec: 'pcm' } })
  send({ command: 'tts', text: 'One moment, I will read you the whole contract. '.repeat(20) })
  setTimeout(speak, 2_000)
}
ws.onmessage = ({ data }) => {
  if (typeof data !== 'string') return
  console.log(data)
  const event = JSON.parse(data)
  if (event.event === 'speaking') send({ command: 'interrupt' })
  if (event.event === 'interruption') {
    console.log(`silent ${Date.now() - speakingAt} ms after the caller began to speak`)
    send({ command: 'hangup' })
  }
}

function speak(): void {
  speakingAt = Date.now()
  let offset = 0
  const timer = setInterval(() => {
    const isOver = offset >= speech.length || ws.readyState !== WebSocket.OPEN
    if (isOver) return clearInterval(timer)
    ws.send(speech.subarray(offset, offset + FRAME_BYTES))
    offset += FRAME_BYTES
  }, 20)
}

export {}
