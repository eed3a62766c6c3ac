import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { OpusLibrary } from '#audio/codec/opus-library.ts'
import { CallBench } from './session-fixtures.ts'

test('leaves nothing of 200 sessions', async () => {
  const bench = new CallBench()
  const descriptors = () => readdirSync('/proc/self/fd').length
  const codecs = [pcmu, g722, createOpusCodec(16_000)]
  const round = async (count: number) => {
    const calls = await Promise.all(Array.from({ length: count }, () => bench.call()))
    for (const [i, { configure, port }] of calls.entries()) {
      const codec = codecs[i % codecs.length]!
      configure({ address: '127.0.0.1', port: port.port }, { codec, payloadType: 96 })
    }
    await Bun.sleep(60)
    for (const { session, player } of calls) {
      session.close()
      session.close()
      player.close()
    }
  }
  await round(20)
  await Bun.sleep(10)
  const before = descriptors()
  const memory = OpusLibrary.shared.memoryBytes
  for (let i = 0; i < 10; i += 1) await round(20)
  await Bun.sleep(10)
  expect(bench.pacer.memberCount).toBe(0)
  expect(descriptors()).toBeLessThanOrEqual(before)
  expect(OpusLibrary.shared.memoryBytes).toBe(memory)
  bench.close()
})
