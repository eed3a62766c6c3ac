import { describe, expect, test } from 'bun:test'
import type { Codec } from '#audio/codec/codec.ts'
import { pcma, pcmu } from '#audio/codec/g711.ts'
import { g722 } from '#audio/codec/g722.ts'
import { createOpusCodec } from '#audio/codec/opus.ts'
import { UdpPortPool } from '#transport/udp/udp-port-pool.ts'
import { samplesOf } from '../../audio/run-tool.ts'
import { until } from '../../support/until.ts'
import { CallBench, purityDb, tonePlayback } from './session-fixtures.ts'

interface Case {
  readonly name: string
  readonly codec: Codec
  readonly payloadType: number
  readonly encoder: readonly string[]
  readonly rtpmap: string
  /** Everything but the tone must be so far below it. */
  readonly purityDb: number
}

const CASES: readonly Case[] = [
  {
    name: 'pcmu',
    codec: pcmu,
    payloadType: 0,
    encoder: ['-ar', '8000', '-c:a', 'pcm_mulaw'],
    rtpmap: 'PCMU/8000',
    purityDb: -34,
  },
  {
    name: 'pcma',
    codec: pcma,
    payloadType: 8,
    encoder: ['-ar', '8000', '-c:a', 'pcm_alaw'],
    rtpmap: 'PCMA/8000',
    purityDb: -34,
  },
  {
    name: 'g722',
    codec: g722,
    payloadType: 9,
    encoder: ['-ar', '16000', '-c:a', 'g722'],
    rtpmap: 'G722/8000',
    purityDb: -34,
  },
  {
    name: 'opus',
    codec: createOpusCodec(48_000),
    payloadType: 97,
    encoder: ['-ar', '48000', '-c:a', 'libopus', '-b:a', '64k'],
    rtpmap: 'opus/48000/2',
    purityDb: -20,
  },
]

const TONE_HZ = 500

const pool = new UdpPortPool({ host: '127.0.0.1', minPort: 20_000, maxPort: 29_999 })

/** An even port that is free, with the one after it. */
async function freePort(): Promise<number> {
  const { rtp, close } = await pool.open()
  close()
  return rtp.port
}

/** What ffmpeg hears at `port`, until it has heard enough. */
async function hearWithFfmpeg(
  port: number,
  { codec, payloadType, rtpmap }: Case,
): Promise<Int16Array> {
  const sdp = [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${rtpmap}`,
    '',
  ].join('\r\n')
  const listen = ['-protocol_whitelist', 'pipe,udp,rtp', '-f', 'sdp', '-i', '-', '-t', '1.2']
  const { sampleRate } = codec
  const output = ['-ac', '1', '-ar', `${sampleRate}`, '-f', 's16le', '-']
  const quick = ['-analyzeduration', '100000', '-fflags', 'nobuffer']
  const tool = Bun.spawn(['ffmpeg', '-v', 'error', ...quick, ...listen, ...output], {
    stdin: new TextEncoder().encode(sdp),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [bytes, messages] = await Promise.all([tool.stdout.bytes(), tool.stderr.text()])
  if (bytes.length === 0) throw new Error(`ffmpeg hears nothing: ${messages}`)
  return samplesOf(bytes)
}

describe.skipIf(!Bun.which('ffmpeg'))('RtpSession and ffmpeg (needs ffmpeg)', () => {
  test.concurrent.each(CASES)('ffmpeg hears our tone in $name', async (each) => {
    const bench = new CallBench()
    try {
      const { codec, payloadType } = each
      const { sampleRate } = codec
      const port = await freePort()
      const { configure, player } = await bench.call({ sampleRate })
      configure({ address: '127.0.0.1', port }, { codec, payloadType })
      player.start(tonePlayback(sampleRate, TONE_HZ), { onEnd() {} })
      const heard = await hearWithFfmpeg(port, each)
      expect(heard.length).toBeGreaterThan(sampleRate)
      const settled = heard.subarray(sampleRate / 2)
      expect(purityDb(settled, TONE_HZ, sampleRate)).toBeLessThan(each.purityDb)
    } finally {
      bench.close()
    }
  })

  test.concurrent.each(CASES)('we hear the tone of ffmpeg in $name', async (each) => {
    const bench = new CallBench()
    const { codec, payloadType, encoder } = each
    const { sampleRate } = codec
    const { configure, port, samples, session } = await bench.call({ sampleRate })
    const tool = Bun.spawn(
      [
        ...['ffmpeg', '-v', 'error', '-re', '-f', 'lavfi'],
        ...['-i', `sine=frequency=${TONE_HZ}:sample_rate=48000:duration=20,volume=12dB`],
        ...[...encoder, '-ac', '1', '-payload_type', `${payloadType}`, '-f', 'rtp'],
        `rtp://127.0.0.1:${port.port}?rtcpport=${port.rtcpPort}&pkt_size=1200`,
      ],
      { stdout: 'ignore', stderr: 'ignore' },
    )
    try {
      configure({ address: '127.0.0.1', port: 9 }, { codec, payloadType, direction: 'recvonly' })
      const isPure = () => {
        const heard = samples().slice(-sampleRate / 2)
        return purityDb(heard, TONE_HZ, sampleRate) < each.purityDb
      }
      await until(() => session.stats.packetsReceived > 30 && isPure())
      const { unknownPayloadTypes, malformed, strangers } = session.stats
      expect([unknownPayloadTypes, malformed, strangers]).toEqual([0, 0, 0])
    } finally {
      tool.kill()
      bench.close()
    }
  })
})
