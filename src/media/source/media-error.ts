export type MediaErrorCode =
  | 'bad_url'
  | 'forbidden'
  | 'not_found'
  | 'unsupported'
  | 'decode'
  | 'too_large'
  | 'timeout'
  | 'network'
  | 'server'
  | 'internal'

/** What `play` names cannot be played. The message is for people and holds no secret of the URL. */
export class MediaError extends Error {
  override readonly name = 'MediaError'
  readonly code: MediaErrorCode

  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
