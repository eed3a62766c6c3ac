import { describe, expect, test } from 'bun:test'
import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusEncoder } from '#audio/codec/opus-encoder.ts'
import { OpusLibrary } from '#audio/codec/opus-library.ts'
import { warmUpOpus } from '#audio/codec/opus-warm-up.ts'
import { samplesOf } from '../run-tool.ts'
import { encodeAll } from './opus-stream.ts'

const FIXTURE = new URL('../../fixtures/audio/speech-16k.s16le', import.meta.url)
const SPEECH = samplesOf(await Bun.file(FIXTURE).bytes())

describe('OpusLibrary', () => {
  test('keeps what streams have said and heard when its memory grows and moves', () => {
    const packets = encodeAll(SPEECH, { sampleRate: 16_000 })
    const library = OpusLibrary.shared
    const { memoryBytes } = library
    const more: OpusEncoder[] = []
    const [encoder, decoder] = [new OpusEncoder({ sampleRate: 16_000 }), new OpusDecoder()]
    const still = new OpusDecoder()
    const payload = new Uint8Array(1276)
    const [expected, actual] = [new Int16Array(960), new Int16Array(960)]
    for (const [i, packet] of packets.entries()) {
      if (i === 50) {
        while (library.memoryBytes === memoryBytes) more.push(new OpusEncoder({ channels: 2 }))
      }
      const bytes = encoder.encode(SPEECH.subarray(i * 320, (i + 1) * 320), payload)
      expect(payload.slice(0, bytes)).toEqual(Uint8Array.from(packet))
      still.decode(packet, expected)
      expect(decoder.decode(payload.subarray(0, bytes), actual)).toBe(960)
      expect(actual).toEqual(expected)
    }
    expect(more).not.toHaveLength(0)
    for (const coder of [encoder, decoder, still, ...more]) coder.close()
  })

  test('opens 500 pairs again and again in the same memory', () => {
    const library = OpusLibrary.shared
    const { openStates } = library
    const openAndClose = () => {
      const coders = Array.from({ length: 500 }, () => [new OpusEncoder(), new OpusDecoder()])
      expect(library.openStates).toBe(openStates + 1000)
      for (const coder of coders.flat()) coder.close()
      return library.memoryBytes
    }
    const memoryBytes = openAndClose()
    expect(memoryBytes).toBeLessThan(64e6)
    for (let round = 0; round < 3; round += 1) expect(openAndClose()).toBe(memoryBytes)
    expect(library.openStates).toBe(openStates)
  })

  test('does not keep a state that could not be opened', () => {
    const { openStates, memoryBytes } = OpusLibrary.shared
    for (let i = 0; i < 2000; i += 1) {
      expect(() => new OpusEncoder({ sampleRate: 44_100 })).toThrow('Opus does not run')
      expect(() => new OpusDecoder({ sampleRate: 0 })).toThrow('Opus does not run')
    }
    expect(OpusLibrary.shared).toMatchObject({ openStates, memoryBytes })
  })

  test('works in a Worker, apart from that of this thread', async () => {
    const { openStates } = OpusLibrary.shared
    const worker = new Worker(new URL('./opus-worker.ts', import.meta.url))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(SPEECH.slice())
    const reply = await promise
    expect(reply).toEqual({
      packets: encodeAll(SPEECH, { sampleRate: 16_000 }),
      openStates: 1,
    })
    expect(OpusLibrary.shared.openStates).toBe(openStates)
    worker.terminate()
  })

  test('leaves nothing open after a warm-up', () => {
    const { openStates } = OpusLibrary.shared
    warmUpOpus()
    expect(OpusLibrary.shared.openStates).toBe(openStates)
  })
})
