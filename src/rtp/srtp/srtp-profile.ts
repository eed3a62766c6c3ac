/** Protection profiles by their names in SDP (RFC 4568 §6.2, RFC 7714 §14.2). */
export type SrtpProfile = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32' | 'AEAD_AES_128_GCM'

export interface SrtpProfileSizes {
  readonly isAead: boolean
  readonly keyBytes: number
  readonly saltBytes: number
  readonly rtpTagBytes: number
  readonly rtcpTagBytes: number
  /** The profile's number where DTLS negotiates it (RFC 5764 §4.1.2, RFC 7714 §14.2). */
  readonly dtlsId: number
}

const COUNTER_MODE = { isAead: false, keyBytes: 16, saltBytes: 14 }

export const SRTP_PROFILES: Readonly<Record<SrtpProfile, SrtpProfileSizes>> = {
  AES_CM_128_HMAC_SHA1_80: { ...COUNTER_MODE, rtpTagBytes: 10, rtcpTagBytes: 10, dtlsId: 1 },
  // RFC 4568 §6.2.2: only RTP has the short tag.
  AES_CM_128_HMAC_SHA1_32: { ...COUNTER_MODE, rtpTagBytes: 4, rtcpTagBytes: 10, dtlsId: 2 },
  AEAD_AES_128_GCM: {
    isAead: true,
    keyBytes: 16,
    saltBytes: 12,
    rtpTagBytes: 16,
    rtcpTagBytes: 16,
    dtlsId: 7,
  },
}

/** Master key and salt of one direction, with the profile they are for. */
export interface SrtpKey {
  readonly profile: SrtpProfile
  readonly masterKey: Uint8Array
  readonly masterSalt: Uint8Array
  /**
   * How many bytes each packet spends on naming the master key (RFC 3711 §3.1), where a far end
   * does so. There is but one, so the name is passed over; we give none.
   */
  readonly keyIdentifierBytes?: number
}
