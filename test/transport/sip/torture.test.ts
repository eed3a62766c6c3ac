import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { SipEndpoint } from '#transport/sip/sip-endpoint.ts'
import { createTestMedia, startEndpoint, until } from './sip-fixture.ts'
import { tortureMessages } from './torture-messages.ts'

let endpoint: SipEndpoint
let socket: Bun.udp.Socket<'buffer'>
const replies: string[] = []

beforeAll(async () => {
  endpoint = await startEndpoint({
    onInvite: (call) => {
      call.attach({ onEnded: () => undefined })
      try {
        call.accept(createTestMedia().media)
      } catch {
        call.reject({ code: 488 })
      }
    },
  })
  socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    socket: { data: (_socket, data) => void replies.push(data.toString('latin1')), error() {} },
  })
})

afterAll(async () => {
  socket.close()
  await endpoint.close()
})

let probes = 0

/** Whether an OPTIONS is answered; what was sent before has been dealt with then. */
async function isAlive(): Promise<boolean> {
  probes += 1
  const callId = `probe-${probes}`
  const lines = [
    'OPTIONS sip:a@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${callId};rport`,
    'From: <sip:t@127.0.0.1>;tag=1',
    'To: <sip:e@127.0.0.1>',
    `Call-ID: ${callId}`,
    'CSeq: 1 OPTIONS',
    '\r\n',
  ]
  socket.send(lines.join('\r\n'), endpoint.port('UDP') ?? 0, '127.0.0.1')
  await until(() => replies.some((reply) => reply.includes(callId)))
  return true
}

describe('messages that are malformed or rare', () => {
  const count = tortureMessages(0, 0).length
  test.each(Array.from({ length: count }, (_, i) => [tortureMessages(0, 0)[i]?.name ?? '', i]))(
    '%s: answered or dropped as the RFCs say',
    async (_name, index) => {
      const message = tortureMessages(endpoint.port('UDP') ?? 0, socket.port)[Number(index)]
      if (message === undefined) throw new Error('no such message')
      replies.length = 0
      socket.send(message.bytes, endpoint.port('UDP') ?? 0, '127.0.0.1')
      expect(await isAlive()).toBe(true)
      const statuses = replies
        .filter((reply) => !reply.includes('probe-') && !reply.startsWith('SIP/2.0 100'))
        .map((reply) => Number(reply.slice(8, 11)))
      expect(message.wanted).toContain(statuses[0] ?? 'nothing')
    },
  )

  test('none of them was a fault of the program', () => {
    expect(endpoint.stats['faults']).toBe(0)
  })
})

test('whatever bytes come, the endpoint goes on answering', async () => {
  const port = endpoint.port('UDP') ?? 0
  const seeds = tortureMessages(port, socket.port).filter(({ bytes }) => bytes.length < 1_000)
  const change = fc.tuple(
    fc.nat(seeds.length - 1),
    fc.nat(999),
    fc.uint8Array({ maxLength: 20 }),
    fc.nat(30),
  )
  for (const batch of fc.sample(fc.array(change, { minLength: 20, maxLength: 20 }), 25)) {
    for (const [which, at, bytes, cut] of batch) {
      const seed = seeds[which]?.bytes ?? Buffer.alloc(0)
      socket.send(
        Buffer.concat([seed.subarray(0, at), bytes, seed.subarray(at + cut)]),
        port,
        '127.0.0.1',
      )
    }
    expect(await isAlive()).toBe(true)
  }
}, 10_000)
