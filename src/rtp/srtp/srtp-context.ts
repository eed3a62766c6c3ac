import { payloadStart } from '../rtp-packet.ts'
import { readUint32, writeUint32 } from '../uint32.ts'
import { CounterModeCipher } from './counter-mode-cipher.ts'
import { deriveSrtpKeys } from './derive-srtp-keys.ts'
import { GcmCipher } from './gcm-cipher.ts'
import { type CipherJob, MAX_PACKET_BYTES, type PacketCipher } from './packet-cipher.ts'
import { ReplayWindow } from './replay-window.ts'
import { SRTP_PROFILES, type SrtpKey, type SrtpProfileSizes } from './srtp-profile.ts'

const RTP_HEADER_BYTES = 12
/** RFC 3711 §3.4: in RTCP the first header and the SSRC stay in the clear. */
const RTCP_HEADER_BYTES = 8
const INDEX_BYTES = 4
const ENCRYPTED_FLAG = 0x80000000
const MAX_RTCP_INDEX = 0x7fffffff
/** After so many packets sequence numbers begin anew. */
const ROLLOVER = 0x10000
/** So many SSRCs are known at once; then the one that came first is forgotten. */
const MAX_SOURCES = 16

/**
 * SRTP and SRTCP of one direction (RFC 3711, RFC 7714), in place. Knows its SSRCs by itself: a
 * receiver notes one when a packet of it has proved to be authentic.
 */
