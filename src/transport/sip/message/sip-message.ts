import { SipError } from '../sip-error.ts'

/** One header field as it came, its name in lower case and its short form written out. */
export interface SipHeader {
  readonly name: string
  readonly value: string
}

/**
 * A SIP message as text with its parts told apart (RFC 3261 §7). Nothing inside the values has been
 * looked at: that is for those who need them.
 *
 *     INVITE sip:bob@example.com SIP/2.0        or   SIP/2.0 180 Ringing
 *     Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776
 *     Call-ID: a84b4c76e66710
 *                                               (an empty line)
 *     v=0 …                                     (the body)
 */
export interface SipMessage {
  readonly startLine: string
  readonly headers: readonly SipHeader[]
  readonly body: string
}

/** RFC 3261 §7.3.3 and the registry of header fields: one letter for what is sent most. */
const SHORT_FORMS: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
}

/** Fields that may hold several values separated by commas, of which this gateway reads each. */
const LISTS: ReadonlySet<string> = new Set(['via', 'route', 'record-route', 'contact'])

/**
 * Parses a whole message. Folded lines are joined, lists are cut into one header for each value.
 * Throws `bad_message` when there is no head, when a line of it is no header, or when the body is
 * shorter than Content-Length says.
 */
export function parseSipMessage(text: string): SipMessage {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) throw new SipError('bad_message', 'the head does not end')
  const head = text.slice(0, end)
  // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
  const lines = (/\r\n[ \t]/.test(head) ? head.replace(/\r\n[ \t]+/g, ' ') : head).split('\r\n')
  const headers: SipHeader[] = []
  for (const line of lines.slice(1)) appendHeader(headers, line)
  const startLine = lines[0] ?? ''
  return { startLine, headers, body: cutBody(text.slice(end + 4), headers) }
}

function appendHeader(headers: SipHeader[], line: string): void {
  const colon = line.indexOf(':')
  const written = colon < 0 ? '' : line.slice(0, colon).trim().toLowerCase()
  if (written === '') throw new SipError('bad_message', 'a line of the head is no header')
  const name = SHORT_FORMS[written] ?? written
  const value = line.slice(colon + 1).trim()
  if (!LISTS.has(name) || !value.includes(',')) {
    headers.push({ name, value })
    return
  }
  for (const part of splitList(value)) headers.push({ name, value: part })
}

/** RFC 3261 §18.3: a datagram may be longer than its body, never shorter. */
function cutBody(rest: string, headers: readonly SipHeader[]): string {
  const declared = headers.find(({ name }) => name === 'content-length')?.value
  if (declared === undefined) return rest
  if (!/^\d{1,7}$/.test(declared)) throw new SipError('bad_message', 'Content-Length is no number')
  const bytes = Number(declared)
  const found = Buffer.byteLength(rest)
  if (found < bytes) throw new SipError('bad_message', 'the body is shorter than Content-Length')
  return found === bytes ? rest : Buffer.from(rest).subarray(0, bytes).toString()
}

/** Cuts at the commas that stand outside quotes and angle brackets. */
export function splitList(value: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  let isInside = false
  for (let i = 0; i < value.length; i += 1) {
    const char = value[i]
    if (char === '\\' && isQuoted) i += 1
    else if (char === '"') isQuoted = !isQuoted
    else if (isQuoted) continue
    else if (char === '<') isInside = true
    else if (char === '>') isInside = false
    else if (char === ',' && !isInside) {
      parts.push(value.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(value.slice(start).trim())
  return parts.filter((part) => part !== '')
}

/** The text of a message, every header on a line of its own and Content-Length as it is. */
export function formatSipMessage({ startLine, headers, body }: SipMessage): string {
  let text = `${startLine}\r\n`
  for (const { name, value } of headers) {
    if (name !== 'content-length') text += `${name}: ${value}\r\n`
  }
  return `${text}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The first header of that (lower-case) name. */
export function header(message: SipMessage, name: string): string | undefined {
  return message.headers.find((entry) => entry.name === name)?.value
}

/** `INVITE` of a request; undefined for a response. */
export function methodOf({ startLine }: SipMessage): string | undefined {
  return isResponse(startLine) ? undefined : startLine.slice(0, startLine.indexOf(' '))
}

/** 180 of a response; undefined for a request. */
export function statusOf({ startLine }: SipMessage): number | undefined {
  const status = /^SIP\/2\.0 ([1-6]\d\d) /i.exec(`${startLine} `)?.[1]
  return status === undefined ? undefined : Number(status)
}

export function isResponse(startLine: string): boolean {
  return /^SIP\/\d/i.test(startLine)
}

/** The method that CSeq names: in a response, what was asked. */
export function methodOfCseq(message: SipMessage): string | undefined {
  return /^\d+[ \t]+(\S+)$/.exec(header(message, 'cseq') ?? '')?.[1]
}

const PARAMETERS = {
  tag: /;\s*tag\s*=\s*("[^"]*"|[^;,\s]+)/i,
  branch: /;\s*branch\s*=\s*([^;,\s]+)/i,
  received: /;\s*received\s*=\s*([^;,\s]+)/i,
  rport: /;\s*rport\s*=\s*(\d{1,5})/i,
}

/** Value of a parameter behind the address: `tag` of From and To, the others of Via. */
export function parameterOf(value: string, name: keyof typeof PARAMETERS): string | undefined {
  return PARAMETERS[name].exec(value.slice(value.lastIndexOf('>') + 1))?.[1]
}

/** Headers that are taken apart; none of them is honestly longer. */
const TAKEN_APART = new Set(['from', 'to', 'call-id', 'cseq', 'contact', 'via', 'record-route'])
const MAX_CHARACTERS = 4_096

/** Whether it would cost more to take apart than it can be worth. */
export function isOverlong({ name, value }: SipHeader): boolean {
  return value.length > MAX_CHARACTERS && TAKEN_APART.has(name)
}
