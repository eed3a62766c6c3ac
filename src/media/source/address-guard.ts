import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { MediaError } from './media-error.ts'

/** Addresses that are nobody's on the public internet (IANA special-purpose registries, mostly). */
const PRIVATE_V4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Public by its number, but the inside of every machine at Azure.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/**
 * Global unicast is 2000::/3; of that, these parts are not, or hide an IPv4 address. Other addresses
 * that hide one (mapped, NAT64) lie outside.
 */
const PUBLIC_V6 = ['2000::', 3] as const
const PRIVATE_V6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const privateV4 = new BlockList()
for (const [network, prefix] of PRIVATE_V4) privateV4.addSubnet(network, prefix, 'ipv4')
const publicV6 = new BlockList()
publicV6.addSubnet(...PUBLIC_V6, 'ipv6')
const privateV6 = new BlockList()
for (const [network, prefix] of PRIVATE_V6) privateV6.addSubnet(network, prefix, 'ipv6')

/** Whether an IP address belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !privateV4.check(address, 'ipv4')
    case 6:
      return publicV6.check(address, 'ipv6') && !privateV6.check(address, 'ipv6')
    default:
      return false
  }
}

export interface Address {
  readonly address: string
  readonly family: number
}

/** Finds the addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>

const resolveByDns: Resolve = (hostname) => lookup(hostname, { all: true })

/**
 * Decides which addresses of a host may be connected to. The caller connects to one of the answer,
 * not to the name, so that a second look-up cannot lead elsewhere (DNS rebinding).
 *
 * @throws {MediaError} `forbidden` for a private address, `network` when the name is unknown.
 */
export async function allowedAddresses(
  hostname: string,
  allowPrivate: boolean,
  resolve: Resolve = resolveByDns,
): Promise<readonly Address[]> {
  const literal = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(literal)
  const addresses = family > 0 ? [{ address: literal, family }] : await find(literal, resolve)
  const allowed = allowPrivate
    ? addresses
    : addresses.filter(({ address }) => isPublicAddress(address))
  if (allowed.length > 0) return allowed
  const message = `url: ${hostname} is a private address; PLAY_ALLOW_PRIVATE=true would allow it`
  throw new MediaError('forbidden', message)
}

async function find(hostname: string, resolve: Resolve): Promise<readonly Address[]> {
  try {
    const addresses = await resolve(hostname)
    if (addresses.length > 0) return addresses
  } catch (cause) {
    throw new MediaError('network', `url: the host ${hostname} was not found`, { cause })
  }
  throw new MediaError('network', `url: the host ${hostname} has no address`)
}
