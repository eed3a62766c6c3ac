import { type FileHandle, open } from 'node:fs/promises'
import { CHECKSUM_OFFSET, oggChecksum } from '#audio/file/ogg-checksum.ts'
import { OggPageReader } from '#audio/file/ogg-page-reader.ts'
import { wavHeader } from '#audio/wav-writer.ts'
import type { RecordingTotals } from './recorder-message.ts'

const WAV_HEADER_BYTES = 44
const CHANNELS = 2
const BLOCK_BYTES = 2 * CHANNELS
const CHUNK_BYTES = 65_536
const FLAGS_OFFSET = 5
const FLAG_LAST = 0x04
const GRANULE_OFFSET = 6
/** RFC 7845 §5.1, in the first page's body. */
const PRE_SKIP_OFFSET = 10

/**
 * Makes a recording whole whose writer died: its header says how long it is, and half of a piece
 * at its end is cut off. One that is whole stays as it is. Its times stay, which say how old it is.
 * Undefined for a file that is no recording of ours, which is left alone.
 */
export async function repairRecording(path: string): Promise<RecordingTotals | undefined> {
  const file = await open(path, 'r+')
  try {
    const { atime, mtime } = await file.stat()
    const totals = await repair(file)
    await file.utimes(atime, mtime)
    return totals
  } finally {
    await file.close()
  }
}

async function repair(file: FileHandle): Promise<RecordingTotals | undefined> {
  const head = await readAt(file, 0, WAV_HEADER_BYTES)
  const tag = head.subarray(0, 4).toString('latin1')
  if (tag === 'RIFF' && head.length === WAV_HEADER_BYTES) return repairWav(file, head)
  if (tag === 'OggS') return repairOgg(file)
  return undefined
}

async function repairWav(file: FileHandle, head: Buffer): Promise<RecordingTotals | undefined> {
  const sampleRate = head.readUInt32LE(24)
  if (head.readUInt16LE(22) !== CHANNELS || sampleRate === 0) return undefined
  const { size } = await file.stat()
  const samples = Math.floor((size - WAV_HEADER_BYTES) / BLOCK_BYTES)
  const dataBytes = samples * BLOCK_BYTES
  const bytes = WAV_HEADER_BYTES + dataBytes
  await file.truncate(bytes)
  await file.write(wavHeader({ sampleRate, channels: CHANNELS, dataBytes }), 0, undefined, 0)
  return { bytes, durationMs: Math.round((samples * 1000) / sampleRate) }
}

async function repairOgg(file: FileHandle): Promise<RecordingTotals | undefined> {
  const reader = new OggPageReader()
  let bytes = 0
  let last: Buffer | undefined
  let preSkip = 0
  for (let at = 0; ; at += CHUNK_BYTES) {
    const chunk = await readAt(file, at, CHUNK_BYTES)
    reader.push(chunk)
    for (let page = reader.next(); page !== undefined; page = reader.next()) {
      // What follows a damaged page is not ours: a crash only damages the end.
      if (reader.stats.skippedBytes > 0) break
      if (page.isFirst) preSkip = Buffer.from(page.body).readUInt16LE(PRE_SKIP_OFFSET)
      bytes += page.bytes.length
      last = Buffer.from(page.bytes)
    }
    if (chunk.length < CHUNK_BYTES || reader.stats.skippedBytes > 0) break
  }
  if (last === undefined) return undefined
  last.writeUInt8(last.readUInt8(FLAGS_OFFSET) | FLAG_LAST, FLAGS_OFFSET)
  last.writeUInt32LE(oggChecksum(last), CHECKSUM_OFFSET)
  await file.truncate(bytes)
  await file.write(last, 0, undefined, bytes - last.length)
  const granules = Math.max(0, Number(last.readBigUInt64LE(GRANULE_OFFSET)) - preSkip)
  return { bytes, durationMs: Math.round(granules / 48) }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  return buffer.subarray(0, bytesRead)
}
