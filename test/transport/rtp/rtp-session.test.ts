import { describe, expect, test } from 'bun:test'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { parseRtcp } from '#rtp/parse-rtcp.ts'
import { createSdesKey } from '#rtp/srtp/sdes.ts'
import { SharedRtpPort } from '#transport/rtp/shared-rtp-port.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { until } from '../../support/until.ts'
import type { Phone } from './phone.ts'
import { CallBench, purityDb, tonePlayback } from './session-fixtures.ts'

function expectContinuous(phone: Phone): void {
  for (const [i, packet] of phone.heard.entries()) {
    const before = phone.heard[i - 1]
    if (before === undefined) continue
    expect((packet.sequenceNumber - before.sequenceNumber) & 0xffff).toBe(1)
    expect((packet.timestamp - before.timestamp) >>> 0).toBe(160)
  }
}

/** In real time, beside the others: most of it is waiting. */
function liveTest(name: string, run: (bench: CallBench) => Promise<void>): void {
  test.concurrent(name, async () => {
    const bench = new CallBench()
    try {
      await run(bench)
    } finally {
      bench.close()
    }
  })
}

/** The tone and no other; stretching and concealment draw it a little broader. */
function expectTone(samples: Int16Array, frequencyHz: number): void {
  const found = findTones(samples, 8000)
  expect(found.length).toBeGreaterThan(0)
  for (const each of found) expect(each).toBeWithin(frequencyHz - 50, frequencyHz + 51)
}

