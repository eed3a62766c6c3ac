import { findCodec } from '#audio/codec/find-codec.ts'
import { frameSamples, PTIME_MS } from '#audio/frame.ts'
import { Caller } from '../support/caller.ts'

export interface Heard {
  readonly samples: Int16Array
  readonly sampleRate: number
}

/** What a script does in a call: commands, and waiting for events. */
export type Script = (caller: Caller) => Promise<void>

/**
 * Makes a call with `option`, follows `script`, and gives what the client heard, in real time: where
 * no frame came, there is silence. Meanwhile the client sends `speech`, if there is any.
 */
export async function hear(
  url: string,
  option: Record<string, unknown>,
  script: Script,
  speech: readonly Uint8Array[] = [],
): Promise<Heard> {
  const { codec: name = 'pcm', samplerate } = option as { codec?: string; samplerate?: number }
  const codec = findCodec(name, samplerate)
  if (codec === undefined) throw new Error(`no codec ${name}`)
  const decoder = codec.createDecoder()
  const frame = new Int16Array(frameSamples(codec.sampleRate))
  const pieces: { readonly atMs: number; readonly samples: Int16Array }[] = []
  const caller = await Caller.connect(url)
  caller.onAudio = (payload, atMs) => {
    pieces.push({ atMs, samples: frame.slice(0, decoder.decode(payload, frame)) })
  }
  await caller.invite(option)
  const speaking = setInterval(() => {
    const payload = speech[sent]
    if (payload !== undefined) caller.sendAudio(payload)
    sent += 1
  }, PTIME_MS)
  let sent = 0
  await script(caller)
  clearInterval(speaking)
  await caller.hangup()
  decoder.close()
  return { samples: lay(pieces, codec.sampleRate), sampleRate: codec.sampleRate }
}

/** Puts pieces on a line by their arrival; what follows within two frames goes on without a gap. */
function lay(
  pieces: readonly { readonly atMs: number; readonly samples: Int16Array }[],
  sampleRate: number,
): Int16Array {
  const startMs = pieces[0]?.atMs ?? 0
  const line: number[] = []
  for (const { atMs, samples } of pieces) {
    const missing = ((atMs - startMs) * sampleRate) / 1000 - line.length
    if (missing > (3 * PTIME_MS * sampleRate) / 1000) {
      line.push(...new Array<number>(Math.round(missing)).fill(0))
    }
    line.push(...samples)
  }
  return Int16Array.from(line)
}
