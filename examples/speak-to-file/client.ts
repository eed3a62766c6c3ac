/** Calls the gateway, lets it speak a sentence, and keeps what it hears in hello.wav. */
const { argv } = process
const text = argv[2] ?? 'Hello! You are listening to your own voice gateway.'
const file = argv[3] ?? 'hello.wav'
const ws = new WebSocket(process.env['BUNPBX_URL'] ?? 'ws://localhost:8080/call')
ws.binaryType = 'arraybuffer'
const heard: Uint8Array[] = []

ws.onopen = () => {
  ws.send(JSON.stringify({ command: 'invite', option: { codec: 'pcm' } }))
  ws.send(JSON.stringify({ command: 'tts', text, autoHangup: true }))
}
ws.onmessage = ({ data }) => {
  if (typeof data === 'string') console.log(data)
  else heard.push(new Uint8Array(data))
}
ws.onerror = () => console.error(`nobody answers at ${ws.url}: is the gateway running?`)
ws.onclose = async () => {
  const audio = Buffer.concat(heard)
  await Bun.write(file, Buffer.concat([wavHeader(audio.length), audio]))
  console.log(`${file}: ${(audio.length / 32_000).toFixed(1)} seconds`)
}

/** The 44 bytes before 16-bit mono PCM at 16 kHz. */
function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.from(
    'RIFF....WAVEfmt \u0010\0\0\0\u0001\0\u0001\0............data....',
    'latin1',
  )
  header.writeUInt32LE(36 + dataBytes, 4)
  header.writeUInt32LE(16_000, 24)
  header.writeUInt32LE(32_000, 28)
  header.writeUInt32LE(0x0010_0002, 32)
  header.writeUInt32LE(dataBytes, 40)
  return header
}

export {}
