import { describe, expect, test } from 'bun:test'
import type { Codec } from '#audio/codec/codec.ts'
import { pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { until } from '../../support/until.ts'
import { LossyPath } from './lossy-path.ts'
import { type Call, CallBench, tonePlayback } from './session-fixtures.ts'

const TONE_HZ = 500
const KEYS = '0123456789*#5555'

/** Two sessions with a bad network between them. */
async function connect(
  bench: CallBench,
  codec: Codec,
): Promise<{ path: LossyPath; calls: Call[] }> {
  const network = { lossShare: 0.05, duplicateShare: 0.02, jitterMs: 30 }
  const path = bench.keep(await LossyPath.open(network))
  const { sampleRate } = codec
  const calls = [await bench.call({ sampleRate }), await bench.call({ sampleRate })]
  path.connect([calls[0]!.port.port, calls[1]!.port.port])
  for (const [i, call] of calls.entries()) call.configure(path.ends[i]!, { codec, payloadType: 96 })
  return { path, calls }
}

/** Share of pieces of 20 ms that are as good as silent. */
function gapShare(samples: Int16Array, sampleRate: number): number {
  const length = sampleRate / 50
  const pieces = Math.floor(samples.length / length)
  let gaps = 0
  for (let i = 0; i < pieces; i += 1) {
    if (rmsDb(samples.subarray(i * length, (i + 1) * length)) < -35) gaps += 1
  }
  return gaps / pieces
}

describe('RtpSession over a network with 5 % loss, duplicates, and jitter of 30 ms', () => {
  test.concurrent.each([
    ['pcmu', pcmu],
    ['g722', g722],
    ['opus', createOpusCodec(16_000)],
  ])('keeps the sound whole in %s', async (_, codec) => {
    const bench = new CallBench()
    try {
      const { path, calls } = await connect(bench, codec)
      const [one, two] = calls as [Call, Call]
      const { sampleRate } = codec
      one.player.start(tonePlayback(sampleRate, TONE_HZ), { onEnd() {} })
      two.player.start(tonePlayback(sampleRate, TONE_HZ), { onEnd() {} })
      await until(() => two.samples().length > 2.6 * sampleRate)
      for (const { samples, session } of calls) {
        const heard = samples().slice(-1.8 * sampleRate)
        expect(gapShare(heard, sampleRate)).toBeLessThan(0.04)
        for (const hz of findTones(heard, sampleRate)) {
          expect(hz).toBeWithin(TONE_HZ - 60, TONE_HZ + 61)
        }
        expect(session.stats.duplicated + session.stats.reordered).toBeGreaterThan(0)
      }
      expect(path.stats.lost).toBeGreaterThan(3)
    } finally {
      bench.close()
    }
  })

  test.concurrent('loses no key and doubles none', async () => {
    const bench = new CallBench()
    try {
      const { path, calls } = await connect(bench, pcmu)
      const [one, two] = calls as [Call, Call]
      const timing = { durationMs: 80, gapMs: 60 }
      expect(one.session.pressKeys(KEYS, timing)).toBe(true)
      expect(two.session.pressKeys(KEYS, timing)).toBe(true)
      await until(() => calls.every(({ session }) => !session.isPressing))
      // What may come twice would have come by then.
      await Bun.sleep(100)
      expect(calls.map(({ digits }) => digits.join(''))).toEqual([KEYS, KEYS])
      expect(path.stats.lost).toBeGreaterThan(3)
    } finally {
      bench.close()
    }
  })
})
