import { isIPv6 } from 'node:net'
import type { MediaDirection } from './session-description.ts'

/** One line of the codec list of an m-line. */
export interface OfferedFormat {
  readonly payloadType: number
  /** As in rtpmap: `PCMU/8000`, `opus/48000/2`. */
  readonly encoding: string
  readonly parameters?: string
}

/** An m-line in its place: the audio, or one of the other end's that is refused. */
export type MediaLine =
  | { readonly kind: 'audio-of-ours' }
  | { readonly kind: 'refused'; readonly line: string }

export interface AudioDescription {
  readonly sessionId: string
  readonly sessionVersion: number
  /** Address and port where we receive, as others reach it. */
  readonly address: string
  readonly port: number
  readonly protocol: string
  readonly formats: readonly OfferedFormat[]
  readonly direction: MediaDirection
  readonly ptimeMs: number
  readonly hasRtcpMux: boolean
  /** Values of `a=crypto`. */
  readonly crypto: readonly string[]
  /** The m-lines in the order of the first offer (RFC 3264 §8). */
  readonly lines: readonly MediaLine[]
}

/** The text of an SDP with one stream of audio (RFC 8866 §5). */
export function formatAudioDescription(audio: AudioDescription): string {
  const family = isIPv6(audio.address) ? 'IP6' : 'IP4'
  const where = `IN ${family} ${audio.address}`
  const lines = [
    'v=0',
    `o=- ${audio.sessionId} ${audio.sessionVersion} ${where}`,
    's=-',
    `c=${where}`,
    't=0 0',
    ...audio.lines.flatMap((line) =>
      line.kind === 'refused' ? [line.line] : formatMediaLines(audio),
    ),
  ]
  return `${lines.join('\r\n')}\r\n`
}

function formatMediaLines(audio: AudioDescription): string[] {
  const types = audio.formats.map(({ payloadType }) => payloadType).join(' ')
  const lines = [`m=audio ${audio.port} ${audio.protocol} ${types}`]
  for (const { payloadType, encoding, parameters } of audio.formats) {
    lines.push(`a=rtpmap:${payloadType} ${encoding}`)
    if (parameters !== undefined) lines.push(`a=fmtp:${payloadType} ${parameters}`)
  }
  lines.push(`a=ptime:${audio.ptimeMs}`)
  for (const key of audio.crypto) lines.push(`a=crypto:${key}`)
  if (audio.hasRtcpMux) lines.push('a=rtcp-mux')
  lines.push(`a=${audio.direction}`)
  return lines
}
