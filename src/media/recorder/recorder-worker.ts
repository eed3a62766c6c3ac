/** The Worker that writes the recordings of all calls. Speaks `RecorderRequest` and `RecorderReply`. */
import { closeSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AudioBatch, type AudioRecord } from '../audio-batch.ts'
import { type CreatedFile, createRecordingFile, diskError } from './create-recording-file.ts'
import { OggRecording } from './ogg-recording.ts'
import type { RecorderReply, RecorderRequest, RecordingPlan } from './recorder-message.ts'
import { Recording } from './recording.ts'
import type { RecordingFile } from './recording-file.ts'
import { WavRecording } from './wav-recording.ts'

declare const self: {
  onmessage: ((event: MessageEvent<RecorderRequest>) => void) | null
  postMessage(message: RecorderReply, transfer?: ArrayBuffer[]): void
}

interface OpenRecording {
  readonly recording: Recording
  readonly file: string
}

const recordings = new Map<number, OpenRecording>()

function open({ id, directory, plan, startMs }: Extract<RecorderRequest, { type: 'open' }>): void {
  const { name, sampleRate } = plan
  try {
    const created = createRecordingFile(directory, name)
    const { file } = created
    const target = begin(directory, created, plan)
    recordings.set(id, { recording: new Recording(target, sampleRate, startMs), file })
    self.postMessage({ type: 'opened', id, file })
  } catch (error) {
    const { code, message } = diskError(error, name)
    self.postMessage({ type: 'failed', id, code, message })
  }
}

/** Writes the head of the file; one that has no room for it is not left behind. */
function begin(
  directory: string,
  { fd, file }: CreatedFile,
  { format, sampleRate }: RecordingPlan,
): RecordingFile {
  try {
    return format === 'ogg' ? new OggRecording(fd, sampleRate) : new WavRecording(fd, sampleRate)
  } catch (error) {
    closeSync(fd)
    rmSync(join(directory, file), { force: true })
    throw error
  }
}

/** Gives up a recording that cannot be written; what there is of it is kept. */
function fail(id: number, error: unknown): void {
  const failed = recordings.get(id)
  if (failed === undefined) return
  recordings.delete(id)
  const { code, message } = diskError(error, failed.file)
  try {
    const totals = failed.recording.close()
    self.postMessage({ type: 'failed', id, code, message, totals })
  } catch {
    self.postMessage({ type: 'failed', id, code, message })
  }
}

function take(buffer: ArrayBuffer, nowMs: number): void {
  new AudioBatch(buffer).read((record: AudioRecord) => {
    const id = record.streamId >> 1
    try {
      recordings.get(id)?.recording.push(record, (record.streamId & 1) === 1)
    } catch (error) {
      fail(id, error)
    }
  })
  for (const [id, { recording }] of recordings) {
    try {
      recording.advance(nowMs)
    } catch (error) {
      fail(id, error)
    }
  }
  self.postMessage({ type: 'taken', buffer }, [buffer])
}

function close(id: number, endMs: number): void {
  const recording = recordings.get(id)?.recording
  if (recording === undefined) return
  try {
    recording.finish(endMs)
    const totals = recording.close()
    recordings.delete(id)
    self.postMessage({ type: 'closed', id, totals })
  } catch (error) {
    fail(id, error)
  }
}

self.onmessage = ({ data }) => {
  switch (data.type) {
    case 'open':
      open(data)
      break
    case 'audio':
      take(data.buffer, data.nowMs)
      break
    case 'close':
      close(data.id, data.endMs)
      break
  }
}
