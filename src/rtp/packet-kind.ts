/** What shares a UDP port with RTP. `unknown` is also what we do not speak: ZRTP, TURN channels. */
export type PacketKind = 'rtp' | 'rtcp' | 'stun' | 'dtls' | 'unknown'

/** Tells the protocols on one port apart by the first byte (RFC 7983 §7), RTCP by the second. */
export function packetKind(bytes: Uint8Array): PacketKind {
  const first = bytes[0]
  const second = bytes[1]
  if (first === undefined || second === undefined) return 'unknown'
  if (first <= 3) return 'stun'
  if (first >= 20 && first <= 63) return 'dtls'
  if (first < 128 || first > 191) return 'unknown'
  // RFC 5761 §4: RTP has no payload types 64 to 95 where RTCP may be on its port.
  return second >= 192 && second <= 223 ? 'rtcp' : 'rtp'
}
