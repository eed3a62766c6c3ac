import { SipError } from '../sip-error.ts'
import type { SipAddress, SipProtocol } from '../wire/sip-address.ts'

/** Where a `sip:` or `sips:` URI points (RFC 3261 §19.1). */
export interface SipUri {
  readonly user: string | undefined
  readonly host: string
  /** Absent: by DNS, else 5060 or 5061. */
  readonly port: number | undefined
  /** Absent: by DNS, else UDP. */
  readonly protocol: SipProtocol | undefined
}

const URI = /^(sips?):(?:([^@]*)@)?(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(?::(\d{1,5}))?([;?].*)?$/i

/** Parses a URI, with or without the angle brackets around it. Throws `bad_uri`. */
export function parseSipUri(text: string): SipUri {
  const bare = text
    .replace(/^[^<]*</, '')
    .replace(/>.*$/s, '')
    .trim()
  const match = URI.exec(bare)
  const host = match?.[3]
  if (match === null || host === undefined) {
    throw new SipError('bad_uri', `not a SIP URI: ${bare.slice(0, 80)}`)
  }
  const parameters = match[5] ?? ''
  const transport = /;transport=(\w+)/i.exec(parameters)?.[1]?.toUpperCase()
  const maddr = /;maddr=([^;?]+)/i.exec(parameters)?.[1]
  const isSecure = match[1]?.toLowerCase() === 'sips' || transport === 'TLS'
  return {
    user: match[2]?.replace(/:.*$/, ''),
    host: (maddr ?? host).replace(/^\[|\]$/g, ''),
    port: match[4] === undefined ? undefined : Number(match[4]),
    protocol: isSecure ? 'TLS' : transport === 'TCP' || transport === 'UDP' ? transport : undefined,
  }
}

/** The Route header value that leads through `proxy`. Throws `bad_uri`. */
export function routeThrough(proxy: string): string {
  parseSipUri(proxy)
  const uri = proxy.replace(/^<|>$/g, '')
  if (/[<>\s]/.test(uri)) throw new SipError('bad_uri', `not a SIP URI: ${proxy}`)
  return /;lr\b/i.test(uri) ? `<${uri}>` : `<${uri};lr>`
}

/** The address a URI means when nobody asks the DNS. */
export function addressOf({ host, port, protocol }: SipUri): SipAddress {
  return { protocol: protocol ?? 'UDP', host, port: port ?? (protocol === 'TLS' ? 5061 : 5060) }
}
