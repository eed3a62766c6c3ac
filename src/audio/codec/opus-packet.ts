/** RTP and Ogg count Opus in samples of this rate, whatever it was made of (RFC 7587 §4.1). */
export const OPUS_CLOCK_RATE = 48_000

/**
 * 20 ms of silence, one channel: the table of contents says CELT, full band, one frame (RFC 6716
 * §3.1, configuration 31), and the frame begins with its silence flag (§4.3, Table 56).
 */
export const OPUS_SILENCE: Uint8Array = Uint8Array.of(0xf8, 0xff, 0xfe)

const SILK_FRAME_MS = [10, 20, 40, 60]
const HYBRID_FRAME_MS = [10, 20]
const CELT_FRAME_MS = [2.5, 5, 10, 20]

export interface OpusPacketInfo {
  /** Of all channels together; 2.5 to 120. */
  readonly durationMs: number
  readonly channels: 1 | 2
}

/**
 * Reads the first bytes of an Opus packet (RFC 6716 §3.1, §3.2) without decoding it; undefined for
 * what cannot be one.
 *
 *    0 1 2 3 4 5 6 7
 *   |  config | s| c |   c: 0 one frame, 1 and 2 two frames, 3 as many as the next byte says
 */
export function readOpusPacket(packet: Uint8Array): OpusPacketInfo | undefined {
  const [toc, count] = packet
  if (toc === undefined) return undefined
  const code = toc & 3
  if (code === 3 && count === undefined) return undefined
  const frames = code === 0 ? 1 : code === 3 ? (count ?? 0) & 0x3f : 2
  const durationMs = frames * frameMs(toc >> 3)
  if (durationMs === 0 || durationMs > 120) return undefined
  return { durationMs, channels: (toc & 4) === 0 ? 1 : 2 }
}

/**
 * Whether the packet holds a copy of the one before (in-band FEC, RFC 6716 §2.1.7): the flag of the
 * first SILK frame that says so (§4.2.3), or that of the second channel.
 */
export function hasOpusCopy(packet: Uint8Array): boolean {
  const config = (packet[0] ?? 0xff) >> 3
  const first = packet[frameStart(packet)]
  // Without SILK there are no copies; an empty frame is a pause.
  if (config >= 16 || first === undefined) return false
  const silkFrames = Math.ceil(frameMs(config) / 20)
  // §4.2.3: a flag of activity for each SILK frame, then that of the copy; then the same again.
  const channels = (packet[0]! & 4) === 0 ? 1 : 2
  for (let channel = 1; channel <= channels; channel += 1) {
    if (((first >> (8 - channel * (silkFrames + 1))) & 1) === 1) return true
  }
  return false
}

/** Where the bytes of the first frame begin (RFC 6716 §3.2). */
function frameStart(packet: Uint8Array): number {
  const code = packet[0]! & 3
  if (code < 2) return 1
  if (code === 2) return 1 + lengthBytes(packet[1])
  const count = packet[1] ?? 0
  let at = 2
  // §3.2.5: the length of the padding, 254 and more bytes for each 255.
  if ((count & 0x40) !== 0) while (packet[at++] === 255);
  if ((count & 0x80) === 0) return at
  for (let i = 1; i < (count & 0x3f); i += 1) at += lengthBytes(packet[at])
  return at
}

/** RFC 6716 §3.2.1: lengths up to 251 take a byte, others two. */
function lengthBytes(first = 0): number {
  return first < 252 ? 1 : 2
}

/** Length of a frame of configuration 0 to 31 (RFC 6716 §3.1, Table 2). */
function frameMs(config: number): number {
  if (config < 12) return SILK_FRAME_MS[config & 3]!
  return config < 16 ? HYBRID_FRAME_MS[config & 1]! : CELT_FRAME_MS[config & 3]!
}
