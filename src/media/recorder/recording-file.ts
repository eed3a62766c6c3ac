import { writeSync } from 'node:fs'

/** A file that a recording is written into. It can be read at any time, also after a crash. */
export interface RecordingFile {
  /** Bytes and samples per channel that are in the file. */
  readonly bytes: number
  readonly samples: number
  /** Appends samples of both channels, of the same number. Throws what the file system throws. */
  write(left: Int16Array, right: Int16Array): void
  /**
   * Makes the file what it says it is, also after `write` has thrown, and closes it. Harmless to call
   * twice, also when it has thrown.
   */
  close(): void
}

/** Writes all of `bytes` at `position`; a short write is a full disk, which the next one tells. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written)
  }
}
