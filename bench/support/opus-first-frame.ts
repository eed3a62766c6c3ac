/** Prints the milliseconds that the first frame of this process takes; with `warm`, after a warm-up. */
import { createOpusCodec } from '#audio/codec/opus.ts'
import { warmUpOpus } from '#audio/codec/opus-warm-up.ts'

if (process.argv[2] === 'warm') warmUpOpus()
await Bun.sleep(300)
const startedMs = performance.now()
const codec = createOpusCodec(48_000)
const payload = new Uint8Array(codec.maxFrameBytes)
const samples = Int16Array.from({ length: 960 }, (_, i) => 9000 * Math.sin(i / 9))
const bytes = codec.createEncoder().encode(samples, payload)
codec.createDecoder().decode(payload.subarray(0, bytes), samples)
console.log(performance.now() - startedMs)
