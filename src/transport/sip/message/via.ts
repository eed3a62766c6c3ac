import type { SipAddress, SipProtocol } from '../wire/sip-address.ts'
import { isOverlong, parameterOf, type SipMessage } from './sip-message.ts'

/**
 * Via says where the response to a request goes: each hop puts its own on top, and the response
 * takes them off again (RFC 3261 §18). What the sender writes there is what it believes its address
 * to be; behind NAT that is wrong, so the receiver adds what it has seen (RFC 3581):
 *
 *     Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK776;rport
 *     Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK776;received=198.51.100.7;rport=41812
 */
const VIA =
  /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z]+)\s+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?:\s*:\s*(\d{1,5}))?/

/** The message with the source written into its topmost Via, whatever stood there before. */
export function stampSource(message: SipMessage, source: SipAddress): SipMessage {
  const index = message.headers.findIndex(({ name }) => name === 'via')
  const via = message.headers[index]
  // One that is too long is refused by the check that follows, and not searched through here.
  if (via === undefined || isOverlong(via)) return message
  const clean = via.value
    .replace(/;\s*received\s*=\s*[^;,\s]*/gi, '')
    .replace(/;\s*rport\s*(=\s*\d*)?(?=\s*(;|$))/gi, '')
    .replace(/^SIP\s*\/\s*2\.0\s*\/\s*/i, 'SIP/2.0/')
  // RFC 3261 §17.2.3: peers of RFC 2543 send no branch; the engine needs one to tell them apart.
  const branch = /;\s*branch\s*=\s*[^;,\s]/i.test(clean) ? '' : `;branch=${branchless(message)}`
  const value = `${clean}${branch};received=${source.host};rport=${source.port}`
  return { ...message, headers: message.headers.with(index, { name: 'via', value }) }
}

/** Where the response with this topmost Via goes; undefined when it cannot be read. */
export function responseAddress(via: string): SipAddress | undefined {
  const match = VIA.exec(via)
  const sentBy = match?.[2]?.replace(/^\[|\]$/g, '')
  if (match === null || sentBy === undefined) return undefined
  const protocol = (match[1] ?? '').toUpperCase()
  const port = parameterOf(via, 'rport') ?? match[3] ?? (protocol === 'TLS' ? '5061' : '5060')
  return {
    protocol: isProtocol(protocol) ? protocol : 'UDP',
    host: parameterOf(via, 'received') ?? sentBy,
    port: Number(port),
  }
}

export function branchOf(via: string): string {
  return parameterOf(via, 'branch') ?? ''
}

function branchless(message: SipMessage): string {
  const names = ['call-id', 'from', 'cseq']
  const values = message.headers.filter(({ name }) => names.includes(name)).map((h) => h.value)
  return `z9hG4bKnone${Bun.hash(values.join()).toString(36)}`
}

function isProtocol(name: string): name is SipProtocol {
  return name === 'UDP' || name === 'TCP' || name === 'TLS' || name === 'WS'
}
