import { BlockList, isIP } from 'node:net'

/** Addresses that nobody on the public internet can be reached at (RFC 6890). */
const PRIVATE = new BlockList()
PRIVATE.addSubnet('0.0.0.0', 8)
PRIVATE.addSubnet('10.0.0.0', 8)
PRIVATE.addSubnet('100.64.0.0', 10)
PRIVATE.addSubnet('127.0.0.0', 8)
PRIVATE.addSubnet('169.254.0.0', 16)
PRIVATE.addSubnet('172.16.0.0', 12)
PRIVATE.addSubnet('192.168.0.0', 16)
PRIVATE.addSubnet('::', 127, 'ipv6')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')
PRIVATE.addSubnet('fe80::', 10, 'ipv6')

const MAPPED = '::ffff:'

/**
 * The one spelling of an IP address that sockets use, so that spellings of a far end can be
 * compared with it; `undefined` for what is no address, a host name included.
 */
export function canonicalAddress(text: string): string | undefined {
  const address = unmapped(text)
  switch (isIP(address)) {
    case 4:
      return address
    case 6:
      return canonicalV6(address)
    default:
      return undefined
  }
}

/** An IPv4 address that a socket of both families spells as IPv6 (RFC 4291 §2.5.5.2), without it. */
export function unmapped(address: string): string {
  const isMapped = address.startsWith(MAPPED) && address.includes('.')
  return isMapped ? address.slice(MAPPED.length) : address
}

/** Whether packets from `address` cannot come over the internet: a NAT stands in between. */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Whether `address` means nobody: an old way to say hold (RFC 3264 §8.4). */
export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

function canonicalV6(address: string): string {
  // A zone has no place in a URL; sockets report it as it is.
  if (address.includes('%')) return address
  return new URL(`http://[${address}]/`).hostname.slice(1, -1)
}
