import { bench, group, run } from 'mitata'
import { findCodec } from '#audio/codec/find-codec.ts'
import { frameSamples } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'

// Each figure is the cost of one 20 ms frame of one stream.

const FRAMES = 50
const OWN_RATES = [8000, 16_000, 24_000, 48_000]
const FILE_RATES = [11_025, 22_050, 44_100]

/** A second of two tones with a little noise, cut into frames, so that no branch is always right. */
function frames(sampleRate: number): Int16Array[] {
  const tones = [
    { frequencyHz: 433, levelDb: -12 },
    { frequencyHz: 2900, levelDb: -20 },
  ]
  const second = new ToneGenerator(sampleRate, tones)
    .generate(1000)
    .map((sample) => sample + 200 * Math.random() - 100)
  const size = Math.floor(frameSamples(sampleRate))
  return Array.from({ length: FRAMES }, (_, i) => second.subarray(i * size, (i + 1) * size))
}

group('codec', () => {
  for (const name of ['pcm', 'pcmu', 'pcma', 'g722']) {
    const codec = findCodec(name)
    if (codec === undefined) throw new Error(`no codec ${name}`)
    const encoder = codec.createEncoder()
    const decoder = codec.createDecoder()
    const inputs = frames(codec.sampleRate)
    const payloads = inputs.map((samples) => {
      const payload = new Uint8Array(codec.maxFrameBytes)
      encoder.encode(samples, payload)
      return payload
    })
    const payload = new Uint8Array(codec.maxFrameBytes)
    const samples = new Int16Array(frameSamples(codec.sampleRate))
    let turn = 0
    bench(`${name} encode`, () => {
      turn = (turn + 1) % FRAMES
      return encoder.encode(inputs[turn]!, payload)
    })
    bench(`${name} decode`, () => {
      turn = (turn + 1) % FRAMES
      return decoder.decode(payloads[turn]!, samples)
    })
  }
})

group('resampler', () => {
  for (const from of [...OWN_RATES, ...FILE_RATES]) {
    const inputs = frames(from)
    for (const to of OWN_RATES) {
      if (from === to) continue
      const resampler = new Resampler(from, to)
      let turn = 0
      bench(`${from} -> ${to}`, () => {
        turn = (turn + 1) % FRAMES
        return resampler.resample(inputs[turn]!)
      })
    }
  }
})

await run()
