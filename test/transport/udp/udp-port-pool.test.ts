import { afterEach, describe, expect, test } from 'bun:test'
import { UdpPortPool, type UdpPorts } from '#transport/udp/udp-port-pool.ts'
import { UdpSocket } from '#transport/udp/udp-socket.ts'
import { rejection } from '../../support/rejection.ts'

const HOST = '127.0.0.1'
const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

/** Below those that the system gives away by itself. */
let nextRange = 20_000 + Math.floor(Math.random() * 400) * 20

/** A range of ports that are free at present. */
async function freeRange(count: number): Promise<{ minPort: number; maxPort: number }> {
  for (let tries = 0; tries < 50; tries += 1) {
    const minPort = nextRange
    nextRange += count + (count % 2)
    const ports = Array.from({ length: count }, (_, i) => minPort + i)
    const sockets = await Promise.allSettled(
      ports.map((port) => UdpSocket.open({ host: HOST, port }, () => {})),
    )
    for (const each of sockets) if (each.status === 'fulfilled') each.value.close()
    if (sockets.every(({ status }) => status === 'fulfilled')) {
      return { minPort, maxPort: minPort + count - 1 }
    }
  }
  throw new Error(`there are no ${count} free ports`)
}

async function open(pool: UdpPortPool, isMuxed = false): Promise<UdpPorts> {
  const ports = await pool.open({ isMuxed })
  opened.push(ports)
  return ports
}

describe('UdpPortPool', () => {
  test('gives RTP an even port and RTCP the next one, each once', async () => {
    const range = await freeRange(10)
    const pool = new UdpPortPool({ host: HOST, ...range })
    const all = await Promise.all(Array.from({ length: 5 }, () => open(pool)))
    for (const { rtp, rtcp } of all) {
      expect(rtp.port % 2).toBe(0)
      expect(rtcp?.port).toBe(rtp.port + 1)
    }
    expect(new Set(all.map(({ rtp }) => rtp.port)).size).toBe(5)
    expect(pool.busyCount).toBe(10)
  })

  test('uses no port beyond an odd end of the range', async () => {
    const { minPort } = await freeRange(4)
    const pool = new UdpPortPool({ host: HOST, minPort: minPort + 1, maxPort: minPort + 2 })
    expect(await rejection(pool.open())).toMatchObject({ code: 'no_ports' })
  })

  test('gives both the same port where they share one', async () => {
    const range = await freeRange(2)
    const pool = new UdpPortPool({ host: HOST, ...range })
    const all = [await open(pool, true), await open(pool, true)]
    expect(all.map(({ rtcp }) => rtcp)).toEqual([undefined, undefined])
    expect(new Set(all.map(({ rtp }) => rtp.port)).size).toBe(2)
  })

  test('says that there are none when all are taken, and has some again later', async () => {
    const range = await freeRange(4)
    const pool = new UdpPortPool({ host: HOST, ...range, restMs: 0 })
    const first = await open(pool)
    await open(pool)
    expect(await rejection(pool.open())).toMatchObject({ code: 'no_ports' })
    expect(pool.stats.refused).toBe(1)
    first.close()
    first.close()
    expect((await open(pool)).rtp.port).toBe(first.rtp.port)
  })

  test('leaves a port alone for a moment after it was given back', async () => {
    const range = await freeRange(2)
    const pool = new UdpPortPool({ host: HOST, ...range, restMs: 50 })
    const ports = await open(pool)
    ports.close()
    const closedAtMs = performance.now()
    expect(await rejection(pool.open())).toMatchObject({ code: 'no_ports' })
    await Bun.sleep(60 - (performance.now() - closedAtMs))
    await open(pool)
  })

  test('passes over ports that another program has', async () => {
    const range = await freeRange(4)
    opened.push(await UdpSocket.open({ host: HOST, port: range.minPort + 1 }, () => {}))
    const pool = new UdpPortPool({ host: HOST, ...range })
    expect((await open(pool)).rtp.port).toBe(range.minPort + 2)
    expect(await rejection(pool.open())).toMatchObject({ code: 'no_ports' })
    expect(pool.busyCount).toBe(2)
  })

  test('does not take a wrong host for ports that are in use', async () => {
    const pool = new UdpPortPool({ host: '203.0.113.9', minPort: 20_000, maxPort: 29_999 })
    expect(await rejection(pool.open())).toMatchObject({ code: 'bind_failed' })
    expect(pool.busyCount).toBe(0)
  })

  test('does not begin at the same port each time', async () => {
    const range = { host: HOST, minPort: 20_000, maxPort: 59_999 }
    const firsts = new Set<number>()
    for (let i = 0; i < 5; i += 1) firsts.add((await open(new UdpPortPool(range))).rtp.port)
    expect(firsts.size).toBeGreaterThan(1)
  })
})
