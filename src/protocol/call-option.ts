import { z } from 'zod'

/** Bounds on what one message may carry, so that a call's memory has a bound too. */
export const MAX_TEXT_CHARS = 65_536
const MAX_SHORT_CHARS = 1_024
const MAX_URL_CHARS = 8_192
const MAX_SDP_CHARS = 65_536

const short = z.string().max(MAX_SHORT_CHARS)
const milliseconds = z.number().min(0).max(600_000)

/** Settings handed to the provider as they are. */
const extra = z.record(z.string(), z.unknown())

export const AsrOption = z
  .object({
    provider: short
      .optional()
      .describe("Which recognizer; the server's `ASR_PROVIDER` when absent."),
    language: short.optional(),
    modelType: short.optional().describe('Model name, as the provider spells it.'),
    appId: short.optional(),
    secretId: short.optional(),
    secretKey: short.optional(),
    endpoint: short.optional(),
    extra: extra.optional(),
  })
  .meta({ id: 'AsrOption', description: 'How the caller is listened to.' })
export type AsrOption = z.infer<typeof AsrOption>

export const TtsOption = z
  .object({
    provider: short
      .optional()
      .describe("Which synthesizer; the server's `TTS_PROVIDER` when absent."),
    speaker: short
      .optional()
      .describe('Voice name, as the provider spells it; `voice` is accepted for it.'),
    speed: z
      .number()
      .min(0.1)
      .max(10)
      .optional()
      .describe('Multiplier of the normal pace: 1 is normal.'),
    volume: z.number().min(0).max(10).optional().describe('5 is normal.'),
    appId: short.optional(),
    secretId: short.optional(),
    secretKey: short.optional(),
    endpoint: short.optional(),
    cacheKey: short.optional().describe('Replaces the text in the cache key.'),
    extra: extra.optional(),
  })
  .meta({ id: 'TtsOption', description: 'How text is spoken; a command inherits what it omits.' })
export type TtsOption = z.infer<typeof TtsOption>

export const VadOption = z
  .object({
    type: short
      .optional()
      .describe(
        '`silero` (default), `webrtc`, `energy`, or `none` for no voice activity detection. With another there is none either, and an `error` event says so.',
      ),
    voiceThreshold: z
      .number()
      .min(0.05)
      .max(0.99)
      .optional()
      .describe('Probability from which a window counts as voice; 0.5 when absent.'),
    speechPadding: milliseconds
      .optional()
      .describe('Milliseconds that voice must last before `speaking`; 96 when absent.'),
    silencePadding: milliseconds
      .optional()
      .describe('Milliseconds that silence must last before `silence`; 300 when absent.'),
    silenceTimeout: z
      .number()
      .min(100)
      .max(3_600_000)
      .optional()
      .describe(
        'Repeats `silence` every so many milliseconds while it lasts; not at all when absent.',
      ),
  })
  .meta({ id: 'VadOption', description: 'How voice is told from silence.' })
export type VadOption = z.infer<typeof VadOption>

export const RecorderOption = z
  .object({
    recorderFile: short
      .optional()
      .describe(
        'File name under the recordings of the server; `{id}` is the session id, and the name when absent. The ending is added where it is missing.',
      ),
    samplerate: z
      .number()
      .optional()
      .describe('Samples per second of the file: 8000, 16000 (when absent), 24000 or 48000.'),
    format: short
      .optional()
      .describe(
        '`wav`, or `ogg`: Opus, a tenth of the size. `wav` when absent, unless the file name ends in `.ogg`.',
      ),
  })
  .meta({
    id: 'RecorderOption',
    description: 'How the call is recorded: stereo, the caller left, our side right.',
  })
export type RecorderOption = z.infer<typeof RecorderOption>

export const AgcOption = z
  .object({
    targetDb: z
      .number()
      .min(-40)
      .max(-6)
      .optional()
      .describe('Level that speech is brought to, dBFS (RMS); -20 when absent.'),
    maxGainDb: z
      .number()
      .min(0)
      .max(50)
      .optional()
      .describe('How much a quiet caller is raised at most, dB; 30 when absent.'),
  })
  .meta({ id: 'AgcOption', description: "Evens out the level of the caller's speech." })