describe('RtpSession', () => {
  liveTest('sends all the time, silence where there is nothing to say', async (bench) => {
    const phone = await bench.phone()
    const { configure, player } = await bench.call()
    configure(phone)
    const startMs = performance.now()
    await until(() => phone.heard.length === 10)
    player.start(tonePlayback(8000, 440, 300), { onEnd() {} })
    await until(() => phone.heard.length === 40)
    expect(performance.now() - startMs).toBeGreaterThan(38 * 20)
    expectContinuous(phone)
    const sound = phone.heard.filter(({ payload }) => payload.some((byte) => byte !== 0xff))
    expect(sound.length).toBe(15)
    expect(
      phone
        .samples(pcmu)
        .subarray(0, 800)
        .every((sample) => sample === 0),
    ).toBe(true)
  })

  liveTest('sends what a player plays whole, through stops and starts', async (bench) => {
    const phone = await bench.phone()
    const { configure, player, session } = await bench.call()
    configure(phone)
    for (let i = 0; i < 5; i += 1) {
      player.start(tonePlayback(8000, 500), { onEnd() {} })
      await Bun.sleep(70 + 7 * i)
      player.stop()
      if (i % 2 === 0) await Bun.sleep(30)
    }
    player.start(tonePlayback(8000, 500), { onEnd() {} })
    await until(() => phone.heard.length > 60)
    expectContinuous(phone)
    expect(session.stats).toMatchObject({ droppedFrames: 0, trimmedFrames: 0, unsent: 0 })
    const tail = phone.samples(pcmu).slice(-2000)
    expect(purityDb(tail, 500, 8000)).toBeLessThan(-30)
  })

  liveTest('hears what the far end says, a frame at every tick from the start', async (bench) => {
    const phone = await bench.phone()
    const { configure, port, samples, session } = await bench.call()
    configure(phone)
    await until(() => phone.heard.length === 5)
    expect(samples().length).toBeWithin(4 * 160, 7 * 160)
    bench.sayTone(phone, port, 500)
    await until(() => samples().length > 6000 && purityDb(samples().slice(-4000), 500, 8000) < -30)
    const { remoteAddress, remotePort } = session.stats
    expect([remoteAddress, remotePort]).toEqual(['127.0.0.1', phone.port])
    expect(session.stats).toMatchObject({ isLatched: true, lost: 0, codec: 'pcmu' })
  })

  liveTest(
    'says nothing of early media to a call that wants to hear it answered',
    async (bench) => {
      const phone = await bench.phone()
      const call = await bench.call({ isMutedUntilAnswer: true })
      const { address, port } = phone
      const remote = { address, port, rtcpPort: port }
      const format = { codec: pcmu, payloadType: 0, ptimeMs: 20, remote } as const
      call.session.configure({ ...format, direction: 'sendrecv' })
      bench.sayTone(phone, call.port, 500)
      await until(() => phone.heard.length > 15)
      expect(call.samples().length).toBe(0)
      call.session.answer()
      await until(() => call.samples().length > 1600)
      expectTone(call.samples().subarray(-1600), 500)
    },
  )

  liveTest('is quiet while held, keeps the call, and comes back at once', async (bench) => {
    const phone = await bench.phone()
    const { configure, port, player, samples, timeouts } = await bench.call({ timeoutMs: 600 })
    configure(phone)
    const stopPhone = bench.sayTone(phone, port, 500)
    player.start(tonePlayback(8000, 700), { onEnd() {} })
    await until(() => samples().length > 4000)
    configure(phone, { direction: 'inactive' })
    stopPhone()
    await Bun.sleep(20)
    const { length } = phone.heard
    const samplesBefore = samples().length
    await Bun.sleep(700)
    expect(phone.heard.length).toBe(length)
    await until(() => samples().length - samplesBefore > 30 * 160)
    expect(rmsDb(samples().subarray(-800))).toBeLessThan(-45)
    expect(timeouts()).toBe(0)
    configure(phone)
    bench.sayTone(phone, port, 500)
    await until(() => phone.heard.length > length + 30)
    expect(phone.heard[length]?.marker).toBe(true)
    expectTone(samples().subarray(-2000), 500)
    expect(purityDb(phone.samples(pcmu).slice(-1600), 700, 8000)).toBeLessThan(-30)
    expect(timeouts()).toBe(0)
  })

  liveTest('does not take what came while it was held for lost', async (bench) => {
    const phone = await bench.phone()
    const { configure, port, session } = await bench.call()
    configure(phone)
    bench.sayTone(phone, port, 500)
    await until(() => session.stats.packetsReceived > 10)
    configure(phone, { direction: 'sendonly' })
    const { packetsReceived } = session.stats
    await until(() => session.stats.packetsReceived > packetsReceived + 30)
    configure(phone)
    await until(() => session.stats.packetsReceived > packetsReceived + 50)
    expect(session.stats.lost).toBeLessThan(10)
  })

  liveTest('gives a stranger nothing, and hears nothing of him', async (bench) => {
    const phone = await bench.phone()
    const stranger = await bench.phone()
    const knowing = await bench.phone({ ssrc: phone.ssrc })
    const { configure, port, samples, session } = await bench.call()
    // A stranger who is first, before the far end has said anything.
    bench.sayTone(stranger, port, 1700)
    configure(phone)
    bench.sayTone(phone, port, 500)
    await until(() => session.stats.remotePort === phone.port && session.stats.isLatched)
    await Bun.sleep(30)
    const leaked = stranger.heard.length
    bench.sayTone(knowing, port, 2500)
    await until(() => samples().length > 9000)
    expect(stranger.heard.length).toBe(leaked)
    expect(knowing.heard.length).toBe(0)
    expect(session.stats.strangers).toBeGreaterThan(50)
    expectTone(samples().subarray(-4000), 500)
  })

  liveTest('tells once that nothing comes any more, and not before the answer', async (bench) => {
    const phone = await bench.phone()
    const call = await bench.call({ timeoutMs: 500 })
    const { address, port } = phone
    const remote = { address, port, rtcpPort: port }
    const format = { codec: pcmu, payloadType: 0, ptimeMs: 20, remote } as const
    call.session.configure({ ...format, direction: 'sendrecv' })
    await Bun.sleep(550)
    expect(call.timeouts()).toBe(0)
    const stop = bench.sayTone(phone, call.port, 500)
    call.session.answer()
    await Bun.sleep(600)
    expect(call.timeouts()).toBe(0)
    stop()
    await until(() => call.timeouts() === 1)
    await Bun.sleep(600)
    expect(call.timeouts()).toBe(1)
  })

  liveTest('changes codec and address in mid-call', async (bench) => {
    const [phone, other] = [await bench.phone(), await bench.phone()]
    const { configure, player, session } = await bench.call()
    configure(phone)
    phone.isEchoing = true
    player.start(tonePlayback(8000, 500), { onEnd() {} })
    await until(() => phone.heard.length > 20)
    configure(phone, { codec: g722, payloadType: 9 })
    await until(() => phone.heard.at(-1)?.payloadType === 9)
    configure(other, { codec: pcma, payloadType: 8 })
    await until(() => other.heard.length > 30)
    expect(purityDb(other.samples(pcma).slice(-2000), 500, 8000)).toBeLessThan(-30)
    expect(session.stats).toMatchObject({ codec: 'pcma', remotePort: other.port })
    // Sequence and timestamps go on: G.722 and G.711 both count 8000.
    const [last, first] = [phone.heard.at(-1)!, other.heard[0]!]
    expect((first.sequenceNumber - last.sequenceNumber) & 0xffff).toBeWithin(1, 4)
    expect(first.ssrc).toBe(last.ssrc)
  })

  liveTest(
    'presses keys that the far end reads once each, and refuses where it takes none',
    async (bench) => {
      const [one, two] = [await bench.call(), await bench.call()]
      const remoteOf = ({ port }: typeof one) => ({ address: '127.0.0.1', port: port.port })
      one.configure(remoteOf(two))
      two.configure(remoteOf(one))
      expect(one.session.pressKeys('159#', { durationMs: 60, gapMs: 60 })).toBe(true)
      expect(one.session.isPressing).toBe(true)
      await until(() => !one.session.isPressing && two.digits.length === 4)
      expect(two.digits.join('')).toBe('159#')
      one.session.configure({
        codec: pcmu,
        payloadType: 0,
        ptimeMs: 20,
        remote: remoteOf(two),
        direction: 'sendrecv',
      })
      expect(one.session.pressKeys('1')).toBe(false)
    },
  )

  liveTest('reports by RTCP, and says goodbye', async (bench) => {
    const phone = await bench.phone()
    const [one, two] = [
      await bench.call({ rtcpIntervalMs: 60 }),
      await bench.call({ rtcpIntervalMs: 60 }),
    ]
    const remoteOf = ({ port }: typeof one) => ({
      address: '127.0.0.1',
      port: port.port,
      rtcpPort: port.rtcpPort,
    })
    one.configure(remoteOf(two), { remote: remoteOf(two) })
    two.configure(remoteOf(one), { remote: remoteOf(one) })
    await until(() => one.session.stats.roundTripMs !== undefined)
    expect(one.session.stats.roundTripMs).toBeWithin(0, 2000)
    expect(one.session.stats).toMatchObject({ remoteLost: 0, remoteLossShare: 0 })
    two.configure(phone)
    two.session.close()
    await until(() => phone.rtcp.length > 0)
    const types = parseRtcp(phone.rtcp.at(-1)!)?.map(({ type }) => type)
    expect(types).toContain('goodbye')
  })

  liveTest('protects packets both ways by SRTP, and takes no others', async (bench) => {
    const profile = 'AES_CM_128_HMAC_SHA1_80'
    const keys = [createSdesKey(1, profile), createSdesKey(1, profile)] as const
    const [one, two] = [await bench.call({ rtcpIntervalMs: 60 }), await bench.call()]
    const remoteOf = ({ port }: typeof one) => ({
      address: '127.0.0.1',
      port: port.port,
      rtcpPort: port.rtcpPort,
    })
    const connect = () => {
      one.configure(remoteOf(two), {
        srtp: { send: keys[0], receive: keys[1] },
        remote: remoteOf(two),
      })
      two.configure(remoteOf(one), {
        srtp: { send: keys[1], receive: keys[0] },
        remote: remoteOf(one),
      })
    }
    connect()
    one.player.start(tonePlayback(8000, 500), { onEnd() {} })
    await until(() => two.session.stats.packetsReceived > 10)
    // The same keys again: a packet that was sent once is still known.
    connect()
    const phone = await bench.phone()
    bench.sayTone(phone, two.port, 1700)
    await until(() => purityDb(two.samples().slice(-4000), 500, 8000) < -30)
    await until(() => two.session.stats.refused > 10 && one.session.stats.packetsReceived > 20)
    expect(two.session.stats.remotePort).toBe(one.port.port)
    expect(one.session.stats.refused).toBe(0)
  })

  liveTest('survives whatever bytes come', async (bench) => {
    const phone = await bench.phone()
    const { configure, port, session } = await bench.call()
    configure(phone)
    const random = seededRandom(7)
    const bytes = (length: number) => Uint8Array.from({ length }, () => random() * 256)
    for (let i = 0; i < 1500; i += 1) {
      const datagram = bytes(Math.floor(random() * 60))
      // Most look like RTP of the right payload type, or like RTCP.
      if (i % 4 !== 0 && datagram.length > 1) {
        datagram[0] = 0x80 | (datagram[0]! & 0x3f)
        datagram[1] = [0, 101, 200, 201][i % 4]!
      }
      phone.throwAt(port, datagram)
      if (i % 50 === 0) await Bun.sleep(1)
    }
    bench.sayTone(phone, port, 500)
    await until(() => session.stats.packetsReceived > 40)
    expect(bench.pacer.stats.faults).toBe(0)
    await until(() => phone.heard.length > 20)
    expectContinuous(phone)
  })

  liveTest('serves 20 calls on one port, each with its own far end', async (bench) => {
    const shared = bench.keep(await SharedRtpPort.open({ host: '127.0.0.1', port: 0 }))
    const pairs = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const phone = await bench.phone()
        const call = await bench.call({ port: shared.createChannel() })
        call.configure(phone)
        const frequencyHz = 300 + 120 * i
        bench.sayTone(phone, shared, frequencyHz)
        return { phone, call, frequencyHz }
      }),
    )
    await until(() => pairs.every(({ call }) => call.samples().length > 5000))
    for (const { phone, call, frequencyHz } of pairs) {
      expectTone(call.samples().subarray(-2400), frequencyHz)
      expectContinuous(phone)
      call.session.close()
    }
    expect(shared.stats).toEqual({ strangers: 0, ambiguous: 0 })
    expect(shared.channelCount).toBe(0)
  })
})
