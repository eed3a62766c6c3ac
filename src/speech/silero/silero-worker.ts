/**
 * The Worker that judges: batches of audio come in, judgements go out. It works in slices, so that
 * new audio is taken in, and its streams get their turn, while another stream has a backlog.
 */
import { AudioBatch } from '#media/audio-batch.ts'
import { Judgements } from './judgements.ts'
import { SileroNetwork } from './silero-network.ts'
import { WindowScheduler } from './window-scheduler.ts'

/** What the Worker says after a slice. */
export interface WorkerReply {
  /** Packed `Judgements`. */
  readonly judgements: ArrayBuffer
  /** Buffers of the batches taken in since the last reply, to be used again. */
  readonly buffers: readonly ArrayBuffer[]
  /** Whole windows that still wait. */
  readonly queuedWindows: number
  /** Windows dropped since the last reply. */
  readonly droppedWindows: number
}

declare const self: {
  onmessage: ((event: MessageEvent<ArrayBuffer>) => void) | null
  postMessage(message: WorkerReply, transfer: ArrayBuffer[]): void
}

const SLICE_MS = 5
const SLICE_WINDOWS = 512
const MAX_BACKLOG_MS = 30_000

const scheduler = new WindowScheduler(new SileroNetwork(), MAX_BACKLOG_MS)
const judgements = Judgements.withCapacity(SLICE_WINDOWS)
let buffers: ArrayBuffer[] = []
let reportedDrops = 0
let isSliceDue = false

self.onmessage = ({ data }) => {
  scheduler.receive(new AudioBatch(data))
  buffers.push(data)
  planSlice()
}

function planSlice(): void {
  if (isSliceDue) return
  isSliceDue = true
  setImmediate(runSlice)
}

function runSlice(): void {
  isSliceDue = false
  judgements.clear()
  scheduler.run(judgements, SLICE_MS)
  const packed = judgements.toBuffer()
  const { droppedWindows } = scheduler.stats
  self.postMessage(
    {
      judgements: packed,
      buffers,
      queuedWindows: scheduler.queuedWindows,
      droppedWindows: droppedWindows - reportedDrops,
    },
    [packed, ...buffers],
  )
  buffers = []
  reportedDrops = droppedWindows
  if (scheduler.hasWork) planSlice()
}
