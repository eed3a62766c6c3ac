/** A FLAC file to make: samples by channel, and what its headers say. */
export interface FlacFields {
  readonly channels: readonly Int32Array[]
  readonly sampleRate: number
  readonly bits: number
  /** Lengths of the blocks, taken round and round; more than one makes a variable block size. */
  readonly blockSizes?: readonly number[]
  /** What STREAMINFO says of the length; the truth unless said, 0 for unknown. */
  readonly totalSamples?: number
  /** Further metadata blocks. */
  readonly metadata?: readonly { readonly type: number; readonly body: Uint8Array }[]
}

/**
 * FLAC (RFC 9639) without any compression: every subframe is verbatim. The MD5 sum is absent, which
 * is zeros.
 */
export function flacFile(fields: FlacFields): Uint8Array {
  const { metadata = [], blockSizes = [4096] } = fields
  const blocks = [{ type: 0, body: streamInfo(fields) }, ...metadata]
  const headers = blocks.map(({ type, body }, i) => {
    const last = i === blocks.length - 1 ? 0x80 : 0
    const size = [body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff]
    return Buffer.concat([Uint8Array.of(last | type, ...size), body])
  })
  const frames: Uint8Array[] = []
  const total = fields.channels[0]?.length ?? 0
  for (let at = 0, i = 0; at < total; i += 1) {
    const size = Math.min(blockSizes[i % blockSizes.length]!, total - at)
    frames.push(frame(fields, { at, size, number: blockSizes.length > 1 ? at : i }))
    at += size
  }
  return Uint8Array.from(Buffer.concat([Buffer.from('fLaC'), ...headers, ...frames]))
}

/** RFC 9639 §8.2. */
function streamInfo({ channels, sampleRate, bits, totalSamples, ...rest }: FlacFields): Uint8Array {
  const sizes = rest.blockSizes ?? [4096]
  const writer = new BitWriter()
  writer.put(16, Math.min(...sizes))
  writer.put(16, Math.max(...sizes))
  writer.put(24, 0)
  writer.put(24, 0)
  writer.put(20, sampleRate)
  writer.put(3, channels.length - 1)
  writer.put(5, bits - 1)
  writer.put(4, 0)
  writer.put(32, totalSamples ?? channels[0]?.length ?? 0)
  return Uint8Array.from([...writer.bytes, ...new Uint8Array(16)])
}

interface Block {
  readonly at: number
  readonly size: number
  /** Of the frame, or of its first sample when the block size varies. */
  readonly number: number
}

/** RFC 9639 §9: rate and sample size are those of STREAMINFO. */
function frame(fields: FlacFields, { at, size, number }: Block): Uint8Array {
  const { channels, bits, blockSizes = [] } = fields
  const writer = new BitWriter()
  writer.put(16, blockSizes.length > 1 ? 0xfff9 : 0xfff8)
  writer.put(4, 0b0111)
  writer.put(4, 0)
  writer.put(4, channels.length - 1)
  writer.put(4, 0)
  for (const byte of codedNumber(number)) writer.put(8, byte)
  writer.put(16, size - 1)
  writer.put(8, checksum(writer.bytes, 8, 0x07))
  for (const samples of channels) {
    writer.put(8, 0b0000_0010)
    for (let i = at; i < at + size; i += 1) writer.put(bits, samples[i]!)
  }
  writer.align()
  writer.put(16, checksum(writer.bytes, 16, 0x8005))
  return Uint8Array.from(writer.bytes)
}

/** RFC 9639 §9.1.5: like UTF-8. */
function codedNumber(value: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(value))
}

function checksum(bytes: readonly number[], width: number, polynomial: number): number {
  const top = 1 << (width - 1)
  const mask = (1 << width) - 1
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << (width - 8)
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & top ? polynomial : 0)
    crc &= mask
  }
  return crc
}

/** Most significant bit first. */
class BitWriter {
  readonly bytes: number[] = []
  #bits = 0
  #held = 0

  put(count: number, value: number): void {
    for (let bit = count - 1; bit >= 0; bit -= 1) {
      this.#held = (this.#held << 1) | ((value >> bit) & 1)
      this.#bits += 1
      if (this.#bits === 8) this.#flush()
    }
  }

  align(): void {
    while (this.#bits > 0) this.put(1, 0)
  }

  #flush(): void {
    this.bytes.push(this.#held)
    this.#bits = 0
    this.#held = 0
  }
}
