import { z } from 'zod'

const time = z.int()
const milliseconds = z.number().min(0)
const timestamp = time.describe('When the event happened, in epoch milliseconds.')
const trackId = z
  .string()
  .describe('Whose track: the session id is the caller, `server-side-track` is playback.')
const playId = z.string().optional().describe('Id of the playback, as the command gave it.')

export const AnswerEvent = z
  .object({
    event: z.literal('answer'),
    trackId,
    timestamp,
    sdp: z.string().describe('SDP answer; empty on a WebSocket call.'),
  })
  .meta({ description: 'The call is answered; audio may flow.' })

export const TrackStartEvent = z
  .object({ event: z.literal('trackStart'), trackId, timestamp, playId })
  .meta({ description: 'A track begins: the caller right after `answer`, then each playback.' })

export const TrackEndEvent = z
  .object({
    event: z.literal('trackEnd'),
    trackId,
    timestamp,
    duration: milliseconds.describe(
      'Milliseconds of audio played; for the caller, since the answer.',
    ),
    playId,
  })
  .meta({ description: 'A track is over, however it ended.' })

export const InterruptionEvent = z
  .object({
    event: z.literal('interruption'),
    trackId,
    timestamp,
    position: milliseconds.describe(
      'Milliseconds of the playback that were sent; pauses do not count.',
    ),
    playId,
    text: z.string().optional().describe('What of the text was heard.'),
    remaining: z.string().optional().describe('What of the text was not.'),
    totalDuration: milliseconds
      .optional()
      .describe('Milliseconds of audio that had been made so far.'),
  })
  .meta({ description: 'A playback was cut short; its `trackEnd` follows.' })

export const SpeakingEvent = z
  .object({
    event: z.literal('speaking'),
    trackId,
    timestamp,
    startTime: time.describe('When the voice set in.'),
  })
  .meta({ description: 'The caller speaks.' })

export const SilenceEvent = z
  .object({
    event: z.literal('silence'),
    trackId,
    timestamp,
    startTime: time.describe('When the silence began.'),
    duration: milliseconds.describe('How long it has lasted, in milliseconds.'),
    speechStart: time.optional().describe('When the speech before it began.'),
    speechDuration: milliseconds.optional().describe('How long that speech was, in milliseconds.'),
  })
  .meta({ description: 'The caller stopped speaking, or is still silent.' })

export const DtmfEvent = z
  .object({
    event: z.literal('dtmf'),
    trackId,
    timestamp,
    digit: z
      .string()
      .regex(/^[0-9*#A-D]$/)
      .describe('The key: 0-9, *, #, A-D.'),
  })
  .meta({ description: 'The caller pressed a key; once per press.' })

export const IncomingEvent = z
  .object({
    event: z.literal('incoming'),
    trackId,
    timestamp,
    caller: z.string().describe('Who calls: a SIP URI.'),
    callee: z.string().describe('Who is called.'),
    sdp: z.string().describe('What the caller offers; empty where our answer makes the offer.'),
  })
  .meta({ description: 'Somebody calls (SIP calls): `accept` or `reject` decides.' })

export const RingingEvent = z
  .object({
    event: z.literal('ringing'),
    trackId,
    timestamp,
    earlyMedia: z.boolean().describe('There is something to hear before the answer.'),
  })
  .meta({ description: 'It rings at the far end (SIP calls).' })

export const RejectEvent = z
  .object({
    event: z.literal('reject'),
    trackId,
    timestamp,
    reason: z.string().describe('What the far end says.'),
    code: z.int().describe('SIP status code, e.g. 486 for busy.'),
  })
  .meta({ description: 'The far end does not take the call (SIP calls); `hangup` follows.' })

export const HoldEvent = z
  .object({ event: z.literal('hold'), trackId, timestamp, onHold: z.boolean() })
  .meta({ description: 'The far end has put the call on hold, or taken it back (SIP calls).' })

export const TransferRequestEvent = z
  .object({
    event: z.literal('transferRequest'),
    trackId,
    timestamp,
    target: z.string().describe('Whom we are to call: a URI.'),
    referredBy: z.string().optional(),
  })
  .meta({
    description:
      'The far end asks us to call somebody else (SIP calls); nothing is dialled by itself.',
  })

const transcript = {
  trackId,
  timestamp,
  index: z.int().describe('Counts the sentences of the call; never goes back.'),
  startTime: time,
  endTime: time,
  text: z.string(),
}

export const AsrDeltaEvent = z
  .object({ event: z.literal('asrDelta'), ...transcript })
  .meta({ description: 'What the caller seems to be saying: the whole sentence so far.' })

export const AsrFinalEvent = z
  .object({ event: z.literal('asrFinal'), ...transcript })
  .meta({ description: 'What the caller said.' })

export const AddHistoryEvent = z
  .object({
    event: z.literal('addHistory'),
    timestamp,
    sender: z.string().describe('The session id.'),
    speaker: z.string(),
    text: z.string(),
  })
  .meta({ description: 'A line was added to the transcript by `history`.' })

export const MetricsEvent = z
  .object({
    event: z.literal('metrics'),
    timestamp,
    key: z
      .string()
      .describe('E.g. `ttfb.tts.flite`, `completed.tts.flite`; our own begin with `call.`.'),
    duration: milliseconds.describe('Milliseconds.'),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ description: 'How long something took.' })

export const ErrorEvent = z
  .object({
    event: z.literal('error'),
    trackId,
    timestamp,
    sender: z
      .string()
      .describe(
        'Which part: `command`, `invite`, `option`, `tts`, `play`, `asr`, `vad`, `denoise`, `recorder`, `ambiance`.',
      ),
    error: z.string().describe('Cause and way out, for people.'),
    code: z.int().optional().describe('As an HTTP status would be.'),
    playId,
  })
  .meta({ description: 'Something failed; the call goes on unless `hangup` follows.' })

export const HangupEvent = z
  .object({
    event: z.literal('hangup'),
    timestamp,
    reason: z.string().optional(),
    initiator: z.string().optional(),
  })
  .meta({ description: 'The call is over. Exactly one, and the last event.' })

export const BinaryEvent = z
  .object({
    event: z.literal('binary'),
    trackId,
    timestamp,
    data: z.array(z.int().min(0).max(255)).describe('Bytes of one audio frame.'),
  })
  .meta({ description: 'Audio as JSON, only with `audio=json`; raw binary frames otherwise.' })

/** Everything the server may say, told apart by `event`. */
export const CallEvent = z.discriminatedUnion('event', [
  AnswerEvent,
  TrackStartEvent,
  TrackEndEvent,
  InterruptionEvent,
  SpeakingEvent,
  SilenceEvent,
  DtmfEvent,
  IncomingEvent,
  RingingEvent,
  RejectEvent,
  HoldEvent,
  TransferRequestEvent,
  AsrDeltaEvent,
  AsrFinalEvent,
  AddHistoryEvent,
  MetricsEvent,
  ErrorEvent,
  HangupEvent,
  BinaryEvent,
])
export type CallEvent = z.infer<typeof CallEvent>