export type AgcOption = z.infer<typeof AgcOption>

export const SipOption = z
  .object({
    username: short.optional(),
    password: short.optional(),
    realm: short.optional().describe('Ignored: the far end names its own.'),
    headers: z
      .record(z.string().max(128), z.string().max(MAX_SHORT_CHARS))
      .optional()
      .describe('Added to the INVITE.'),
  })
  .meta({ id: 'SipOption', description: 'How a SIP call is authorized.' })
export type SipOption = z.infer<typeof SipOption>

const share = z.number().min(0).max(1)

export const AmbianceOption = z
  .object({
    url: z
      .string()
      .min(1)
      .max(MAX_URL_CHARS)
      .describe('What to loop, at most 120 seconds; as in `play`. `path` is accepted for it.'),
    level: share
      .optional()
      .describe('Loudness between playbacks: 1 is as it is, 0.3 when absent. `normalLevel` too.'),
    duckLevel: share.optional().describe('Loudness under a playback; 0.1 when absent.'),
    enabled: z.boolean().optional().describe('`false` is as if there were no ambiance.'),
  })
  .meta({ id: 'AmbianceOption', description: 'A sound that is looped under the call.' })
export type AmbianceOption = z.infer<typeof AmbianceOption>

export const CallOption = z
  .object({
    caller: short.optional().describe('Who calls; kept in the call record.'),
    callee: short.optional().describe('Who is called; kept in the call record.'),
    offer: z.string().max(MAX_SDP_CHARS).optional().describe('SDP offer (WebRTC calls).'),
    codec: short
      .optional()
      .describe(
        'Audio of a WebSocket call, both ways: `pcm` (default), `pcmu`, `pcma`, `g722`, `opus` (a packet per message).',
      ),
    samplerate: z
      .number()
      .optional()
      .describe(
        'Samples per second: 8000, 16000, 24000 or 48000, for `pcm` (16000 when absent) and `opus` (48000).',
      ),
    asr: AsrOption.optional().describe('Speech recognition; none when absent.'),
    tts: TtsOption.optional().describe('Of every `tts` command that does not say otherwise.'),
    sip: SipOption.optional(),
    vad: VadOption.optional().describe('Voice activity detection, which every call has.'),
    echoGate: z
      .boolean()
      .optional()
      .describe(
        'Keeps our own voice, given back by a speakerphone, from voice detection and recognizer, and keys of ours from `dtmf` events; on when absent.',
      ),
    denoise: z
      .boolean()
      .optional()
      .describe('Takes noise out of what voice detection, recognizer and recording hear.'),
    agc: z
      .union([z.boolean(), AgcOption])
      .optional()
      .describe("Evens out the level of the caller's speech for the recognizer."),
    recorder: z
      .union([z.boolean(), RecorderOption])
      .optional()
      .describe('Records the call; `true` or `{}` takes the defaults.'),
    ambiance: AmbianceOption.optional().describe(
      'What is heard under the call; nothing when absent.',
    ),
    extra: extra.optional().describe("Kept in the call record, for the application's own use."),
  })
  .meta({ id: 'CallOption', description: 'Configuration of a call; every field may be absent.' })
export type CallOption = z.infer<typeof CallOption>

export const PlayUrl = z.string().min(1).max(MAX_URL_CHARS)
export const PlayId = short.min(1)

/** Options of the field's clients that are understood but not honoured yet. */
const UNSUPPORTED_OPTIONS = [
  'eou',
  'inactivityTimeout',
  'mediaPass',
  'realtime',
  'ringbackDetection',
  'subscribe',
]

/** Which options an invitation asks for that are not honoured yet; the call goes on without. */
export function unsupportedOptions(invitation: Readonly<Record<string, unknown>>): string[] {
  const option = invitation['option']
  if (typeof option !== 'object' || option === null) return []
  const given = option as Readonly<Record<string, unknown>>
  return UNSUPPORTED_OPTIONS.filter((name) => given[name] !== undefined && given[name] !== false)
}
