export type SipErrorCode =
  | 'bad_message'
  | 'bad_uri'
  | 'bad_header'
  | 'unreachable'
  | 'bad_sdp'
  | 'no_common_codec'
  | 'wrong_state'
  | 'refused'
  | 'closed'

/** What can go wrong with signalling. `status` is the SIP status code of a refusal, where there is one. */
export class SipError extends Error {
  override readonly name = 'SipError'
  readonly code: SipErrorCode
  readonly status: number | undefined

  constructor(code: SipErrorCode, message: string, options?: ErrorOptions & { status?: number }) {
    super(message, options)
    this.code = code
    this.status = options?.status
  }
}
