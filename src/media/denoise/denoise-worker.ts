/** The Worker that cleans: batches of raw frames come in, batches of cleaned ones go out. */
import { DenoiseStream } from './denoise-stream.ts'
import { FrameBatch, type FrameRecord } from './frame-batch.ts'
import { Rnnoise } from './rnnoise.ts'

/** What the Worker says of a batch: once as a rule, more often where one reply cannot hold it. */
export interface DenoiseReply {
  /** A `FrameBatch`. */
  readonly cleaned: ArrayBuffer
  /** Whether all of the batch has been taken in. */
  readonly isLast: boolean
}

declare const self: {
  onmessage: ((event: MessageEvent<ArrayBuffer>) => void) | null
  postMessage(message: DenoiseReply, transfer: ArrayBuffer[]): void
}

const MAX_SPARE_BUFFERS = 4

const streams = new Map<number, DenoiseStream>()
const spareBuffers: ArrayBuffer[] = []
let reply = openReply()

const rnnoise = await Rnnoise.load()
self.onmessage = ({ data }) => receive(data)
// An empty reply says that there is somebody to send to.
sendReply(false)

function receive(buffer: ArrayBuffer): void {
  new FrameBatch(buffer).read((record) => {
    if (record.samples.length === 0) closeStream(record.streamId)
    else clean(record)
  })
  sendReply(true)
  if (spareBuffers.length < MAX_SPARE_BUFFERS) spareBuffers.push(buffer)
}

function clean({ streamId, sampleRate, samples }: FrameRecord): void {
  let stream = streams.get(streamId)
  if (stream === undefined) {
    stream = new DenoiseStream(rnnoise, sampleRate)
    streams.set(streamId, stream)
  }
  stream.push(samples, (cleaned) => {
    if (reply.add(streamId, sampleRate, cleaned)) return
    sendReply(false)
    reply.add(streamId, sampleRate, cleaned)
  })
}

function closeStream(streamId: number): void {
  streams.get(streamId)?.close()
  streams.delete(streamId)
}

function openReply(): FrameBatch {
  const batch = new FrameBatch(spareBuffers.pop())
  batch.clear()
  return batch
}

function sendReply(isLast: boolean): void {
  const { buffer: cleaned } = reply
  reply = openReply()
  self.postMessage({ cleaned, isLast }, [cleaned])
}
