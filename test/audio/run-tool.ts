/** What `command` writes to its standard output when it reads `input`. */
export async function runTool(command: string[], input: Uint8Array): Promise<Uint8Array> {
  const tool = Bun.spawn(command, { stdin: input, stdout: 'pipe', stderr: 'pipe' })
  const [output, messages, code] = await Promise.all([
    tool.stdout.bytes(),
    tool.stderr.text(),
    tool.exited,
  ])
  if (code !== 0) throw new Error(`${command.join(' ')} exits with ${code}: ${messages}`)
  return output
}

/** The bytes of `samples`, little-endian. */
export function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
}

/** Little-endian bytes as samples. */
export function samplesOf(bytes: Uint8Array): Int16Array {
  return new Int16Array(bytes.slice().buffer, 0, bytes.length >> 1)
}
