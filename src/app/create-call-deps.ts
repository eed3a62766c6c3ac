import { findCodec } from '#audio/codec/find-codec.ts'
import type { CallDeps } from '#call/call-deps.ts'
import { CallError } from '#call/call-error.ts'
import type { Config } from '#config/config.ts'
import type { Logger } from '#core/log.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { CallStore } from '#store/call-store.ts'
import { WebSocketLeg } from '#transport/websocket/websocket-leg.ts'
import type { Engines } from './engines.ts'
import type { SipGateway } from './sip-gateway.ts'

export interface CallDepsParts {
  readonly store: CallStore
  readonly log: Logger
  /** Absent while SIP is off; its route is closed then. */
  readonly sip: SipGateway | undefined
}

/** What calls are built from: the engines, by the names that options give them. */
export function createCallDeps(
  { ttsProvider, asrProvider }: Pick<Config, 'ttsProvider' | 'asrProvider'>,
  engines: Engines,
  { store, log, sip }: CallDepsParts,
): CallDeps {
  const { speakers, recognizers, vads, denoise, files, loops, recorder } = engines
  return {
    log,
    pacer: engines.pacer,
    journal: store,
    createLeg: (type, option, sendPayload) =>
      type === 'sip' && sip !== undefined
        ? sip.createLeg(option)
        : new WebSocketLeg(codecOf(option), sendPayload),
    findSynthesizer: (name = ttsProvider) =>
      pick('tts.provider', name, speakers, ({ provider }) => provider),
    findRecognizer: (name = asrProvider) =>
      pick('asr.provider', name, recognizers, ({ provider }) => provider),
    findVad: (name = vads[0].type) =>
      pick('option.vad.type', name, vads, ({ type }) => type, ['none']),
    createDenoiser: () => denoise.createDenoiser(),
    openFile: (url, sampleRate, handlers) => files.open(url, sampleRate, handlers),
    openLoop: (url, sampleRate) => loops.acquire(url, sampleRate),
    openRecording: (plan, handlers) => recorder.open(plan, handlers),
  }
}

/** Those that any codec runs at. */
const RATES = [8000, 16_000, 24_000, 48_000]

function codecOf({ codec = 'pcm', samplerate }: CallOption) {
  const name = codec.toLowerCase()
  const found = findCodec(name, samplerate)
  if (found !== undefined) return found
  if (findCodec(name) === undefined) {
    const known = 'pcm, pcmu, pcma, g722, opus'
    throw new CallError('bad_option', `option.codec: "${codec}" is unknown; known are ${known}`)
  }
  const rates = RATES.filter((rate) => findCodec(name, rate) !== undefined).join(', ')
  throw new CallError(
    'bad_option',
    `option.samplerate: ${samplerate} is not a rate of ${codec}; known are ${rates}`,
  )
}

/** The one of `known` with that name, or an error that lists them, and what is understood `besides`. */
function pick<T>(
  field: string,
  name: string,
  known: readonly T[],
  nameOf: (one: T) => string,
  besides: readonly string[] = [],
): T {
  const found = known.find((one) => nameOf(one) === name)
  if (found !== undefined) return found
  const names = [...known.map(nameOf), ...besides].join(', ') || 'none'
  const shown = name === '' ? 'no provider is named' : `"${name}" is unknown`
  throw new CallError('unknown_provider', `${field}: ${shown}; known are: ${names}`)
}
