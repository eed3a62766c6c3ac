import { z } from 'zod'

export const CallType = z.enum(['websocket', 'webrtc', 'sip'])
export type CallType = z.infer<typeof CallType>

/** `active` while it runs, `ended` after its `hangup`, `interrupted` if the process died first. */
export const CallRecordState = z.enum(['active', 'ended', 'interrupted'])
export type CallRecordState = z.infer<typeof CallRecordState>

/** What is kept of the recording of a call; its audio is `GET /calls/{id}/recording`. */
export const RecordingRecord = z
  .object({
    file: z.string().describe('Path below the recordings of the server.'),
    format: z.enum(['wav', 'ogg']),
    sampleRate: z.int(),
    bytes: z.int().optional().describe('Absent while the call is recorded.'),
    durationMs: z.int().optional().describe('Absent while the call is recorded.'),
    peaks: z
      .object({
        intervalMs: z.int().describe('Milliseconds that one value stands for.'),
        left: z.array(z.int()).describe('Loudest sample of each interval, 0 to 255: the caller.'),
        right: z.array(z.int()).describe('The same for our side.'),
      })
      .optional()
      .describe('For a picture of it; only in `GET /calls/{id}`, and not after a crash.'),
  })
  .meta({ id: 'Recording', description: 'Stereo: the caller left, our side right.' })
export type RecordingRecord = z.infer<typeof RecordingRecord>

/** What is kept of a call: one row of `calls`, and the body of `GET /calls/{id}`. */
export const CallRecord = z.object({
  /** Unique for ever; grows with time (UUID version 7). */
  recordId: z.string(),
  /** Session id, chosen by the client or made for it; may come again after the call has ended. */
  id: z.string(),
  type: CallType,
  direction: z.enum(['inbound', 'outbound']),
  state: CallRecordState,
  caller: z.string().optional(),
  callee: z.string().optional(),
  codec: z.string().optional(),
  /** Whether its commands and events were kept (`dump`). */
  hasEvents: z.boolean(),
  /** The option of `invite` or `accept`, secrets redacted. */
  option: z.record(z.string(), z.unknown()).optional(),
  /** Epoch milliseconds. */
  startedAt: z.int(),
  answeredAt: z.int().optional(),
  endedAt: z.int().optional(),
  reason: z.string().optional(),
  initiator: z.string().optional(),
  /** What broke, for people, where a fault ended the call. */
  fault: z.string().optional(),
  /** Counters of the call: frames, drops, overruns. */
  stats: z.record(z.string(), z.number()).optional(),
  /** Absent also when it has been deleted. */
  recording: RecordingRecord.optional(),
})
export type CallRecord = z.infer<typeof CallRecord>

/** One command received or event sent: one row of `call_events`, one line of the JSON Lines dump. */
export const CallEventRecord = z.object({
  recordId: z.string(),
  /** Counts commands and events of the call together, from 0. */
  sequence: z.int(),
  /** Epoch milliseconds. */
  at: z.int(),
  direction: z.enum(['received', 'sent']),
  /** The command or event name; `invalid` for a message that was neither. */
  name: z.string(),
  /** The message, secrets redacted. */
  data: z.record(z.string(), z.unknown()),
})
export type CallEventRecord = z.infer<typeof CallEventRecord>

/** Filters and page of `GET /calls`. */
export const CallQuery = z.object({
  type: CallType.optional(),
  state: CallRecordState.optional(),
  caller: z.string().min(1).max(256).optional(),
  callee: z.string().min(1).max(256).optional(),
  reason: z.string().min(1).max(256).optional(),
  /** Started at or after, epoch milliseconds. */
  from: z.coerce.number().int().nonnegative().optional(),
  /** Started before, epoch milliseconds. */
  to: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** The `next` of the page before. */
  cursor: z.string().max(200).optional(),
})
export type CallQuery = z.infer<typeof CallQuery>

export const CallPage = z.object({
  calls: z.array(CallRecord),
  /** Present when there is more: the `cursor` of the next page. */
  next: z.string().optional(),
})
export type CallPage = z.infer<typeof CallPage>
