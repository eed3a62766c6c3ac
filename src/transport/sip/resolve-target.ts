import { resolve4, resolve6, resolveNaptr, resolveSrv } from 'node:dns/promises'
import { addressOf, parseSipUri } from './message/sip-uri.ts'
import { SipError } from './sip-error.ts'
import { isNumeric, type SipAddress, type SipProtocol } from './wire/sip-address.ts'

/** The questions that are asked of the DNS; a name without such records rejects. */
export interface SipDns {
  naptr(name: string): Promise<readonly { service: string; replacement: string; order: number }[]>
  srv(
    name: string,
  ): Promise<readonly { name: string; port: number; priority: number; weight: number }[]>
  addresses(name: string): Promise<readonly string[]>
}

export const systemDns: SipDns = {
  naptr: resolveNaptr,
  srv: resolveSrv,
  async addresses(name) {
    const found = await Promise.allSettled([resolve4(name), resolve6(name)])
    return found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  },
}

/** RFC 3263 §4.1: how NAPTR and SRV name the protocols. */
const SERVICES: Readonly<Record<string, SipProtocol>> = {
  'SIP+D2U': 'UDP',
  'SIP+D2T': 'TCP',
  'SIPS+D2T': 'TLS',
}
const SRV_PREFIX: Readonly<Record<Exclude<SipProtocol, 'WS'>, string>> = {
  UDP: '_sip._udp.',
  TCP: '_sip._tcp.',
  TLS: '_sips._tcp.',
}

interface Server {
  readonly protocol: SipProtocol
  readonly name: string
  readonly port: number
}

/**
 * The addresses behind a URI, in the order in which they are to be tried (RFC 3263 §4):
 *
 *     192.0.2.1            itself
 *     name with a port     its addresses
 *     name                 NAPTR ─► SRV ─► addresses, or its addresses at 5060
 *
 * Rejects with `bad_uri` and `unreachable`.
 */
export async function resolveTarget(
  uri: string,
  open: readonly SipProtocol[],
  dns: SipDns = systemDns,
): Promise<readonly SipAddress[]> {
  const target = parseSipUri(uri)
  const direct = addressOf(target)
  if (isNumeric(target.host)) return [direct]
  const servers =
    target.port === undefined ? await findServers(target.host, target.protocol, open, dns) : []
  const chosen = servers.length > 0 ? servers : [{ ...direct, name: target.host }]
  const found: SipAddress[] = []
  for (const { protocol, name, port } of chosen) {
    const hosts = name === 'localhost' ? ['127.0.0.1'] : await dns.addresses(name).catch(() => [])
    for (const host of hosts) found.push({ protocol, host, port, serverName: target.host })
  }
  if (found.length === 0) throw new SipError('unreachable', `no address is known of ${target.host}`)
  return found
}

async function findServers(
  host: string,
  wanted: SipProtocol | undefined,
  open: readonly SipProtocol[],
  dns: SipDns,
): Promise<Server[]> {
  const records = wanted === undefined ? await dns.naptr(host).catch(() => []) : []
  const offered = records
    .toSorted((a, b) => a.order - b.order)
    .flatMap(({ service, replacement }) => {
      const protocol = SERVICES[service.toUpperCase()]
      return protocol !== undefined && open.includes(protocol) ? [{ protocol, replacement }] : []
    })
  const guessed = (wanted === undefined ? open : [wanted]).flatMap((protocol) =>
    protocol === 'WS' ? [] : [{ protocol, replacement: SRV_PREFIX[protocol] + host }],
  )
  const servers: Server[] = []
  for (const { protocol, replacement } of offered.length > 0 ? offered : guessed) {
    const found = await dns.srv(replacement).catch(() => [])
    // RFC 2782: by priority; weights only spread the load of many clients.
    const sorted = found.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
    for (const { name, port } of sorted) servers.push({ protocol, name, port })
  }
  return servers
}
