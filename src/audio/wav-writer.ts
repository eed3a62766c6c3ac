const HEADER_BYTES = 44
const UNKNOWN_SIZE = 0xffff_ffff

export interface WavHeaderOptions {
  readonly sampleRate: number
  readonly channels: number
  /** Bytes of samples that follow. Leave it out for a stream of unknown length. */
  readonly dataBytes?: number
}

/**
 * The 44 bytes that stand before 16-bit little-endian PCM in a WAV file. A stream of unknown length
 * says 0xFFFFFFFF, which readers take as "to the end"; write the header again when it is known.
 */
export function wavHeader({ sampleRate, channels, dataBytes }: WavHeaderOptions): Uint8Array {
  const dataSize = Math.min(dataBytes ?? UNKNOWN_SIZE, UNKNOWN_SIZE)
  const blockBytes = channels * 2
  const header = new DataView(new ArrayBuffer(HEADER_BYTES))
  setTag(header, 0, 'RIFF')
  header.setUint32(4, Math.min(HEADER_BYTES - 8 + dataSize, UNKNOWN_SIZE), true)
  setTag(header, 8, 'WAVE')
  setTag(header, 12, 'fmt ')
  header.setUint32(16, 16, true)
  header.setUint16(20, 1, true)
  header.setUint16(22, channels, true)
  header.setUint32(24, sampleRate, true)
  header.setUint32(28, sampleRate * blockBytes, true)
  header.setUint16(32, blockBytes, true)
  header.setUint16(34, 16, true)
  setTag(header, 36, 'data')
  header.setUint32(40, dataSize, true)
  return new Uint8Array(header.buffer)
}

function setTag(view: DataView, offset: number, tag: string): void {
  for (let i = 0; i < tag.length; i += 1) view.setUint8(offset + i, tag.charCodeAt(i))
}
