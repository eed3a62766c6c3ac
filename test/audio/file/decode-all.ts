import type { DecodedAudio, FileDecoder } from '#audio/file/file-decoder.ts'

/** A file of test/fixtures/play. */
export async function playFixture(name: string): Promise<Uint8Array> {
  return Bun.file(`${import.meta.dir}/../../fixtures/play/${name}`).bytes()
}

/** All that a decoder makes of a file that comes in `pieces`; closes it. */
export async function decodeAll(
  decoder: FileDecoder,
  pieces: Iterable<Uint8Array>,
): Promise<DecodedAudio[]> {
  const audio: DecodedAudio[] = []
  try {
    for (const piece of pieces) audio.push(...(await decoder.decode(piece)))
    audio.push(...(await decoder.flush()))
  } finally {
    decoder.close()
  }
  return audio
}

/** Seconds of audio. */
export function seconds(audio: readonly DecodedAudio[]): number {
  return audio.reduce((sum, { samples, sampleRate }) => sum + samples.length / sampleRate, 0)
}
