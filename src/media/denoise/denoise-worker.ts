/** The Worker that cleans: batches of raw frames come in, batches of cleaned ones go out. */
import { AudioBatch, type AudioRecord } from '../audio-batch.ts'
import { DenoiseStream } from './denoise-stream.ts'
import { Rnnoise } from './rnnoise.ts'

/** What the Worker says of a batch: once as a rule, more often where one reply cannot hold it. */
export interface DenoiseReply {
  /** A `AudioBatch`. */
  readonly cleaned: ArrayBuffer
  /** Whether all of the batch has been taken in. */
  readonly isLast: boolean
}

declare const self: {
  onmessage: ((event: MessageEvent<ArrayBuffer>) => void) | null
  postMessage(message: DenoiseReply, transfer: ArrayBuffer[]): void
}

const MAX_SPARE_BUFFERS = 4
/** The first frames are slow, until the code has been optimized. */
const WARM_UP_FRAMES = 25

const streams = new Map<number, DenoiseStream>()
/** Streams that have ended, while frames of them may still be queued. */
const ended = new Set<number>()
const queue: ArrayBuffer[] = []
const spareBuffers: ArrayBuffer[] = []
let isTurnDue = false
let reply = openReply()

const rnnoise = await Rnnoise.load()
warmUp()
self.onmessage = ({ data }) => receive(data)
// An empty reply says that there is somebody to send to.
sendReply(false)

function warmUp(): void {
  const stream = new DenoiseStream(rnnoise, 8000)
  const frame = Int16Array.from({ length: 160 }, (_, i) => ((i * 7919) % 2003) - 1001)
  for (let i = 0; i < WARM_UP_FRAMES; i += 1) stream.push(frame, () => {})
  stream.close()
}

/** Ends are heeded before their turn: who has given up is not to be worked for. */
function receive(buffer: ArrayBuffer): void {
  queue.push(buffer)
  new AudioBatch(buffer).read(({ streamId, samples }) => {
    if (samples.length === 0) ended.add(streamId)
  })
  planTurn()
}

/** One batch at a time, so that what comes meanwhile is received. */
function planTurn(): void {
  if (isTurnDue || queue.length === 0) return
  isTurnDue = true
  setImmediate(takeTurn)
}

function takeTurn(): void {
  isTurnDue = false
  const buffer = queue.shift()
  if (buffer === undefined) return
  new AudioBatch(buffer).read((record) => {
    if (record.samples.length === 0) closeStream(record.streamId)
    else if (!ended.has(record.streamId)) clean(record)
  })
  sendReply(true)
  if (spareBuffers.length < MAX_SPARE_BUFFERS) spareBuffers.push(buffer)
  planTurn()
}

function clean({ streamId, sampleRate, samples }: AudioRecord): void {
  let stream = streams.get(streamId)
  if (stream === undefined) {
    stream = new DenoiseStream(rnnoise, sampleRate)
    streams.set(streamId, stream)
  }
  stream.push(samples, (cleaned) => {
    if (reply.addWhole(streamId, sampleRate, cleaned)) return
    sendReply(false)
    reply.addWhole(streamId, sampleRate, cleaned)
  })
}

function closeStream(streamId: number): void {
  streams.get(streamId)?.close()
  streams.delete(streamId)
  ended.delete(streamId)
}

function openReply(): AudioBatch {
  const batch = new AudioBatch(spareBuffers.pop())
  batch.clear()
  return batch
}

function sendReply(isLast: boolean): void {
  const { buffer: cleaned } = reply
  reply = openReply()
  self.postMessage({ cleaned, isLast }, [cleaned])
}
