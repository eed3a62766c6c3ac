import { isIP } from 'node:net'
import { SipError } from '../sip-error.ts'

/** Who may send audio, seen from the end that says so (RFC 3264 §5.1). */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

export interface SdpAttribute {
  readonly name: string
  /** What stands behind the colon; empty for a flag. */
  readonly value: string
}

/** One m-line and what belongs to it. */
export interface MediaDescription {
  /** `audio`, `video`, … */
  readonly kind: string
  /** 0: refused, or not wanted. */
  readonly port: number
  /** `RTP/AVP`, `RTP/SAVP`, … */
  readonly protocol: string
  /** Payload types in order of preference, as text. */
  readonly formats: readonly string[]
  /** Where the media is to go; the one of the session where it has none of its own. */
  readonly address: string
  readonly direction: MediaDirection
  /** `a=` lines of this m-line, `crypto` among them. */
  readonly attributes: readonly SdpAttribute[]
}

/** What an SDP says that a telephone call needs (RFC 8866). */
export interface SessionDescription {
  readonly media: readonly MediaDescription[]
}

const MAX_LINES = 1_000
const MAX_MEDIA = 32

interface Draft {
  kind: string
  port: number
  protocol: string
  formats: string[]
  address: string | undefined
  direction: MediaDirection | undefined
  attributes: SdpAttribute[]
}

/**
 * Parses an SDP. Lines that are not understood are passed over, and so is their order: only what
 * is needed must be right. Throws `bad_sdp`, naming the line.
 */
export function parseSessionDescription(text: string): SessionDescription {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.length > MAX_LINES) throw bad(MAX_LINES, 'the SDP has too many lines')
  if (lines[0]?.trim() !== 'v=0') throw bad(1, 'an SDP begins with v=0')
  const session: Draft = emptyDraft()
  const drafts: Draft[] = []
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim()
    if (line.startsWith('m=')) {
      if (drafts.length === MAX_MEDIA) throw bad(index + 1, 'the SDP has too many m-lines')
      drafts.push(parseMediaLine(line, index + 1))
      continue
    }
    readLine(line, index + 1, drafts.at(-1) ?? session)
  }
  return { media: drafts.map((draft) => finish(draft, session)) }
}

function readLine(line: string, number: number, draft: Draft): void {
  if (line.startsWith('c=')) {
    draft.address = parseConnection(line, number)
    return
  }
  if (!line.startsWith('a=')) return
  const colon = line.indexOf(':')
  const name = (colon < 0 ? line.slice(2) : line.slice(2, colon)).toLowerCase()
  const value = colon < 0 ? '' : line.slice(colon + 1).trim()
  if (isDirection(name)) draft.direction = name
  draft.attributes.push({ name, value })
}

/** `m=audio 49170 RTP/AVP 0 8 101`, the port with an optional `/2`. */
function parseMediaLine(line: string, number: number): Draft {
  const [kind = '', port = '', protocol = '', ...formats] = line.slice(2).trim().split(/\s+/)
  const portNumber = /^(\d{1,5})(\/\d+)?$/.exec(port)?.[1]
  if (portNumber === undefined || Number(portNumber) > 65_535 || protocol === '') {
    throw bad(number, `not an m-line: ${line.slice(0, 80)}`)
  }
  return {
    ...emptyDraft(),
    kind: kind.toLowerCase(),
    port: Number(portNumber),
    protocol: protocol.toUpperCase(),
    formats,
  }
}

/** `c=IN IP4 192.0.2.1`, with an optional `/ttl` for multicast. A name is kept as it is. */
function parseConnection(line: string, number: number): string {
  const [network, family, address = ''] = line.slice(2).trim().split(/\s+/)
  const host = address.replace(/\/.*$/, '')
  const isKnown = network?.toUpperCase() === 'IN' && /^IP[46]$/i.test(family ?? '')
  const isHost = isIP(host) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)
  if (!isKnown || !isHost) throw bad(number, `not a connection line: ${line.slice(0, 80)}`)
  return host
}

function finish(draft: Draft, session: Draft): MediaDescription {
  const address = draft.address ?? session.address
  if (address === undefined && draft.port !== 0) {
    throw new SipError('bad_sdp', `the ${draft.kind} line has no c= line and the session neither`)
  }
  return {
    ...draft,
    address: address ?? '',
    direction: draft.direction ?? session.direction ?? 'sendrecv',
  }
}

function emptyDraft(): Draft {
  return {
    kind: '',
    port: 0,
    protocol: '',
    formats: [],
    address: undefined,
    direction: undefined,
    attributes: [],
  }
}

function isDirection(name: string): name is MediaDirection {
  return name === 'sendrecv' || name === 'sendonly' || name === 'recvonly' || name === 'inactive'
}

function bad(line: number, what: string): SipError {
  return new SipError('bad_sdp', `line ${line} of the SDP: ${what}`)
}

/** The first `a=` line of that name; its value is empty for a flag. */
export function attribute(media: MediaDescription, name: string): string | undefined {
  return media.attributes.find((entry) => entry.name === name)?.value
}
