/** The fields of a `fmt ` chunk; 16-bit mono at 8000 Hz unless said. */
export interface FormatFields {
  readonly tag?: number
  readonly channels?: number
  readonly sampleRate?: number
  readonly bits?: number
  readonly blockBytes?: number
  /** What follows the first 16 bytes. */
  readonly extension?: number[]
}

/** A RIFF chunk, padded to an even length. */
export function chunk(tag: string, body: ArrayLike<number>, size = body.length): Uint8Array {
  const bytes = new Uint8Array(8 + body.length + (body.length & 1))
  bytes.set(new TextEncoder().encode(tag))
  new DataView(bytes.buffer).setUint32(4, size, true)
  bytes.set(body, 8)
  return bytes
}

export function format(fields: FormatFields = {}): Uint8Array {
  const { tag = 1, channels = 1, sampleRate = 8000, bits = 16, extension = [] } = fields
  const view = new DataView(new ArrayBuffer(16))
  const blockBytes = fields.blockBytes ?? (channels * bits) / 8
  view.setUint16(0, tag, true)
  view.setUint16(2, channels, true)
  view.setUint32(4, sampleRate, true)
  view.setUint32(8, sampleRate * blockBytes, true)
  view.setUint16(12, blockBytes, true)
  view.setUint16(14, bits, true)
  return chunk('fmt ', [...new Uint8Array(view.buffer), ...extension])
}

/** The rest of a `fmt ` chunk of WAVE_FORMAT_EXTENSIBLE: valid bits, speakers, sub-format. */
export function extensible(tag: number, bits: number, speakers = 0): number[] {
  const guid = [tag, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]
  return [22, 0, bits, 0, speakers & 0xff, speakers >> 8, 0, 0, ...guid]
}

/** A RIFF file of `chunks`, whose outer size says what they are. */
export function wav(...chunks: Uint8Array[]): Uint8Array {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks])
  return Uint8Array.from(Buffer.concat([chunk('RIFF', [], body.length), body]))
}
