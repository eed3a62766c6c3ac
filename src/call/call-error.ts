/** What may go wrong in a call before any vendor or network is asked. */
export type CallErrorCode =
  | 'bad_option'
  | 'unknown_provider'
  | 'invalid_transition'
  | 'duplicate_id'
  | 'at_capacity'
  | 'draining'
  | 'too_much_text'
  | 'too_many_keys'
  | 'nothing_playing'
  | 'not_supported'
  | 'refused'
  | 'forbidden'

/** The message is for people: it names the field and the way out. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: CallErrorCode

  constructor(code: CallErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * The `code` of an `error` event: what an HTTP status would say. Keyed by the codes of the errors
 * that legs, playbacks and speech report.
 */
const STATUS: Readonly<Record<string, number>> = {
  bad_option: 400,
  parameter: 400,
  bad_url: 400,
  bad_uri: 400,
  bad_header: 400,
  bad_sdp: 400,
  unknown_provider: 400,
  auth: 401,
  forbidden: 403,
  not_found: 404,
  invalid_transition: 409,
  wrong_state: 409,
  closed: 409,
  nothing_playing: 409,
  too_large: 413,
  unsupported: 415,
  no_common_codec: 415,
  audio: 415,
  text: 422,
  decode: 422,
  quota: 429,
  rate: 429,
  too_much_text: 429,
  too_many_keys: 429,
  not_supported: 501,
  server: 502,
  refused: 502,
  protocol: 502,
  network: 502,
  no_ports: 503,
  timeout: 504,
  disk: 507,
}

/** The HTTP-like number for an error of any layer; 500 for one that nobody foresaw. */
export function errorStatus(error: unknown): number {
  const code = (error as { code?: unknown } | undefined)?.code
  return (typeof code === 'string' ? STATUS[code] : undefined) ?? 500
}
