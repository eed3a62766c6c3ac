import { header, isOverlong, parameterOf, type SipMessage } from './sip-message.ts'

/** Why a request is not passed on. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  /** Headers that tell the sender what would be accepted. */
  readonly headers?: readonly string[]
}

/** The methods that are understood; also what Allow says. */
export const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'NOTIFY',
  'MESSAGE',
] as const

/** The extensions that a request may require, and what Supported says. */
export const EXTENSIONS: readonly string[] = ['timer', '100rel']

/** Shortest session interval that is agreed to, in seconds (RFC 4028 §5). */
export const MIN_SESSION_SECONDS = 90

const REQUEST_LINE = /^(\S+) (\S+) (SIP\/\d+\.\d+)$/
const ONCE = ['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length']

/**
 * What RFC 3261 §8.2 and §16.3 want looked at before anything is done with a request, cheapest
 * first. Undefined when all is well. What is checked here the parser behind it gets wrong: it takes
 * the last of two Call-IDs, any version, and throws at schemes it does not know.
 */
export function checkRequest(message: SipMessage): Refusal | undefined {
  const [, method, uri = '', version] = REQUEST_LINE.exec(message.startLine) ?? []
  if (method === undefined) return bad('Bad Request Line')
  if (version !== 'SIP/2.0') return { status: 505, reason: 'Version Not Supported' }
  const headers = checkHeaders(message, method)
  if (headers !== undefined) return headers
  if (!METHODS.some((known) => known === method)) return methodNotAllowed()
  if (!/^(sip|tel):/i.test(uri)) {
    return /^[a-z][a-z0-9+.-]*:/i.test(uri)
      ? { status: 416, reason: 'Unsupported URI Scheme' }
      : bad('Bad Request-URI')
  }
  if (method === 'ACK' || method === 'CANCEL') return undefined
  return checkExtensions(message) ?? checkDialog(message, method) ?? checkBody(message, method)
}

function checkHeaders(message: SipMessage, method: string): Refusal | undefined {
  for (const name of ONCE) {
    const count = message.headers.filter((entry) => entry.name === name).length
    if (count > 1) return bad(`More than one ${name}`)
    if (count === 0 && name !== 'max-forwards' && name !== 'content-length')
      return bad(`No ${name}`)
  }
  const long = message.headers.find(isOverlong)
  if (long !== undefined) return bad(`${long.name} is too long`)
  // RFC 3261 §8.1.1.5: a number below 2^31, and the method once more.
  const cseq = /^(\d{1,10})[ \t]+(\S+)$/.exec(header(message, 'cseq') ?? '')
  if (cseq === null || Number(cseq[1]) >= 2 ** 31) return bad('Bad CSeq')
  return cseq[2] === method ? undefined : bad('CSeq names another method')
}

/** RFC 3261 §8.2.2.3: what we do not know we must not pretend to do. */
function checkExtensions(message: SipMessage): Refusal | undefined {
  const required = message.headers
    .filter(({ name }) => name === 'require')
    .flatMap(({ value }) => value.split(',').map((tag) => tag.trim().toLowerCase()))
  const unknown = required.filter((tag) => tag !== '' && !EXTENSIONS.includes(tag))
  if (unknown.length === 0) return undefined
  return { status: 420, reason: 'Bad Extension', headers: [`Unsupported: ${unknown.join(', ')}`] }
}

function checkDialog(message: SipMessage, method: string): Refusal | undefined {
  const isInDialog = parameterOf(header(message, 'to') ?? '', 'tag') !== undefined
  if (!isInDialog && (method === 'PRACK' || method === 'UPDATE' || method === 'INFO')) {
    return { status: 481, reason: 'Call/Transaction Does Not Exist' }
  }
  if (method !== 'INVITE') return undefined
  const contact = header(message, 'contact')
  if (contact === undefined || contact === '*') return bad('Bad Contact')
  if (!isInDialog && header(message, 'replaces') !== undefined) {
    return { status: 481, reason: 'Replaces Is Not Supported' }
  }
  return checkInterval(message)
}

/** RFC 4028 §9: an interval that would keep both ends busy is refused with the shortest we take. */
function checkInterval(message: SipMessage): Refusal | undefined {
  const interval = Number.parseInt(header(message, 'session-expires') ?? '', 10)
  const isSupported = /\btimer\b/.test(header(message, 'supported') ?? '')
  if (!isSupported || Number.isNaN(interval) || interval >= MIN_SESSION_SECONDS) return undefined
  const headers = [`Min-SE: ${MIN_SESSION_SECONDS}`]
  return { status: 422, reason: 'Session Interval Too Small', headers }
}

function checkBody(message: SipMessage, method: string): Refusal | undefined {
  if (message.body === '') return undefined
  const type = header(message, 'content-type')
  if (type === undefined) return bad('Body Without Content-Type')
  const wantsSdp = method === 'INVITE' || method === 'UPDATE'
  if (!wantsSdp || /^application\/sdp\s*(;|$)/i.test(type)) return undefined
  const headers = ['Accept: application/sdp']
  return { status: 415, reason: 'Unsupported Media Type', headers }
}

function methodNotAllowed(): Refusal {
  return { status: 405, reason: 'Method Not Allowed', headers: [`Allow: ${METHODS.join(', ')}`] }
}

function bad(reason: string): Refusal {
  return { status: 400, reason }
}

/**
 * The answer to a request that goes no further; undefined when it may not have one (ACK) or when
 * what an answer must repeat is missing. `tag` ends the To of a request that began nothing.
 */
export function formatRefusal(
  request: SipMessage,
  { status, reason, headers = [] }: Refusal,
  tag: string,
): string | undefined {
  if (request.startLine.startsWith('ACK ')) return undefined
  const [from, to, callId, cseq] = ['from', 'to', 'call-id', 'cseq'].map((name) =>
    header(request, name),
  )
  const vias = request.headers.filter(({ name }) => name === 'via')
  if (vias.length === 0 || !from || !to || !callId || !cseq) return undefined
  const isTagged = parameterOf(to, 'tag') !== undefined
  return [
    `SIP/2.0 ${status} ${reason}`,
    ...vias.map(({ value }) => `Via: ${value}`),
    `From: ${from}`,
    `To: ${isTagged ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq}`,
    ...headers,
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}
