import { formatHostPort, type SipAddress } from '../wire/sip-address.ts'
import {
  header,
  methodOfCseq,
  parameterOf,
  type SipHeader,
  type SipMessage,
  statusOf,
} from './sip-message.ts'

/**
 * Makes of what peers send what the engine can use. Each of these would otherwise leave a call
 * hanging or silent, and each has been seen from equipment in use.
 */
export function repairResponse(message: SipMessage, source: SipAddress): SipMessage {
  const status = statusOf(message) ?? 0
  if (status === 401 || status === 407) return keepBestChallenge(message)
  if (methodOfCseq(message) !== 'INVITE' || status === 100 || status >= 300) return message
  const added: SipHeader[] = []
  // A 18x or 200 without Contact is dropped: no early media, or a call that is never acknowledged.
  if (header(message, 'contact') === undefined) {
    const transport = source.protocol.toLowerCase()
    const value = `<sip:${formatHostPort(source)};transport=${transport}>`
    added.push({ name: 'contact', value })
  }
  if (message.body !== '' && header(message, 'content-type') === undefined) {
    added.push({ name: 'content-type', value: 'application/sdp' })
  }
  const headers = message.headers.map((entry) =>
    entry.name === 'to' && parameterOf(entry.value, 'tag') === undefined
      ? { name: 'to', value: `${entry.value};tag=untagged` }
      : entry,
  )
  return pickSdp({ ...message, headers: [...headers, ...added] })
}

/**
 * A request with its SDP alone, where that came in a part of several (RFC 5621), and with `sip:` in
 * its first line where `sips:` came by TLS: the engine refuses that scheme.
 */
export function repairRequest(message: SipMessage, source: SipAddress): SipMessage {
  const picked = pickSdp(message)
  if (source.protocol !== 'TLS') return picked
  return { ...picked, startLine: picked.startLine.replace(/^(\S+) sips:/i, '$1 sip:') }
}

/** RFC 8760 §2.3: of several challenges the strongest that is known; the engine looks at one. */
function keepBestChallenge(message: SipMessage): SipMessage {
  const isChallenge = ({ name }: SipHeader): boolean =>
    name === 'www-authenticate' || name === 'proxy-authenticate'
  const challenges = message.headers.filter(isChallenge)
  if (challenges.length < 2) return message
  const isOf = (algorithm: RegExp): SipHeader | undefined =>
    challenges.find(({ value }) => algorithm.test(value))
  const best =
    isOf(/algorithm\s*=\s*"?SHA-256"?\s*(,|$)/i) ??
    isOf(/algorithm\s*=\s*"?MD5"?\s*(,|$)/i) ??
    challenges.find(({ value }) => !/algorithm\s*=/i.test(value)) ??
    challenges[0]
  const headers = message.headers.filter((entry) => !isChallenge(entry) || entry === best)
  return { ...message, headers }
}

function pickSdp(message: SipMessage): SipMessage {
  const type = header(message, 'content-type') ?? ''
  const boundary = /^multipart\/.*;\s*boundary="?([^";]+)"?/i.exec(type)?.[1]
  if (boundary === undefined) return message
  const parts = message.body.split(`--${boundary}`)
  const part = parts.find((text) => /^content-type:\s*application\/sdp/im.test(text))
  const start = part?.indexOf('\r\n\r\n') ?? -1
  if (part === undefined || start < 0) return message
  const headers = message.headers.map((entry) =>
    entry.name === 'content-type' ? { name: 'content-type', value: 'application/sdp' } : entry,
  )
  return { ...message, headers, body: part.slice(start + 4) }
}
