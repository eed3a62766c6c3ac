import { afterEach, describe, expect, test } from 'bun:test'
import type { RtpPort } from '#transport/rtp/rtp-port.ts'
import { SharedRtpPort } from '#transport/rtp/shared-rtp-port.ts'
import { until } from '../../support/until.ts'
import { Phone, type PhoneOptions } from './phone.ts'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

function keep<T extends { close(): void }>(thing: T): T {
  opened.push(thing)
  return thing
}

async function openShared(): Promise<SharedRtpPort> {
  return keep(await SharedRtpPort.open({ host: '127.0.0.1', port: 0 }))
}

async function openPhone(options?: PhoneOptions): Promise<Phone> {
  return keep(await Phone.open(options))
}

interface Listening {
  readonly channel: RtpPort
  readonly heard: string[]
  readonly rtcp: Uint8Array[]
}

/** A channel that writes down the first letter of each packet. */
function listen(shared: SharedRtpPort): Listening {
  const heard: string[] = []
  const rtcp: Uint8Array[] = []
  const channel = keep(shared.createChannel())
  channel.attach({
    onRtp: (bytes) => heard.push(String.fromCharCode(bytes[12] ?? 0)),
    onRtcp: (bytes) => rtcp.push(bytes),
  })
  return { channel, heard, rtcp }
}

const letter = (text: string) => new TextEncoder().encode(text)

describe('SharedRtpPort', () => {
  test('gives each of 20 calls what its far end sends, and nothing else', async () => {
    const shared = await openShared()
    const phones = await Promise.all(Array.from({ length: 20 }, () => openPhone()))
    const calls = phones.map(({ address, port }) => {
      const listening = listen(shared)
      listening.channel.expect({ address, port })
      return listening
    })
    for (let round = 0; round < 10; round += 1) {
      for (const [i, phone] of phones.entries()) phone.say(shared, Uint8Array.of(65 + i))
      await Bun.sleep(0)
    }
    await until(() => calls.every(({ heard }) => heard.length === 10))
    for (const [i, { heard }] of calls.entries()) {
      expect(new Set(heard)).toEqual(new Set([String.fromCharCode(65 + i)]))
    }
    expect(shared.stats).toEqual({ strangers: 0, ambiguous: 0 })
    for (const { channel } of calls) channel.close()
    expect(shared.channelCount).toBe(0)
    phones[0]!.say(shared, letter('x'))
    await until(() => shared.stats.strangers === 1)
  })

  test('finds the call that waits for a far end behind a NAT by its address', async () => {
    const shared = await openShared()
    const phone = await openPhone({ host: '127.0.0.1' })
    const elsewhere = listen(shared)
    elsewhere.channel.expect({ address: '198.51.100.1', port: 4000 })
    const { channel, heard } = listen(shared)
    channel.expect({ address: '10.0.0.7', port: 4000, natAddress: '127.0.0.1' })
    phone.say(shared, letter('a'))
    await until(() => heard.length === 1)
    channel.claim(phone.ssrc, phone.port, '127.0.0.1')
    phone.say(shared, letter('b'))
    await until(() => heard.length === 2)
    // Once it is found nobody else of that address is taken for it.
    const other = await openPhone()
    other.say(shared, letter('x'))
    await until(() => shared.stats.strangers === 1)
    expect(heard).toEqual(['a', 'b'])
    expect(elsewhere.heard).toEqual([])
  })

  test('gives nobody what may be of several', async () => {
    const shared = await openShared()
    const calls = [listen(shared), listen(shared)]
    for (const { channel } of calls) channel.expect({ address: '127.0.0.1', port: 9 })
    const phone = await openPhone()
    phone.say(shared, letter('x'))
    await until(() => shared.stats.ambiguous === 1)
    expect(calls.flatMap(({ heard }) => heard)).toEqual([])
  })

  test('tells calls of a far end with one port for all apart by SSRC', async () => {
    const shared = await openShared()
    const phone = await openPhone({ ssrc: 7 })
    const { address, port } = phone
    const first = listen(shared)
    first.channel.expect({ address, port })
    phone.say(shared, letter('a'))
    await until(() => first.heard.length === 1)
    first.channel.claim(7, port, address)
    const second = listen(shared)
    second.channel.expect({ address, port })
    phone.say(shared, letter('b'))
    await until(() => first.heard.length === 2)
    const header = Uint8Array.of(0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8, 99)
    phone.throwAt(shared, header)
    await until(() => second.heard.length === 1)
    second.channel.claim(8, port, address)
    phone.say(shared, letter('d'))
    await until(() => first.heard.length === 3)
    expect(first.heard).toEqual(['a', 'b', 'd'])
    expect(second.heard).toEqual(['c'])
  })

  test('still knows the announced place when somebody else was taken for the far end', async () => {
    const shared = await openShared()
    const [phone, stranger] = [await openPhone(), await openPhone()]
    const { channel, heard } = listen(shared)
    channel.expect({ address: phone.address, port: phone.port })
    stranger.say(shared, letter('x'))
    await until(() => heard.length === 1)
    channel.claim(stranger.ssrc, stranger.port, stranger.address)
    phone.say(shared, letter('a'))
    await until(() => heard.length === 2)
    channel.claim(phone.ssrc, phone.port, phone.address)
    stranger.say(shared, letter('y'))
    await until(() => shared.stats.strangers === 1)
    expect(heard).toEqual(['x', 'a'])
    channel.close()
    phone.say(shared, letter('b'))
    await until(() => shared.stats.strangers === 2)
  })

  test('finds a call whose far end has moved by its SSRC, and RTCP from another port', async () => {
    const shared = await openShared()
    const phone = await openPhone({ ssrc: 7 })
    const { channel, heard, rtcp } = listen(shared)
    channel.expect({ address: phone.address, port: phone.port })
    channel.claim(7, phone.port, phone.address)
    const moved = await openPhone({ ssrc: 7 })
    moved.say(shared, letter('m'))
    await until(() => heard.length === 1)
    const report = Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 7)
    moved.throwAt(shared, report)
    await until(() => rtcp.length === 1)
    expect(rtcp[0]).toEqual(report)
  })

  test('still knows the announced place after the far end has moved away and comes back', async () => {
    const shared = await openShared()
    const [home, abroad] = [await openPhone({ ssrc: 7 }), await openPhone({ ssrc: 7 })]
    const { channel, heard } = listen(shared)
    channel.expect({ address: home.address, port: home.port })
    channel.claim(7, home.port, home.address)
    channel.claim(7, abroad.port, abroad.address)
    channel.claim(8, abroad.port, abroad.address)
    home.say(shared, letter('h'))
    await until(() => heard.length === 1)
  })

  test('drops what is no RTP at all', async () => {
    const shared = await openShared()
    const phone = await openPhone()
    const { channel, heard, rtcp } = listen(shared)
    channel.expect({ address: phone.address, port: phone.port })
    const noise = ['', '\0', '\x80', '\x80\xc8', 'GET / HTTP/1.1\r\n\r\n', '\x00\x01\x00\x00aaaa']
    for (const text of noise)
      phone.throwAt(
        shared,
        Uint8Array.from(text, (c) => c.charCodeAt(0)),
      )
    await until(() => shared.stats.strangers >= 5)
    expect([...heard, ...rtcp]).toEqual([])
  })
})
