/** The Worker that writes the recordings of all calls. Speaks `RecorderRequest` and `RecorderReply`. */
import { AudioBatch, type AudioRecord } from '../audio-batch.ts'
import { createRecordingFile, diskError } from './create-recording-file.ts'
import { OggRecording } from './ogg-recording.ts'
import type { RecorderReply, RecorderRequest } from './recorder-message.ts'
import { Recording } from './recording.ts'
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
  const { name, format, sampleRate } = plan
  try {
    const { fd, file } = createRecordingFile(directory, name)
    const target =
      format === 'ogg' ? new OggRecording(fd, sampleRate) : new WavRecording(fd, sampleRate)
    recordings.set(id, { recording: new Recording(target, sampleRate, startMs), file })
    self.postMessage({ type: 'opened', id, file })
  } catch (error) {
    const { code, message } = diskError(error, name)
    self.postMessage({ type: 'failed', id, code, message })
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
