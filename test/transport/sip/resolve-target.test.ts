import { expect, test } from 'bun:test'
import { resolveTarget, type SipDns } from '#transport/sip/resolve-target.ts'
import { rejection } from '../../support/rejection.ts'

const none = (): Promise<never> => Promise.reject(new Error('ENODATA'))

/** A DNS that knows these names and nothing else. */
function dnsOf(zone: {
  naptr?: Record<string, Awaited<ReturnType<SipDns['naptr']>>>
  srv?: Record<string, Awaited<ReturnType<SipDns['srv']>>>
  addresses?: Record<string, string[]>
}): SipDns {
  return {
    naptr: async (name) => zone.naptr?.[name] ?? none(),
    srv: async (name) => zone.srv?.[name] ?? none(),
    addresses: async (name) => zone.addresses?.[name] ?? none(),
  }
}

test('a number is itself', async () => {
  expect(await resolveTarget('sip:a@192.0.2.1', ['UDP'], dnsOf({}))).toEqual([
    { protocol: 'UDP', host: '192.0.2.1', port: 5_060 },
  ])
  expect(await resolveTarget('<sips:[2001:db8::1]>', ['TLS'], dnsOf({}))).toEqual([
    { protocol: 'TLS', host: '2001:db8::1', port: 5_061 },
  ])
})

test('NAPTR says the protocol, SRV the servers, in their order', async () => {
  const dns = dnsOf({
    naptr: {
      'example.com': [
        { service: 'SIP+D2U', replacement: '_sip._udp.example.com', order: 20 },
        { service: 'SIP+D2T', replacement: '_sip._tcp.example.com', order: 10 },
        { service: 'SIPS+D2T', replacement: '_sips._tcp.example.com', order: 5 },
      ],
    },
    srv: {
      '_sip._tcp.example.com': [
        { name: 'b.example.com', port: 5_070, priority: 2, weight: 0 },
        { name: 'a.example.com', port: 5_060, priority: 1, weight: 0 },
      ],
      '_sip._udp.example.com': [{ name: 'a.example.com', port: 5_060, priority: 1, weight: 0 }],
    },
    addresses: { 'a.example.com': ['192.0.2.1', '192.0.2.2'], 'b.example.com': ['192.0.2.3'] },
  })
  const found = await resolveTarget('sip:x@example.com', ['UDP', 'TCP'], dns)
  expect(found.map(({ protocol, host, port }) => `${protocol} ${host}:${port}`)).toEqual([
    'TCP 192.0.2.1:5060',
    'TCP 192.0.2.2:5060',
    'TCP 192.0.2.3:5070',
    'UDP 192.0.2.1:5060',
    'UDP 192.0.2.2:5060',
  ])
})

test('without records, or with a port, the addresses of the name are used', async () => {
  const dns = dnsOf({
    srv: { '_sip._udp.example.com': [{ name: 'no', port: 1, priority: 1, weight: 1 }] },
    addresses: { 'example.com': ['192.0.2.9'], 'plain.example': ['192.0.2.8'] },
  })
  expect(await resolveTarget('sip:x@example.com:5080', ['UDP'], dns)).toMatchObject([
    { protocol: 'UDP', host: '192.0.2.9', port: 5_080, serverName: 'example.com' },
  ])
  expect(await resolveTarget('sip:x@plain.example', ['UDP'], dns)).toMatchObject([
    { host: '192.0.2.8', port: 5_060 },
  ])
})

test('a name that nobody knows is unreachable, and what is no URI is said to be none', async () => {
  const unknown = rejection(resolveTarget('sip:x@nowhere.example', ['UDP'], dnsOf({})))
  expect(await unknown).toMatchObject({ code: 'unreachable' })
  const bad = rejection(resolveTarget('mailto:x@y', ['UDP'], dnsOf({})))
  expect(await bad).toMatchObject({ code: 'bad_uri' })
})
