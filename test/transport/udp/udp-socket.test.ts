import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { UdpSocket } from '#transport/udp/udp-socket.ts'
import { rejection } from '../../support/rejection.ts'
import { until } from '../../support/until.ts'

const opened: UdpSocket[] = []
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close()
})

interface Datagram {
  readonly text: string
  readonly port: number
  readonly address: string
}

async function open(host: string): Promise<{ socket: UdpSocket; received: Datagram[] }> {
  const received: Datagram[] = []
  const socket = await UdpSocket.open({ host, port: 0 }, (bytes, port, address) =>
    received.push({ text: new TextDecoder().decode(bytes), port, address }),
  )
  opened.push(socket)
  return { socket, received }
}

const MAX_BUFFER_FILE = '/proc/sys/net/core/rmem_max'
const canGrow =
  existsSync(MAX_BUFFER_FILE) && Number(readFileSync(MAX_BUFFER_FILE, 'utf8')) >= 2 ** 21

const bytes = (text: string) => new TextEncoder().encode(text)

/** A port that nothing listens at. */
async function deadPort(host: string): Promise<number> {
  const { socket } = await open(host)
  socket.close()
  return socket.port
}

describe('UdpSocket', () => {
  test.each(['127.0.0.1', '::1'])(
    'sends to two dead peers and a live one of %s in turn and loses nothing',
    async (host) => {
      const { socket } = await open(host)
      const live = await open(host)
      const dead = [await deadPort(host), await deadPort(host)]
      for (let i = 0; i < 200; i += 1) {
        for (const port of dead) expect(socket.send(bytes('x'), port, host)).toBe(true)
        expect(socket.send(bytes(String(i)), live.socket.port, host)).toBe(true)
        // Errors may be waiting when the event loop looks, and when it does not.
        if (i % 3 === 0) await Bun.sleep(0)
      }
      await until(() => live.received.length === 200)
      expect(live.received.map(({ text }) => Number(text))).toEqual([...Array(200).keys()])
      expect(socket.stats).toMatchObject({ sent: 600, unsent: 0 })
      expect(socket.stats.retried).toBeGreaterThan(100)
    },
  )

  test('goes on receiving after an error', async () => {
    const { socket, received } = await open('127.0.0.1')
    const other = await open('127.0.0.1')
    socket.send(bytes('x'), await deadPort('127.0.0.1'), '127.0.0.1')
    await until(() => socket.stats.errors > 0)
    other.socket.send(bytes('hello'), socket.port, '127.0.0.1')
    await until(() => received.length === 1)
    expect(received[0]).toEqual({ text: 'hello', port: other.socket.port, address: '127.0.0.1' })
  })

  test('counts a receiver that throws, and goes on', async () => {
    const { socket, received } = await open('127.0.0.1')
    const { socket: other } = await open('127.0.0.1')
    socket.onDatagram = () => {
      throw new Error('on purpose')
    }
    other.send(bytes('one'), socket.port, '127.0.0.1')
    await until(() => socket.stats.faults === 1)
    socket.onDatagram = (_, port, address) => received.push({ text: 'two', port, address })
    other.send(bytes('two'), socket.port, '127.0.0.1')
    await until(() => received.length === 1)
  })

  test('spells the address of an IPv4 peer of a socket of both families as IPv4', async () => {
    const { socket, received } = await open('::')
    const { socket: other, received: answers } = await open('127.0.0.1')
    other.send(bytes('x'), socket.port, '127.0.0.1')
    await until(() => received.length === 1)
    const [{ address, port }] = received as [Datagram]
    expect(address).toBe('127.0.0.1')
    socket.send(bytes('y'), port, address)
    await until(() => answers.length === 1)
  })

  test.each([
    ['no address', 'somewhere', 9],
    ['no port', '127.0.0.1', 0],
    ['an address of another family', '::1', 9],
  ])('counts what cannot be sent and does not throw: %s', async (_, address, port) => {
    const { socket } = await open('127.0.0.1')
    expect(socket.send(bytes('x'), port, address)).toBe(false)
    expect(socket.stats).toMatchObject({ sent: 0, unsent: 1 })
  })

  test('counts a datagram that is too long', async () => {
    const { socket } = await open('127.0.0.1')
    expect(socket.send(new Uint8Array(70_000), 9, '127.0.0.1')).toBe(false)
  })

  test.skipIf(!canGrow)(
    'holds what comes while the process is busy (needs Linux with rmem_max of 2 MiB)',
    async () => {
      let received = 0
      const options = { host: '127.0.0.1', port: 0, receiveBufferBytes: 2 ** 21 }
      const socket = await UdpSocket.open(options, () => {
        received += 1
      })
      opened.push(socket)
      expect(socket.receiveBufferBytes).toBe(2 ** 21)
      const { socket: other } = await open('127.0.0.1')
      const packet = new Uint8Array(172)
      for (let i = 0; i < 2000; i += 1) other.send(packet, socket.port, '127.0.0.1')
      await until(() => received === 2000)
    },
  )

  test('sends nothing after it was closed, twice', async () => {
    const { socket } = await open('127.0.0.1')
    socket.close()
    socket.close()
    expect(socket.send(bytes('x'), 9, '127.0.0.1')).toBe(false)
  })

  test('says whether a port is taken or a host is not ours', async () => {
    const { socket } = await open('127.0.0.1')
    const nowhere = () => {}
    const taken = UdpSocket.open({ host: '127.0.0.1', port: socket.port }, nowhere)
    expect(await rejection(taken)).toMatchObject({ code: 'port_in_use' })
    const foreign = UdpSocket.open({ host: '203.0.113.9', port: 0 }, nowhere)
    expect(await rejection(foreign)).toMatchObject({ code: 'bind_failed' })
  })
})
