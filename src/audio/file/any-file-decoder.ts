import { AudioError } from '../audio-error.ts'
import { createFileDecoder } from './create-file-decoder.ts'
import type { DecodedAudio, FileDecoder } from './file-decoder.ts'
import { id3Bytes, sniffFormat } from './sniff.ts'

const NO_BYTES = new Uint8Array(0)

/** So many bytes may go by without any audio: room for the largest cover picture in FLAC. */
const MAX_SILENT_BYTES = 20 * 1024 * 1024

/**
 * Decodes a file of any format we know, told by its content. ID3 tags in front of it are skipped,
 * however long they are. A file without any audio is an error.
 */
export class AnyFileDecoder implements FileDecoder {
  #decoder: FileDecoder | undefined
  /** What has come before the format was known. */
  #head = NO_BYTES
  /** How much of it must be there to look at it again; doubles, so that few bytes cost little. */
  #enough = 0
  /** Bytes of a tag that are still to come. */
  #skip = 0
  #hasBytes = false
  #hasAudio = false
  #silentBytes = 0

  decode(chunk: Uint8Array): Promise<readonly DecodedAudio[]> {
    this.#hasBytes ||= chunk.length > 0
    return this.#decode(chunk, false)
  }

  async flush(): Promise<readonly DecodedAudio[]> {
    if (!this.#hasBytes) throw new AudioError('truncated', 'the file is empty')
    const rest = await this.#decode(NO_BYTES, true)
    const last = (await this.#decoder?.flush()) ?? []
    this.#hasAudio ||= last.length > 0
    if (!this.#hasAudio) throw new AudioError('truncated', 'there is no audio in the file')
    return [...rest, ...last]
  }

  close(): void {
    this.#decoder?.close()
  }

  async #decode(chunk: Uint8Array, isWhole: boolean): Promise<readonly DecodedAudio[]> {
    const bytes = this.#decoder === undefined ? this.#begin(chunk, isWhole) : chunk
    if (this.#decoder === undefined || bytes.length === 0) return []
    const audio = await this.#decoder.decode(bytes)
    this.#silentBytes = audio.length > 0 ? 0 : this.#silentBytes + bytes.length
    this.#hasAudio ||= audio.length > 0
    if (this.#silentBytes > MAX_SILENT_BYTES) {
      throw new AudioError('bad_data', `no audio in ${this.#silentBytes} bytes of the file`)
    }
    return audio
  }

  /** Takes bytes until they tell the format; then makes the decoder and gives what is for it. */
  #begin(chunk: Uint8Array, isWhole: boolean): Uint8Array {
    this.#head = Buffer.concat([this.#head, this.#skipFrom(chunk)])
    for (let tag = id3Bytes(this.#head); tag > 0; tag = id3Bytes(this.#head)) {
      this.#skip = tag
      this.#head = this.#skipFrom(this.#head)
    }
    if (this.#skip > 0 && isWhole) {
      throw new AudioError('truncated', 'the file ends within its ID3 tag')
    }
    if (this.#head.length === 0 && isWhole) {
      throw new AudioError('truncated', 'there is nothing but an ID3 tag in the file')
    }
    if (this.#skip > 0 || (this.#head.length < this.#enough && !isWhole)) return NO_BYTES
    this.#enough = 2 * this.#head.length
    const sniffed = sniffFormat(this.#head, isWhole)
    if (sniffed === undefined) return NO_BYTES
    const bytes = this.#head.subarray(sniffed.offset)
    this.#decoder = createFileDecoder(sniffed.format)
    this.#head = NO_BYTES
    return bytes
  }

  /** What of `bytes` is behind the tag. */
  #skipFrom(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const count = Math.min(this.#skip, bytes.length)
    this.#skip -= count
    return bytes.slice(count)
  }
}
