import { isIP, isIPv6 } from 'node:net'

export type SipProtocol = 'UDP' | 'TCP' | 'TLS' | 'WS'

/** One end of the wire. For TCP and TLS it also names the connection. */
export interface SipAddress {
  readonly protocol: SipProtocol
  /** A numeric address without brackets, or a name that is still to be looked up. */
  readonly host: string
  readonly port: number
  /** The name that the certificate of a TLS server must have, where `host` is its address. */
  readonly serverName?: string
}

/** `192.0.2.1:5060` or `[2001:db8::1]:5060`. */
export function formatHostPort({ host, port }: Pick<SipAddress, 'host' | 'port'>): string {
  return `${bracketed(host)}:${port}`
}

/** An IPv6 address as it stands in a URI. */
export function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

export function isNumeric(host: string): boolean {
  return isIP(host) !== 0
}

/** Addresses that mean nothing outside their own network (RFC 1918, 6598, 3927, 4193). */
export function isPrivate(host: string): boolean {
  return /^(10\.|127\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/i.test(
    host,
  )
}