export class SrtpContext {
  readonly stats = {
    /** Packets that were not made with our key, or were changed on the way. */
    authFailures: 0,
    /** Packets that came before, or are too old to tell. */
    replayed: 0,
    malformed: 0,
  }
  readonly #sizes: SrtpProfileSizes
  /** In packets that are received. */
  readonly #identifierBytes: number
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #rtpSources = new Map<number, ReplayWindow>()
  readonly #rtcpSources = new Map<number, ReplayWindow>()
  #nextRtcpIndex = 0
  /** For the first packet of an SSRC, which may not be authentic. */
  #spare = new ReplayWindow()
  readonly #job: CipherJob = {
    bytes: new Uint8Array(0),
    bodyAt: 0,
    endAt: 0,
    tagAt: 0,
    ssrc: 0,
    indexHigh: 0,
    indexLow: 0,
    word: 0,
  }

  /** @throws {RangeError} if master key or salt are not as long as the profile wants. */
  constructor(key: SrtpKey) {
    this.#sizes = SRTP_PROFILES[key.profile]
    this.#identifierBytes = key.keyIdentifierBytes ?? 0
    const { isAead, rtpTagBytes, rtcpTagBytes } = this.#sizes
    const rtpKeys = deriveSrtpKeys(key, 'rtp')
    const rtcpKeys = deriveSrtpKeys(key, 'rtcp')
    this.#rtp = isAead ? new GcmCipher(rtpKeys, 'rtp') : new CounterModeCipher(rtpKeys, rtpTagBytes)
    this.#rtcp = isAead
      ? new GcmCipher(rtcpKeys, 'rtcp')
      : new CounterModeCipher(rtcpKeys, rtcpTagBytes)
  }

  /**
   * Protects the RTP packet in the first `length` of `bytes`, which has room for the tag (at most
   * 16 bytes) behind it. Returns the new length, or 0 for what is no packet, or would be the second
   * with its sequence number: two with one key stream would give each other away.
   */
  protectRtp(bytes: Uint8Array, length: number): number {
    const { rtpTagBytes } = this.#sizes
    if (!isRtp(bytes, length) || length + rtpTagBytes > Math.min(bytes.length, MAX_PACKET_BYTES)) {
      return this.#refuse('malformed')
    }
    const job = this.#rtpJob(bytes, length)
    const window = this.#windowOf(this.#rtpSources, job.ssrc)
    const index = window.indexOf(job.indexLow)
    if (!window.admits(index)) return this.#refuse('replayed')
    setIndex(job, index)
    this.#rtp.seal(job)
    this.#take(this.#rtpSources, window, index)
    return length + rtpTagBytes
  }

  /**
   * Opens the SRTP packet in the first `length` of `bytes`. Returns the length of the RTP packet
   * that is there now, or 0 when it is refused, which `stats` counts. Never throws.
   */
  unprotectRtp(bytes: Uint8Array, length = bytes.length): number {
    const { isAead, rtpTagBytes } = this.#sizes
    const endAt = length - rtpTagBytes - this.#identifierBytes
    if (!isRtp(bytes, endAt) || length > MAX_PACKET_BYTES) return this.#refuse('malformed')
    const job = this.#rtpJob(bytes, endAt)
    // RFC 3711 §3.1: the identifier stands before the tag, but after that of AEAD (RFC 7714 §8).
    if (!isAead) job.tagAt += this.#identifierBytes
    const window = this.#windowOf(this.#rtpSources, job.ssrc)
    const index = window.indexOf(job.indexLow)
    if (!window.admits(index)) return this.#refuse('replayed')
    const opened = this.#openRtp(job, window, index)
    if (opened === undefined) return this.#refuse('authFailures')
    this.#take(this.#rtpSources, window, opened)
    return endAt
  }

  /** The SRTCP packet of a compound RTCP packet of at least 8 bytes, in an array of its own. */
  protectRtcp(packet: Uint8Array): Uint8Array {
    const { isAead, rtcpTagBytes } = this.#sizes
    const { length } = packet
    const bytes = new Uint8Array(length + rtcpTagBytes + INDEX_BYTES)
    bytes.set(packet)
    const word = (ENCRYPTED_FLAG | this.#nextRtcpIndex) >>> 0
    this.#nextRtcpIndex = (this.#nextRtcpIndex + 1) & MAX_RTCP_INDEX
    writeUint32(bytes, isAead ? length + rtcpTagBytes : length, word)
    this.#rtcp.seal(this.#rtcpJob(bytes, length, word))
    return bytes
  }

  /**
   * Opens an SRTCP packet in place. Returns the length of the RTCP packet that is there now, or 0
   * when it is refused, which `stats` counts. Never throws.
   */
  unprotectRtcp(bytes: Uint8Array): number {
    const { isAead, rtcpTagBytes } = this.#sizes
    const { length } = bytes
    const endAt = length - rtcpTagBytes - INDEX_BYTES - this.#identifierBytes
    if (endAt < RTCP_HEADER_BYTES || length > MAX_PACKET_BYTES) return this.#refuse('malformed')
    const word = readUint32(bytes, isAead ? endAt + rtcpTagBytes : endAt)
    const index = word & MAX_RTCP_INDEX
    const job = this.#rtcpJob(bytes, endAt, word)
    if (!isAead) job.tagAt += this.#identifierBytes
    const window = this.#windowOf(this.#rtcpSources, job.ssrc)
    if (!window.admits(index)) return this.#refuse('replayed')
    if (!this.#rtcp.open(job)) return this.#refuse('authFailures')
    this.#take(this.#rtcpSources, window, index)
    return endAt
  }

  /** The index that the packet has proved to have; `undefined` when it is not authentic. */
  #openRtp(job: CipherJob, window: ReplayWindow, index: number): number | undefined {
    setIndex(job, index)
    if (this.#rtp.open(job)) return index
    // Deviates from RFC 3711 §3.3.1: before the first packet that we have seen of an SSRC others
    // may have been lost, or sent before we had the key, and the sequence number begun anew.
    if (window !== this.#spare) return undefined
    setIndex(job, index + ROLLOVER)
    return this.#rtp.open(job) ? index + ROLLOVER : undefined
  }

  #refuse(cause: 'authFailures' | 'replayed' | 'malformed'): 0 {
    this.stats[cause] += 1
    return 0
  }

  #rtpJob(bytes: Uint8Array, endAt: number): CipherJob {
    const job = this.#job
    job.bytes = bytes
    job.bodyAt = payloadStart(bytes, endAt)
    job.endAt = endAt
    job.tagAt = endAt
    job.ssrc = readUint32(bytes, 8)
    job.indexLow = (bytes[2]! << 8) | bytes[3]!
    return job
  }

  /**
   *   counter mode:  header and SSRC │ body │ E, index │ (key identifier) │ tag   RFC 3711 §3.4
   *   AEAD:          header and SSRC │ body │ tag │ E, index │ (key identifier)   RFC 7714 §9
   */
  #rtcpJob(bytes: Uint8Array, endAt: number, word: number): CipherJob {
    const index = word & MAX_RTCP_INDEX
    const job = this.#job
    job.bytes = bytes
    job.bodyAt = word >= ENCRYPTED_FLAG ? RTCP_HEADER_BYTES : endAt
    job.endAt = endAt
    job.tagAt = this.#sizes.isAead ? endAt : endAt + INDEX_BYTES
    job.ssrc = readUint32(bytes, 4)
    job.indexHigh = index >>> 16
    job.indexLow = index & 0xffff
    job.word = word
    return job
  }

  #windowOf(sources: Map<number, ReplayWindow>, ssrc: number): ReplayWindow {
    const window = sources.get(ssrc)
    if (window !== undefined) return window
    this.#spare.clear()
    return this.#spare
  }

  #take(sources: Map<number, ReplayWindow>, window: ReplayWindow, index: number): void {
    window.take(index)
    if (window !== this.#spare) return
    this.#spare = new ReplayWindow()
    sources.set(this.#job.ssrc, window)
    const [oldest] = sources.keys()
    if (sources.size > MAX_SOURCES) sources.delete(oldest!)
  }
}

/** RFC 3711 §3.3.1: the rollover counter is what the index has above its 16 bits. */
function setIndex(job: CipherJob, index: number): void {
  job.indexHigh = Math.floor(index / ROLLOVER)
  job.word = job.indexHigh
}

/** Whether there is an RTP packet in the first `length` bytes, as far as its header tells. */
function isRtp(bytes: Uint8Array, length: number): boolean {
  const isLongEnough = length >= RTP_HEADER_BYTES && length <= bytes.length
  return isLongEnough && bytes[0]! >> 6 === 2 && payloadStart(bytes, length) <= length
}
