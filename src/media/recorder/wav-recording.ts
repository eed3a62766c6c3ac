import { closeSync, ftruncateSync } from 'node:fs'
import { wavHeader } from '#audio/wav-writer.ts'
import { RecorderError } from './recorder-error.ts'
import { type RecordingFile, writeAll } from './recording-file.ts'

const CHANNELS = 2
const BLOCK_BYTES = 2 * CHANNELS
/** A WAV file counts its bytes in 32 bits: six hours at 48 kHz, 37 at 8 kHz. */
const MAX_BYTES = 0xffff_ffff

/** Stereo PCM. The header is written again after every piece, so that it is always true. */
export class WavRecording implements RecordingFile {
  readonly #fd: number
  readonly #sampleRate: number
  readonly #maxBytes: number
  readonly #headerBytes: number
  #dataBytes = 0
  #blocks = new Int16Array(0)
  #isClosed = false

  /** Owns `fd` from here on, unless it throws what the file system throws. */
  constructor(fd: number, sampleRate: number, maxBytes = MAX_BYTES) {
    this.#fd = fd
    this.#sampleRate = sampleRate
    this.#maxBytes = maxBytes
    this.#headerBytes = this.#writeHeader()
  }

  get bytes(): number {
    return this.#headerBytes + this.#dataBytes
  }

  get samples(): number {
    return this.#dataBytes / BLOCK_BYTES
  }

  write(left: Int16Array, right: Int16Array): void {
    const bytes = left.length * BLOCK_BYTES
    if (this.bytes + bytes > this.#maxBytes) {
      throw new RecorderError('too_large', 'the recording is over: a WAV file holds 4 GiB')
    }
    const blocks = this.#interleave(left, right)
    writeAll(this.#fd, new Uint8Array(blocks.buffer, 0, bytes), this.bytes)
    this.#dataBytes += bytes
    this.#writeHeader()
  }

  close(): void {
    // Its number may be that of another file by now.
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      // What a full disk took of a piece that did not fit is no part of it.
      ftruncateSync(this.#fd, this.bytes)
    } finally {
      closeSync(this.#fd)
    }
  }

  #interleave(left: Int16Array, right: Int16Array): Int16Array {
    if (this.#blocks.length < 2 * left.length) this.#blocks = new Int16Array(2 * left.length)
    const blocks = this.#blocks
    for (let i = 0; i < left.length; i += 1) {
      blocks[2 * i] = left[i]!
      blocks[2 * i + 1] = right[i]!
    }
    return blocks
  }

  #writeHeader(): number {
    const sampleRate = this.#sampleRate
    const header = wavHeader({ sampleRate, channels: CHANNELS, dataBytes: this.#dataBytes })
    writeAll(this.#fd, header, 0)
    return header.length
  }
}
