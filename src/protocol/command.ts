import { z } from 'zod'
import { CallOption, MAX_TEXT_CHARS, PlayId, PlayUrl, TtsOption } from './call-option.ts'

const word = z.string().max(256)
const trackId = z.string().min(1).max(256)

export const InviteCommand = z
  .object({ command: z.literal('invite'), option: CallOption.default({}) })
  .meta({ description: 'Starts the call. The first message on the socket.' })
export type InviteCommand = z.infer<typeof InviteCommand>

export const AcceptCommand = z
  .object({ command: z.literal('accept'), option: CallOption.default({}) })
  .meta({ description: 'Accepts an inbound call; on `/call` the same as `invite`.' })
export type AcceptCommand = z.infer<typeof AcceptCommand>

export const RejectCommand = z
  .object({
    command: z.literal('reject'),
    code: z.int().min(300).max(699).default(486).describe('SIP status code.'),
    reason: word.optional().describe('Told to the caller, and kept in the record.'),
  })
  .meta({ description: 'Refuses an inbound call (SIP calls).' })
export type RejectCommand = z.infer<typeof RejectCommand>

export const RingingCommand = z
  .object({ command: z.literal('ringing') })
  .meta({ description: 'Lets the caller of an inbound call hear that it rings (SIP calls).' })
export type RingingCommand = z.infer<typeof RingingCommand>

export const ReferCommand = z
  .object({
    command: z.literal('refer'),
    target: z
      .string()
      .min(1)
      .max(1_024)
      .describe('Whom the far end shall call in our place: a SIP URI; `callee` is accepted.'),
  })
  .meta({ description: 'Transfers the call by REFER (SIP calls); it ends when that has worked.' })
export type ReferCommand = z.infer<typeof ReferCommand>

export const TtsCommand = z
  .object({
    command: z.literal('tts'),
    text: z
      .string()
      .max(MAX_TEXT_CHARS)
      .describe('What to say; may be empty to carry `endOfStream` or `autoHangup`.'),
    speaker: z
      .string()
      .max(1_024)
      .optional()
      .describe("Voice name; wins over `option.speaker` and over the call's."),
    playId: PlayId.optional().describe(
      'The same id as the one playing appends to it; another or none replaces it.',
    ),
    autoHangup: z
      .boolean()
      .default(false)
      .describe('Hang up when this playback has ended by itself or failed.'),
    streaming: z
      .boolean()
      .default(false)
      .describe('The text comes in pieces, as from a language model.'),
    endOfStream: z
      .boolean()
      .default(false)
      .describe('The last piece; `end_of_stream` is accepted for it.'),
    option: TtsOption.optional().describe(
      "Merged over the call's `tts` option; what is absent is inherited.",
    ),
  })
  .meta({ description: 'Converts text to speech and plays it.' })
export type TtsCommand = z.infer<typeof TtsCommand>

export const PlayCommand = z
  .object({
    command: z.literal('play'),
    url: PlayUrl.describe(
      "http(s) URL, or a file name under the server's `MEDIA_DIR`: wav, mp3, ogg or flac.",
    ),
    playId: PlayId.optional().describe('Comes back in the track events; the url when absent.'),
    autoHangup: z
      .boolean()
      .default(false)
      .describe('Hang up when this playback has ended by itself or failed.'),
    volume: z
      .number()
      .min(0)
      .max(4)
      .optional()
      .describe('Loudness: 1 (as it is) when absent, 0.5 is 6 dB quieter.'),
  })
  .meta({ description: 'Plays a file, instead of whatever is playing.' })
export type PlayCommand = z.infer<typeof PlayCommand>

export const InterruptCommand = z
  .object({ command: z.literal('interrupt') })
  .meta({ description: 'Cuts the current playback short. Nothing playing is no error.' })
export type InterruptCommand = z.infer<typeof InterruptCommand>

export const PauseCommand = z
  .object({ command: z.literal('pause') })
  .meta({ description: 'Freezes the current playback at its sample.' })
export type PauseCommand = z.infer<typeof PauseCommand>

export const ResumeCommand = z
  .object({ command: z.literal('resume') })
  .meta({ description: 'Continues a paused playback at the same sample.' })
export type ResumeCommand = z.infer<typeof ResumeCommand>

export const MuteCommand = z
  .object({ command: z.literal('mute'), trackId: trackId.optional() })
  .meta({ description: "Makes a track silent: the session id is the caller's; absent means all." })
export type MuteCommand = z.infer<typeof MuteCommand>

export const UnmuteCommand = z
  .object({ command: z.literal('unmute'), trackId: trackId.optional() })
  .meta({ description: 'Undoes `mute`.' })
export type UnmuteCommand = z.infer<typeof UnmuteCommand>

export const DtmfCommand = z
  .object({
    command: z.literal('dtmf'),
    digits: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[0-9*#A-Da-d]+$/, 'must be keys of 0-9 * # A-D')
      .describe('Keys to press, one after the other: `0-9 * # A-D`.'),
    durationMs: z.number().min(40).max(5_000).default(100).describe('How long each key sounds.'),
    gapMs: z.number().min(40).max(5_000).default(80).describe('How long the pause after it is.'),
  })
  .meta({
    description:
      'Presses keys: heard by the far end, also when muted; what is playing waits meanwhile.',
  })
export type DtmfCommand = z.infer<typeof DtmfCommand>

export const HistoryCommand = z
  .object({
    command: z.literal('history'),
    speaker: word.describe('Who said it, in the words of the application.'),
    text: z.string().max(MAX_TEXT_CHARS),
  })
  .meta({ description: "Adds a line to the call's transcript; comes back as `addHistory`." })
export type HistoryCommand = z.infer<typeof HistoryCommand>

export const HangupCommand = z
  .object({
    command: z.literal('hangup'),
    reason: word.optional().describe('Comes back in the `hangup` event and stays in the record.'),
    initiator: word.optional().describe('Who hung up; `user` when absent.'),
  })
  .meta({ description: 'Ends the call.' })
export type HangupCommand = z.infer<typeof HangupCommand>

/** Everything a client may say, told apart by `command`. */
export const Command = z.discriminatedUnion('command', [
  InviteCommand,
  AcceptCommand,
  RejectCommand,
  RingingCommand,
  ReferCommand,
  TtsCommand,
  PlayCommand,
  InterruptCommand,
  PauseCommand,
  ResumeCommand,
  MuteCommand,
  UnmuteCommand,
  DtmfCommand,
  HistoryCommand,
  HangupCommand,
])
export type Command = z.infer<typeof Command>

export const COMMAND_NAMES: readonly string[] = Command.options.map(
  (option) => option.shape.command.value,
)
