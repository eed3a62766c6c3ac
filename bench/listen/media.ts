import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { wavHeader } from '#audio/wav-writer.ts'
import { pinkNoise } from '../../test/audio/noise.ts'

const RATE = 16_000

/** The files that the calls play. */
export async function writeMedia(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const tone = [{ frequencyHz: 440, levelDb: -12 }]
  await write(directory, 'tone.wav', new ToneGenerator(RATE, tone).generate(10_000))
  const loud = [
    { frequencyHz: 330, levelDb: -6 },
    { frequencyHz: 495, levelDb: -6 },
  ]
  await write(directory, 'loud.wav', new ToneGenerator(RATE, loud).generate(3_000))
  const room = pinkNoise(RATE * 4, 1).map((sample) => sample * 0.05 * 32_768)
  await write(directory, 'room.wav', Int16Array.from(room))
}

function write(directory: string, name: string, samples: Int16Array): Promise<number> {
  const bytes = new Uint8Array(samples.slice().buffer)
  const header = wavHeader({ sampleRate: RATE, channels: 1, dataBytes: bytes.length })
  return Bun.write(join(directory, name), [header, bytes])
}
