import { networkInterfaces } from 'node:os'

/** An address that others can use, where all of the machine's are listened on; else `host` itself. */
export function ownAddress(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const family = host === '::' ? 'IPv6' : 'IPv4'
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const found = all.find((entry) => !entry.internal && entry.family === family)
  return found?.address ?? (host === '::' ? '::1' : '127.0.0.1')
}
