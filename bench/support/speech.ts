import { findCodec } from '#audio/codec/find-codec.ts'
import { frameSamples } from '#audio/frame.ts'

const FIXTURES = `${import.meta.dir}/../../test/fixtures/vad`

/** Real speech with pauses, as payloads of 20 ms in a codec of 8 kHz. */
export async function speechFrames(name: 'pcmu' | 'pcma'): Promise<Uint8Array[]> {
  const codec = findCodec(name)
  if (codec === undefined) throw new Error(`no codec ${name}`)
  const bytes = await Bun.file(`${FIXTURES}/goforward-8k.s16le`).arrayBuffer()
  const speech = new Int16Array(bytes)
  const pause = new Int16Array(codec.sampleRate)
  const samples = Int16Array.from([...speech, ...pause])
  const encoder = codec.createEncoder()
  const size = frameSamples(codec.sampleRate)
  const frames: Uint8Array[] = []
  for (let i = 0; i + size <= samples.length; i += size) {
    const payload = new Uint8Array(codec.maxFrameBytes)
    encoder.encode(samples.subarray(i, i + size), payload)
    frames.push(payload)
  }
  return frames
}
