import { findCodec } from '#audio/codec/find-codec.ts'
import { ConcealingDecoder } from '#audio/concealment/concealing-decoder.ts'
import { frameSamples } from '#audio/frame.ts'
import { Resampler } from '#audio/resampler.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { AutomaticGain } from '#media/automatic-gain.ts'
import { DenoiseStream } from '#media/denoise/denoise-stream.ts'
import { Rnnoise } from '#media/denoise/rnnoise.ts'
import { atLevel, mix, pinkNoise } from '../../test/audio/noise.ts'
import { seededRandom } from '../../test/support/seeded-random.ts'
import type { Heard } from './hear.ts'
import type { Sample } from './index-page.ts'

const RATE = 16_000
const FIXTURES = new URL('../../test/fixtures/', import.meta.url)

async function fixture(name: string): Promise<Int16Array> {
  return new Int16Array(await Bun.file(new URL(name, FIXTURES)).arrayBuffer())
}

/** What the parts make of speech, without a call. */
export async function* offlineSamples(): AsyncGenerator<Sample> {
  yield {
    name: '00-control',
    heard: { samples: broken(), sampleRate: RATE },
    listenFor: 'How clicks and a hole sound; the search must find four and one.',
  }
  const voice = await fixture('audio/speech-16k.s16le')
  const reader = repeat(await fixture('vad/austen-16k.s16le'), 3)
  for (const name of ['pcmu', 'g722', 'opus']) {
    for (const percent of [5, 10, 20]) {
      yield {
        name: `20-loss-${name}-${String(percent).padStart(2, '0')}`,
        heard: withLoss(name, reader, percent),
        listenFor: `${percent} % of the packets are lost: rough at worst, no holes and no clicks.`,
      }
    }
  }
  yield {
    name: '21-resampled',
    heard: {
      samples: resample(resample(resample(voice, RATE, 8000), 8000, 48_000), 48_000, RATE),
      sampleRate: RATE,
    },
    listenFor: 'Down to telephone quality and back by way of 48 kHz: dull, but at its pitch.',
  }
  const noise = atLevel(pinkNoise(reader.length), -36)
  const noisy = mix(reader, noise)
  yield {
    name: '22-noise-before',
    heard: { samples: noisy, sampleRate: RATE },
    listenFor: 'A reader in noise.',
  }
  yield {
    name: '22-noise-after',
    heard: { samples: await denoised(noisy), sampleRate: RATE },
    listenFor: 'The same reader with hardly any noise; the beginnings of words are there.',
  }
  const quiet = atLevel(reader, -48)
  yield {
    name: '23-gain-before',
    heard: { samples: quiet, sampleRate: RATE },
    listenFor: 'A reader far away.',
  }
  yield {
    name: '23-gain-after',
    heard: { samples: amplified(quiet), sampleRate: RATE },
    listenFor: 'The same reader, who comes near within three seconds and stays there.',
  }
}

/** A tone that is cut without a fade at 0.5 s and goes on at 0.9 s, with a hole at 1.5 s. */
function broken(): Int16Array {
  const tone = new ToneGenerator(RATE, [{ frequencyHz: 440, levelDb: -12 }]).generate(2_000)
  tone.fill(0, 0.5 * RATE + 9, 0.9 * RATE + 9)
  tone.fill(0, 1.5 * RATE + 9, 1.52 * RATE + 9)
  return tone
}

function repeat(samples: Int16Array, times: number): Int16Array {
  const all = new Int16Array(samples.length * times)
  for (let i = 0; i < times; i += 1) all.set(samples, i * samples.length)
  return all
}

function resample(samples: Int16Array, from: number, to: number): Int16Array {
  return new Resampler(from, to).resample(samples).slice()
}

function withLoss(name: string, speech: Int16Array, percent: number): Heard {
  const codec = findCodec(name)
  if (codec === undefined) throw new Error(`no codec ${name}`)
  const { sampleRate } = codec
  const samples = sampleRate === RATE ? speech : resample(speech, RATE, sampleRate)
  const size = frameSamples(sampleRate)
  const encoder = codec.createEncoder()
  if ('expectedLossPercent' in encoder) encoder.expectedLossPercent = percent
  const payload = new Uint8Array(codec.maxFrameBytes)
  const packets = Array.from({ length: Math.floor(samples.length / size) }, (_, i) =>
    payload.slice(0, encoder.encode(samples.subarray(i * size, (i + 1) * size), payload)),
  )
  const random = seededRandom(percent)
  const isLost = packets.map(() => random() < percent / 100)
  const decoder = new ConcealingDecoder(codec.createDecoder())
  const heard = new Int16Array(packets.length * size)
  for (const [i, packet] of packets.entries()) {
    const frame = heard.subarray(i * size, (i + 1) * size)
    if (isLost[i]) decoder.conceal(frame, isLost[i + 1] ? undefined : packets[i + 1])
    else decoder.decode(packet, frame)
  }
  encoder.close()
  decoder.close()
  return { samples: heard, sampleRate }
}

async function denoised(samples: Int16Array): Promise<Int16Array> {
  const stream = new DenoiseStream(await Rnnoise.load(), RATE)
  const size = frameSamples(RATE)
  const cleaned: number[] = []
  for (let at = 0; at + size <= samples.length; at += size) {
    stream.push(samples.subarray(at, at + size), (out) => void cleaned.push(...out))
  }
  stream.close()
  return Int16Array.from(cleaned)
}

function amplified(samples: Int16Array): Int16Array {
  const gain = new AutomaticGain()
  const size = frameSamples(RATE)
  const out = new Int16Array(samples.length)
  for (let at = 0; at + size <= samples.length; at += size) {
    const frame = { samples: samples.subarray(at, at + size), sampleRate: RATE, position: at }
    gain.process(frame, (louder) => out.set(louder.samples, at))
  }
  return out
}
