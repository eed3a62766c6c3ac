import { afterEach, describe, expect, test } from 'bun:test'
import { findCodec } from '#audio/codec/find-codec.ts'
import { ToneGenerator } from '#audio/tone-generator.ts'
import { packetKind } from '#rtp/packet-kind.ts'
import { parseRtcp } from '#rtp/parse-rtcp.ts'
import { parseRtpPacket, type RtpPacket } from '#rtp/rtp-packet.ts'
import { RtpWriter } from '#rtp/rtp-writer.ts'
import { formatSdesKey, type SdesKey } from '#rtp/srtp/sdes.ts'
import { SrtpContext } from '#rtp/srtp/srtp-context.ts'

const SUITES = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const
/** By the names of DTLS: by that of SDES ffmpeg cuts the tags of RTCP too, unlike RFC 4568 §6.2. */
const FFMPEG_SUITES = {
  AES_CM_128_HMAC_SHA1_80: 'SRTP_AES128_CM_HMAC_SHA1_80',
  AES_CM_128_HMAC_SHA1_32: 'SRTP_AES128_CM_HMAC_SHA1_32',
}
const TONE_HZ = 440
const FRAME_BYTES = 160

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function keyOf(profile: SdesKey['profile']): SdesKey {
  const secret = Uint8Array.from({ length: 30 }, (_, i) => i * 11)
  return { tag: 1, profile, masterKey: secret.slice(0, 16), masterSalt: secret.slice(16) }
}

/** A socket of this host, on a free port unless told otherwise. */
async function openSocket(onDatagram: (bytes: Uint8Array) => void, port = 0) {
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port,
    socket: { data: (_, bytes) => onDatagram(bytes), error: () => undefined },
  })
  closers.push(() => socket.close())
  return socket
}

/** A port that is free, with the one above it, where ffmpeg wants RTCP. */
async function findPorts(): Promise<number> {
  const { port } = await openSocket(() => undefined)
  try {
    await openSocket(() => undefined, port + 1)
    return port
  } catch {
    return await findPorts()
  } finally {
    for (const close of closers.splice(0)) close()
  }
}

function startFfmpeg(args: readonly string[]) {
  const ffmpeg = Bun.spawn(['ffmpeg', '-v', 'error', '-nostdin', ...args], { stdout: 'pipe' })
  closers.push(() => ffmpeg.kill())
  return ffmpeg
}

/** Strength of the tone in 16-bit samples, as a share of all that is heard. */
function toneShare(samples: Int16Array): number {
  let [sine, cosine, energy] = [0, 0, 0]
  samples.forEach((sample, i) => {
    const phase = (2 * Math.PI * TONE_HZ * i) / 8000
    sine += sample * Math.sin(phase)
    cosine += sample * Math.cos(phase)
    energy += sample * sample
  })
  return (2 * (sine * sine + cosine * cosine)) / (samples.length * energy)
}

function decode(payloads: readonly Uint8Array[]): Int16Array {
  const payload = Buffer.concat(payloads)
  const samples = new Int16Array(payload.length)
  findCodec('pcmu')!.createDecoder().decode(payload, samples)
  return samples
}

describe.skipIf(!Bun.which('ffmpeg'))('SRTP with ffmpeg (needs ffmpeg)', () => {
  test.each(SUITES)('hears what ffmpeg sends, and its reports: %s', async (suite) => {
    const key = keyOf(suite)
    const context = new SrtpContext(key)
    const packets: RtpPacket[] = []
    const reports: string[] = []
    const socket = await openSocket((bytes) => {
      if (packetKind(bytes) === 'rtcp') {
        const report = parseRtcp(bytes.subarray(0, context.unprotectRtcp(bytes)))
        reports.push(...(report ?? []).map(({ type }) => type))
        return
      }
      packets.push(parseRtpPacket(bytes.slice(0, context.unprotectRtp(bytes)))!)
    })
    const tone = ['-f', 'lavfi', '-i', `sine=frequency=${TONE_HZ}:sample_rate=8000:duration=0.5`]
    const inline = formatSdesKey(key).split(':')[1]!
    const srtp = ['-srtp_out_suite', FFMPEG_SUITES[suite], '-srtp_out_params', inline]
    const url = `srtp://127.0.0.1:${socket.port}?rtcpport=${socket.port}`
    const codec = ['-c:a', 'pcm_mulaw', '-f', 'rtp']
    const ffmpeg = startFfmpeg([...tone, ...codec, ...srtp, url])
    await ffmpeg.exited
    const countBytes = () => packets.reduce((sum, { payload }) => sum + payload.length, 0)
    // Some may still be in the socket.
    while (countBytes() < 4000 || reports.length === 0) await Bun.sleep(5)
    expect(context.stats).toEqual({ authFailures: 0, replayed: 0, malformed: 0 })
    expect(toneShare(decode(packets.map(({ payload }) => payload)))).toBeGreaterThan(0.99)
    expect(reports).toContain('senderReport')
  })

  test.each(SUITES)('is heard by ffmpeg: %s', async (suite) => {
    const key = keyOf(suite)
    const context = new SrtpContext(key)
    const port = await findPorts()
    const socket = await openSocket(() => undefined)
    const sdp = [
      'v=0',
      'o=- 0 0 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/SAVP 0`,
      `a=crypto:${formatSdesKey(key)}`,
      '',
    ].join('\r\n')
    const input = ['-protocol_whitelist', 'data,file,udp,rtp,srtp', '-f', 'sdp']
    const url = `data:application/sdp;base64,${Buffer.from(sdp).toString('base64')}`
    const fast = ['-analyzeduration', '0', '-probesize', '32', '-fflags', 'nobuffer']
    const ffmpeg = startFfmpeg([...input, ...fast, '-i', url, '-t', '0.3', '-f', 's16le', '-'])
    const stop = sendTone(context, (packet) => socket.send(packet, port, '127.0.0.1'))
    closers.push(stop)
    const heard = await new Response(ffmpeg.stdout).arrayBuffer()
    stop()
    expect(heard.byteLength).toBeGreaterThanOrEqual(4000)
    expect(toneShare(new Int16Array(heard))).toBeGreaterThan(0.99)
  })
})

/** Sends a tone in real time. */
function sendTone(context: SrtpContext, onPacket: (packet: Uint8Array) => void): () => void {
  const writer = new RtpWriter({ clockRate: 8000 })
  const tones = [{ frequencyHz: TONE_HZ, levelDb: -10 }]
  const samples = new ToneGenerator(8000, tones).generate(1000)
  const encoder = findCodec('pcmu')!.createEncoder()
  let turn = 0
  const timer = setInterval(() => {
    const at = (turn % 50) * FRAME_BYTES
    turn += 1
    const length = writer.write(0, encoder.encode(samples.subarray(at, at + 160), writer.payload))
    onPacket(writer.view(context.protectRtp(writer.buffer, length)))
    writer.advance(20)
  }, 20)
  return () => clearInterval(timer)
}
