import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Codec } from '#audio/codec/codec.ts'
import { pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { createPcmCodec } from '#audio/codec/pcm.ts'
import { findTones, rmsDb } from '#audio/tone-detector.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { Playout, type PlayoutOptions } from '#rtp/playout.ts'
import { encodeFrames, largestStep } from '../audio/concealment/quality.ts'
import { samplesOf } from '../audio/run-tool.ts'
import {
  bursty,
  type Carried,
  carry,
  type NetworkOptions,
  replay,
  type SenderOptions,
  type SentPacket,
  send,
  uniform,
} from './network.ts'

/** Whole periods fill 48 packets of 10 ms, but no fewer, so that frames do not join by chance. */
const TONE_HZ = 245 / 0.48
const HOUR_PACKETS = 180_000
const SPEECH = samplesOf(
  await Bun.file(new URL('../fixtures/audio/speech-16k.s16le', import.meta.url)).bytes(),
)

/** 48 packets of the tone, whose periods fill them, so that they can be sent again and again. */
function tonePayloads(codec: Codec, ptimeMs = 20, packets = 48): Uint8Array[] {
  const tones = [{ frequencyHz: TONE_HZ, levelDb: -10 }]
  const sound = new ToneGenerator(codec.sampleRate, tones).generate(packets * ptimeMs)
  return encodeFrames(codec, sound, (codec.sampleRate * ptimeMs) / 1000)
}

function sendTone(codec: Codec, options: SenderOptions): SentPacket[] {
  // Codecs that remember: their bytes cannot be repeated without a click.
  const hasMemory = codec.name === 'g722' || codec.name === 'opus'
  const payloads = tonePayloads(codec, options.ptimeMs, hasMemory ? options.packets : 48)
  return send({
    unitsPerMs: codec.clockRate / 1000,
    payloadOf: (i) => payloads[i % payloads.length]!,
    ...options,
  })
}

interface Heard {
  readonly playout: Playout
  readonly samples: Int16Array
  readonly delaysMs: number[]
}

/** Plays what arrives, in frames of `frameMs`, until `untilMs`. */
function play(
  codec: Codec,
  { arrivals }: Carried,
  options: PlayoutOptions & { frameMs?: number; untilMs?: number } = {},
): Heard {
  const { frameMs = 20, untilMs = arrivals.at(-1)!.arrivalMs } = options
  const playout = new Playout(codec, options)
  const frame = new Int16Array((codec.sampleRate * frameMs) / 1000)
  const samples = new Int16Array(Math.ceil(untilMs / frameMs) * frame.length)
  const delaysMs: number[] = []
  let length = 0
  replay(
    arrivals,
    { untilMs, everyMs: frameMs },
    (packet) => playout.receive(packet),
    (nowMs) => {
      playout.pull(frame, nowMs)
      samples.set(frame, length)
      length += frame.length
      delaysMs.push(playout.buffer.delayMs)
    },
  )
  return { playout, samples: samples.subarray(0, length), delaysMs }
}

/** Where the sound begins, without the silence before. */
function begin(samples: Int16Array): number {
  return samples.findIndex((sample) => Math.abs(sample) > 500)
}

/** The steps that a sine of the tone's strength takes, when all is well. */
function cleanStep(codec: Codec): number {
  const decoder = codec.createDecoder()
  const samples = new Int16Array(codec.sampleRate)
  const steps = tonePayloads(codec).map((payload) =>
    largestStep(samples.slice(0, decoder.decode(payload, samples))),
  )
  return Math.max(...steps)
}

function network(options: NetworkOptions, sender: SenderOptions = { packets: 1500 }): Carried {
  return carry(sendTone(pcmu, sender), options)
}

/** The tone, whole: no click, nothing beside it, no gap of 20 ms. */
function expectTone(codec: Codec, samples: Int16Array): void {
  const heard = samples.subarray(begin(samples) + 100)
  expect(largestStep(heard)).toBeLessThan(1.25 * cleanStep(codec))
  expect(findTones(heard.subarray(0, codec.sampleRate), codec.sampleRate)[0]!).toBeWithin(
    TONE_HZ - 5,
    TONE_HZ + 6,
  )
  const frame = codec.sampleRate / 50
  for (let at = 0; at + frame <= heard.length; at += frame) {
    expect(rmsDb(heard.subarray(at, at + frame))).toBeGreaterThan(-13)
  }
}

describe('Playout', () => {
  test('is silent before the first packet', () => {
    const playout = new Playout(pcmu)
    const samples = new Int16Array(160).fill(1)
    expect(playout.pull(samples, 0)).toBe(160)
    expect(samples).toEqual(new Int16Array(160))
  })

  test('gives exactly what was sent when the network does nothing', () => {
    const codec = createPcmCodec(8000)
    const sent = sendTone(codec, { packets: 100 })
    const { samples } = play(codec, carry(sent), { minDelayMs: 60 })
    const sound = samples.subarray(begin(samples))
    const decoder = codec.createDecoder()
    const wanted = new Int16Array(100 * 160)
    for (const [i, { payload }] of sent.entries()) decoder.decode(payload, wanted.subarray(i * 160))
    const from = begin(wanted)
    expect(sound.length).toBeGreaterThan(15_000)
    expect(sound).toEqual(wanted.subarray(from, from + sound.length))
  })

  const CODECS: readonly (readonly [string, Codec])[] = [
    ['pcmu', pcmu],
    ['g722', g722],
    ['pcm at 24 kHz', createPcmCodec(24_000)],
    ['pcm at 48 kHz', createPcmCodec(48_000)],
  ]
  const NETWORKS: readonly (readonly [string, NetworkOptions])[] = [
    ['5 % loss', { lossShare: 0.05 }],
    ['jitter and reordering', { delayMs: uniform(40) }],
    ['duplicates and some loss', { duplicateShare: 0.1, lossShare: 0.02, delayMs: uniform(10) }],
  ]

  describe.each(CODECS)('with %s', (_, codec) => {
    test.each(NETWORKS)('keeps a tone whole through %s', (_name, options) => {
      const { samples, playout } = play(codec, carry(sendTone(codec, { packets: 250 }), options))
      expectTone(codec, samples)
      expect(playout.buffer.stats.overflowed).toBe(0)
    })
  })

  test.each([16_000, 48_000])('keeps Opus at %d Hz free of clicks', (sampleRate) => {
    const codec = createOpusCodec(sampleRate)
    const sent = sendTone(codec, { packets: 250 })
    expectTone(codec, play(codec, carry(sent, { delayMs: uniform(40) })).samples)
    const { samples } = play(codec, carry(sent, { lossShare: 0.05 }))
    const heard = samples.subarray(begin(samples) + 100)
    expect(largestStep(heard)).toBeLessThan(1.6 * cleanStep(codec))
  })

  test('takes what was lost from the packet after it, where that holds a copy', () => {
    const spoken = (isFecOn: boolean): { playout: Playout; lost: number } => {
      const opus = createOpusCodec(16_000, { isFecOn, expectedLossPercent: 20 })
      const payloads = encodeFrames(opus, SPEECH, 320)
      const payloadOf = (i: number): Uint8Array => payloads[i % payloads.length]!
      const sent = send({ packets: 500, unitsPerMs: 48, payloadOf })
      const carried = carry(sent, { lossShare: 0.05 })
      return { playout: play(opus, carried).playout, lost: carried.lost }
    }
    const { playout, lost } = spoken(true)
    expect(playout.buffer.stats.lost).toBe(lost)
    // All but those in a row with others, of which only the last can be taken, and silence.
    expect(playout.decoder.stats.recoveredSamples).toBeGreaterThan(lost * 320 * 0.6)
    const without = spoken(false).playout.decoder.stats
    expect(without.recoveredSamples).toBe(0)
    expect(without.concealedSamples).toBeGreaterThanOrEqual(lost * 320)
  })

  test.each([
    [10, 20],
    [30, 20],
    [60, 20],
    [20, 10],
    [20, 30],
  ])('takes packets of %d ms and gives frames of %d ms', (ptimeMs, frameMs) => {
    const carried = network({ delayMs: uniform(15) }, { packets: 300, ptimeMs })
    const { samples, playout } = play(pcmu, carried, { frameMs })
    expectTone(pcmu, samples)
    expect(playout.buffer.stats).toMatchObject({ lost: 0, underruns: 0, resyncs: 0 })
  })

  test('follows a change of ptime', () => {
    const sent: SentPacket[] = []
    for (const ptimeMs of [20, 60, 10, 30]) {
      const last = sent.at(-1)
      const startMs = sent.length === 0 ? 0 : last!.sentMs + last!.payload.length / 8
      sent.push(
        ...sendTone(pcmu, {
          packets: 1200 / ptimeMs,
          ptimeMs,
          startMs,
          firstSequence: sent.length,
          firstTimestamp: startMs * 8,
        }),
      )
    }
    const { samples, playout } = play(pcmu, carry(sent, { delayMs: uniform(10) }))
    expectTone(pcmu, samples)
    expect(playout.buffer.stats).toMatchObject({ lost: 0, resyncs: 0 })
  })

  test.each([200, -200])('follows a clock that is off by %d ppm for an hour', (driftPpm) => {
    const sender = { packets: HOUR_PACKETS, driftPpm }
    const { playout, samples, delaysMs } = play(pcmu, network({ delayMs: uniform(10) }, sender))
    // 720 ms too much or too little in the end, in steps of a few milliseconds.
    const { shrunk, grown } = playout.stats
    expect(driftPpm > 0 ? shrunk : grown).toBeGreaterThan(70)
    expect(driftPpm > 0 ? grown : shrunk).toBeLessThan(20)
    const settled = delaysMs.slice(1000)
    expect(settled.reduce((a, b) => Math.max(a, b))).toBeLessThan(50)
    expect(settled.reduce((a, b) => Math.min(a, b))).toBeGreaterThan(10)
    expect(playout.buffer.stats).toMatchObject({ lost: 0, underruns: 0, overflowed: 0 })
    expect(largestStep(samples.subarray(begin(samples) + 100))).toBeLessThan(1.25 * cleanStep(pcmu))
  })

  test.each([10_000, -10_000])('copes with a clock that is off by %d ppm', (driftPpm) => {
    const sender = { packets: 6000, driftPpm }
    const { playout, delaysMs } = play(pcmu, network({ delayMs: uniform(6) }, sender))
    expect(playout.buffer.stats.underruns).toBeLessThan(3)
    expect(playout.decoder.stats.concealedSamples).toBeLessThan(400)
    expect(Math.max(...delaysMs.slice(500))).toBeLessThan(50)
  })

  test('leaves packets of uneven length alone once the delay is right', () => {
    const sound = new ToneGenerator(8000, [{ frequencyHz: TONE_HZ, levelDb: -10 }]).generate(10_000)
    const bytes = encodeFrames(pcmu, sound, sound.length)[0]!
    // Two packets of 20 and 3.125 ms at a time, as ffmpeg cuts the sound of its generators.
    const arrivals = Array.from({ length: 860 }, (_, i) => {
      const timestamp = 185 * (i >> 1) + 160 * (i & 1)
      const payload = bytes.subarray(timestamp, timestamp + ((i & 1) === 0 ? 160 : 25))
      return { sequenceNumber: i, timestamp, ssrc: 1, payload, arrivalMs: (185 / 8) * (i >> 1) }
    })
    const { samples, playout } = play(pcmu, { arrivals, lost: 0, duplicated: 0 })
    expectTone(pcmu, samples)
    expect(playout.stats.shrunk + playout.stats.grown).toBeLessThan(10)
  })

  test('never makes a backlog a lasting delay', () => {
    // Every 7 s packets queue up for 250 ms, which are then played late.
    const spikes = { delayMs: bursty(3, 250, 7000), isInOrder: true }
    const { delaysMs, playout, samples } = play(pcmu, network(spikes, { packets: 3000 }))
    for (let spikeMs = 7000; spikeMs < 56_000; spikeMs += 7000) {
      expect(delaysMs[(spikeMs + 400) / 20]!).toBeGreaterThan(100)
      expect(delaysMs[(spikeMs + 6500) / 20]!).toBeLessThan(110)
    }
    expect(playout.buffer.stats).toMatchObject({ lost: 0, overflowed: 0 })
    expect(largestStep(samples.subarray(begin(samples) + 100))).toBeLessThan(1.25 * cleanStep(pcmu))
  })

  test.each([100, 400])(
    'loses nothing when the consumer makes up for %d ms of its own',
    (heldMs) => {
      const { arrivals } = network({ delayMs: uniform(6) }, { packets: 500 })
      const playout = new Playout(pcmu)
      const frame = new Int16Array(160)
      let lastMs = -Infinity
      replay(
        arrivals,
        { untilMs: 9000 },
        (packet) => playout.receive(packet),
        (dueMs) => {
          // The pacer makes up for what it missed at twice the pace.
          lastMs = Math.max(
            lastMs + 10,
            dueMs >= 5000 && dueMs < 5000 + heldMs ? 5000 + heldMs : dueMs,
          )
          playout.pull(frame, lastMs)
        },
      )
      expect(playout.buffer.stats).toMatchObject({ overflowed: 0, underruns: 0 })
      expect(playout.decoder.stats.concealedSamples).toBe(0)
      expect(playout.stats.shrunk + playout.stats.grown).toBeLessThan(8)
    },
  )

  test.each([
    ['timestamps that skip a little', (i: number) => (i < 100 ? 0 : 43)],
    ['timestamps that skip more', (i: number) => (i < 100 ? 0 : 163)],
  ])('joins the sound across %s', (_, skip) => {
    const sent = sendTone(pcmu, { packets: 200 })
    const packets = sent.map((packet, i) => ({
      ...packet,
      // A quarter of a period is missing, too.
      payload: i < 100 ? packet.payload : sent[i + 13 - 48 * (i > 186 ? 1 : 0)]!.payload,
      timestamp: packet.timestamp + skip(i),
    }))
    const { samples, playout } = play(pcmu, carry(packets), { minDelayMs: 60 })
    expect(playout.buffer.stats).toMatchObject({ lost: 0, resyncs: 0 })
    expect(largestStep(samples.subarray(begin(samples) + 100))).toBeLessThan(1.25 * cleanStep(pcmu))
  })

  test('covers a packet that cannot be decoded', () => {
    const opus = createOpusCodec(16_000)
    const sent = sendTone(opus, { packets: 150 })
    const broken = sent.map((packet, i) =>
      i > 50 && i % 20 === 0 ? { ...packet, payload: Uint8Array.of(0xff, 0xff, 0xff) } : packet,
    )
    const { samples, playout } = play(opus, carry(broken))
    expect(playout.stats.undecodable).toBe(5)
    expect(playout.decoder.stats.concealedSamples).toBe(5 * 320)
    expect(largestStep(samples.subarray(begin(samples) + 100))).toBeLessThan(1.8 * cleanStep(opus))
  })

  test('joins what is left when a backlog is dropped', () => {
    const late: NetworkOptions = {
      delayMs: (_, sentMs) => 30 + (sentMs < 3000 ? 0 : Math.max(0, 3900 - sentMs)),
      isInOrder: true,
    }
    const { playout, samples, delaysMs } = play(pcmu, network(late, { packets: 400 }))
    expect(playout.buffer.stats.overflowed).toBeGreaterThan(20)
    expect(delaysMs.at(-1)!).toBeLessThan(300)
    expect(largestStep(samples.subarray(begin(samples) + 100))).toBeLessThan(1.25 * cleanStep(pcmu))
  })

  test('joins what is left when too much comes before its time', () => {
    const sent = sendTone(pcmu, { packets: 200 })
    const early = sent.map((packet) => ({ ...packet, sentMs: Math.min(packet.sentMs, 2980) }))
    const { playout, samples } = play(pcmu, carry(early), { untilMs: 3140 })
    expect(playout.buffer.stats.overflowed).toBeGreaterThan(20)
    expect(playout.decoder.stats.concealedSamples).toBe(0)
    expectTone(pcmu, samples)
  })

  test('fills a pause of the sender with the background, and loses nothing behind it', () => {
    const first = sendTone(pcmu, { packets: 100 })
    const second = sendTone(pcmu, {
      packets: 100,
      startMs: 5000,
      firstSequence: 1100,
      firstTimestamp: 5000 + 5000 * 8,
    })
    const carried = carry([...first, ...second], { delayMs: uniform(20) })
    const { playout, samples } = play(pcmu, carried)
    expect(playout.buffer.stats).toMatchObject({ lost: 0, late: 0, underruns: 0, overflowed: 0 })
    expect(rmsDb(samples.subarray(3 * 8000, 4 * 8000))).toBeLessThan(-44)
    expectTone(pcmu, samples.subarray(0, 15_000))
    expectTone(pcmu, samples.subarray(5.02 * 8000))
  })

  test('makes the noise of a comfort noise packet until audio comes again', () => {
    const playout = new Playout(pcmu, { comfortNoiseType: 13 })
    const sent = sendTone(pcmu, { packets: 10 })
    for (const packet of sent)
      playout.receive({ ...packet, payloadType: 0, arrivalMs: packet.sentMs })
    const last = sent.at(-1)!
    playout.receive({
      ...last,
      sequenceNumber: last.sequenceNumber + 1,
      timestamp: last.timestamp + 160,
      payloadType: 13,
      payload: Uint8Array.of(45),
      arrivalMs: last.sentMs + 20,
    })
    const samples = new Int16Array(160)
    for (let nowMs = 61; nowMs < 600; nowMs += 20) playout.pull(samples, nowMs)
    expect(rmsDb(samples)).toBeWithin(-45 + 3 - 2, -45 + 3 + 2)
    expect(playout.buffer.stats).toMatchObject({ lost: 0, underruns: 0 })
    expect(playout.stats.undecodable).toBe(0)
  })

  test('plays another SSRC with its own timestamps', () => {
    const first = sendTone(pcmu, { packets: 100 })
    const second = sendTone(pcmu, {
      packets: 100,
      ssrc: 2,
      startMs: 2000,
      firstSequence: 60_000,
      firstTimestamp: 4_000_000_000,
    })
    const { playout, samples } = play(pcmu, carry([...first, ...second]))
    expect(playout.buffer.stats).toMatchObject({ strays: 4, resyncs: 1, lost: 0 })
    expectTone(pcmu, samples.subarray(0, 15_000))
    expectTone(pcmu, samples.subarray(2.3 * 8000))
  })

  test('goes on with noise when the sender is gone', () => {
    const carried = network({}, { packets: 100 })
    const { samples, playout } = play(pcmu, carried, { untilMs: 20_000 })
    expect(rmsDb(samples.subarray(5 * 8000))).toBeWithin(-60, -44)
    expect(playout.decoder.stats.comfortNoiseSamples).toBeGreaterThan(15 * 8000)
  })

  test('never throws and always fills the frame, whatever comes', () => {
    const wild = fc.record({
      sequenceNumber: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.nat({ max: 40 })),
      timestamp: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.nat({ max: 9000 })),
      ssrc: fc.integer({ min: 1, max: 2 }),
      payloadType: fc.constantFrom(0, 13),
      payload: fc.uint8Array({ maxLength: 2000 }),
      stepMs: fc.oneof(fc.constant(20), fc.nat({ max: 3000 })),
    })
    const codec = fc.constantFrom(pcmu, g722, createPcmCodec(48_000))
    const frameMs = fc.constantFrom(10, 20, 60, 200)
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 60 }), codec, frameMs, (packets, chosen, length) => {
        const playout = new Playout(chosen, { comfortNoiseType: 13, capacity: 16 })
        const samples = new Int16Array((chosen.sampleRate * length) / 1000)
        let nowMs = 0
        for (const { stepMs, ...packet } of packets) {
          nowMs += stepMs
          playout.receive({ ...packet, arrivalMs: nowMs })
          expect(playout.pull(samples, nowMs)).toBe(samples.length)
        }
        playout.close()
        playout.close()
      }),
      { numRuns: 100 },
    )
  })
})
